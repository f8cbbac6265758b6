#include "cpu/loans.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <unordered_map>
#include <utility>

namespace brainvar::cpu {
namespace {

// The offsets of so many indices at a time stay in the innermost cache.
constexpr int64_t kPiece = 1024;

struct Register {
  std::mutex mutex;
  std::unordered_map<int32_t, std::shared_ptr<Loan>> loans;
  int32_t last = 0;
};

// Never destroyed: threads of XLA may outlive the end of the program.
Register& Loans() {
  static auto* loans = new Register;
  return *loans;
}

// False where there is no memory for it.
bool Copy(Loan& loan) {
  const int64_t index_bytes = loan.count * (loan.indices.wide ? 8 : 4);
  const int64_t first = (index_bytes + 15) / 16 * 16;  // aligned for any element
  loan.copy.reset(new (std::nothrow) char[first + loan.values_bytes()]);
  if (loan.copy == nullptr) return false;
  std::memcpy(loan.copy.get(), loan.indices.data, index_bytes);
  std::memcpy(loan.copy.get() + first, loan.values, loan.values_bytes());
  loan.indices.data = loan.copy.get();
  loan.values = loan.copy.get() + first;
  return true;
}

template <typename Offset>
void ScatterPieces(const Loan& loan, const UpdateLoops& loops, void* target, int64_t size) {
  Offset offsets[kPiece];
  AxisIndices axis = loan.indices;
  for (int64_t first = 0; first < loan.count; first += kPiece) {
    const int64_t piece = std::min(kPiece, loan.count - first);
    axis.data = static_cast<const char*>(loan.indices.data) + first * (axis.wide ? 8 : 4);
    // Another thread may have changed the indices since they were checked.
    if (!FlatOffsets(&axis, 1, piece, offsets)) continue;
    const void* values =
        static_cast<const char*>(loan.values) + first * loan.value_stride * loan.elem_bytes;
    const Scatter<Offset> list = {offsets, piece, 0, size, loan.value_stride, true};
    if constexpr (sizeof(Offset) == 4) {
      loops.scatter32(target, values, list);
    } else {
      loops.scatter64(target, values, list);
    }
  }
}

}  // namespace

int32_t Lend(std::shared_ptr<Loan> loan) {
  Register& all = Loans();
  const std::lock_guard<std::mutex> lock(all.mutex);
  if (all.loans.size() >= kMaxLoans) return 0;
  do {
    all.last = all.last == INT32_MAX ? 1 : all.last + 1;
  } while (all.loans.count(all.last) != 0);
  all.loans.emplace(all.last, std::move(loan));
  return all.last;
}

bool TakeBack(int32_t number, Loan& loan, bool wanted) {
  Register& all = Loans();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.loans.find(number);
  if (found != all.loans.end() && found->second.get() == &loan) {
    const bool stays = wanted && (loan.copy != nullptr || Copy(loan));
    if (!stays) all.loans.erase(found);
    return true;
  }
  const std::unique_lock<std::mutex> unused(loan.running, std::try_to_lock);
  return unused.owns_lock();
}

void AwaitReturn(Loan& loan) { const std::lock_guard<std::mutex> unused(loan.running); }

Borrowed Borrow(int32_t number) {
  Register& all = Loans();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.loans.find(number);
  if (found == all.loans.end()) return {};
  Borrowed borrowed{std::move(found->second), {}};
  all.loans.erase(found);
  // Before the loan is seen to be taken.
  borrowed.in_use = std::unique_lock<std::mutex>(borrowed.loan->running);
  return borrowed;
}

void ScatterLoan(const Loan& loan, const UpdateLoops& loops, void* target, int64_t size) {
  if (size <= INT32_MAX) {
    ScatterPieces<int32_t>(loan, loops, target, size);
  } else {
    ScatterPieces<int64_t>(loan, loops, target, size);
  }
}

}  // namespace brainvar::cpu
