// Operands of one update that stay in the memory of whoever gave them.
//
// A compiled program takes arrays of one shape, so an operand of any length has to be copied to one
// of a length that there is a program for. A loan is not copied: the program is given its number,
// and its handler finds the memory by that, once. The lender takes the memory back when the call
// has returned. Usually the program is done by then; if it has yet to run, for it waits for what
// it writes to, it gets a copy.
#ifndef BRAINVAR_CPU_LOANS_H_
#define BRAINVAR_CPU_LOANS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "cpu/offsets.h"
#include "cpu/update_loops.h"

namespace brainvar::cpu {

// Indices into a flat array, and as many values or (with value_stride 0) one for all.
struct Loan {
  AxisIndices indices;
  int64_t count = 0;
  const void* values = nullptr;
  int64_t elem_bytes = 0;
  int64_t value_stride = 1;

  int64_t values_bytes() const { return (value_stride == 0 ? 1 : count) * elem_bytes; }

  // What follows is for the functions below.
  std::mutex running;
  std::unique_ptr<char[]> copy;
};

// A program whose target turns out to be an error never takes its loan. That many stay at most.
constexpr size_t kMaxLoans = 64;

// Registers a loan; its number, positive, or 0 if there are kMaxLoans that have yet to be taken.
int32_t Lend(std::shared_ptr<Loan> loan);

// Ends the loan: nobody reads its memory any more. If it was not taken yet, it stays for whoever
// takes it, with a copy of its operands, or (without `wanted`, or memory for the copy) is
// withdrawn. False if it is being used: then its memory is read until AwaitReturn returns.
bool TakeBack(int32_t number, Loan& loan, bool wanted);
void AwaitReturn(Loan& loan);

// A loan in use, or none if the number is not that of one, or of one that was taken before.
struct Borrowed {
  std::shared_ptr<Loan> loan;
  std::unique_lock<std::mutex> in_use;  // destroyed before the loan
};
Borrowed Borrow(int32_t number);

// Writes the values of a loan to the elements that its indices mean, in their order, of an array
// of `size` elements. Indices outside of it are dropped.
void ScatterLoan(const Loan& loan, const UpdateLoops& loops, void* target, int64_t size);

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_LOANS_H_
