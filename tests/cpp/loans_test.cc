// Loans: what is written through one, and who reads its memory until when.
#include "cpu/loans.h"

#include <algorithm>
#include <cstdint>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

namespace brainvar {
namespace {

using cpu::Element;
using cpu::Loan;
using cpu::UpdateOp;

std::mt19937_64 source(5);

int64_t Draw(int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(source);
}

std::shared_ptr<Loan> MakeLoan(const std::vector<int32_t>& indices, int64_t size,
                               const std::vector<float>& values) {
  auto loan = std::make_shared<Loan>();
  loan->indices = {indices.data(), false, size, 1};
  loan->count = static_cast<int64_t>(indices.size());
  loan->values = values.data();
  loan->elem_bytes = sizeof(float);
  loan->value_stride = 1;
  return loan;
}

// The loops that do not check offsets give what those give that do.
template <typename Index>
void TestScatter(UpdateOp op, Element element, int64_t size, int64_t count, bool one_value) {
  const cpu::UpdateLoops& loops = cpu::FindUpdateLoops(op, element);
  std::vector<Index> indices(count);
  std::vector<int32_t> offsets(count);
  for (int64_t k = 0; k < count; ++k) {
    offsets[k] = static_cast<int32_t>(Draw(0, size - 1));
    indices[k] = static_cast<Index>(Draw(0, 1) == 0 ? offsets[k] : offsets[k] - size);
  }
  const auto bytes = [&](int64_t n) {
    std::vector<uint8_t> out(n * loops.elem_bytes);
    // Small enough to be a number of every type, and 0 or 1 for those that are bools.
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(Draw(0, 1));
    return out;
  };
  const std::vector<uint8_t> values = bytes(one_value ? 1 : count);
  std::vector<uint8_t> got = bytes(size);
  std::vector<uint8_t> expected = got;
  Loan loan;
  loan.indices = {indices.data(), sizeof(Index) == 8, size, 1};
  loan.count = count;
  loan.values = values.data();
  loan.elem_bytes = loops.elem_bytes;
  loan.value_stride = one_value ? 0 : 1;
  cpu::ScatterLoan(loan, loops, got.data(), size);
  loops.scatter32(expected.data(), values.data(),
                  {offsets.data(), count, 0, size, loan.value_stride});
  CHECK(got == expected, "element " + std::to_string(static_cast<int>(element)) + ", op " +
                             std::to_string(static_cast<int>(op)) + ", size " +
                             std::to_string(size) + ", count " + std::to_string(count));
}

void TestScatters() {
  for (int op = 0; op < cpu::kUpdateOps; ++op) {
    for (int element = 0; element <= static_cast<int>(Element::kC128); ++element) {
      for (const bool one_value : {false, true}) {
        const auto as = static_cast<UpdateOp>(op);
        const auto of = static_cast<Element>(element);
        TestScatter<int32_t>(as, of, Draw(1, 300), Draw(1, 40), one_value);
        TestScatter<int64_t>(as, of, Draw(1, 300), Draw(1000, 3000), one_value);
      }
    }
  }
  // So many bytes that elements are fetched ahead.
  TestScatter<int32_t>(UpdateOp::kAdd, Element::kF32, 5'000'000, 5000, false);
  TestScatter<int64_t>(UpdateOp::kSet, Element::kF64, 3'000'000, 5000, true);
}

// Indices that changed after they were checked are never followed out of the array.
void TestChanged() {
  const std::vector<int32_t> indices = {0, 3, INT32_MIN, INT32_MAX, -5, 1};
  const std::vector<float> values(indices.size(), 1.0F);
  std::vector<float> target(4, 0.0F);
  cpu::ScatterLoan(*MakeLoan(indices, 3, values),
                   cpu::FindUpdateLoops(UpdateOp::kAdd, Element::kF32), target.data(), 3);
  CHECK(target[3] == 0.0F, "beyond the end");
}

void TestNumbers() {
  const std::vector<int32_t> indices = {0, 1};
  const std::vector<float> values = {1, 2};
  const auto first = MakeLoan(indices, 2, values);
  const auto second = MakeLoan(indices, 2, values);
  const int32_t one = cpu::Lend(first), two = cpu::Lend(second);
  CHECK(one > 0 && two > 0 && one != two, "");
  CHECK(cpu::Borrow(0).loan == nullptr, "");
  CHECK(cpu::Borrow(two).loan == second, "");
  CHECK(cpu::Borrow(two).loan == nullptr, "taken before");
  CHECK(cpu::TakeBack(two, *second, true), "used, and done");
  CHECK(second->copy == nullptr, "nobody waits for it");
  CHECK(cpu::TakeBack(one, *first, false), "never taken");
  CHECK(cpu::Borrow(one).loan == nullptr, "withdrawn");
}

// Programs that never run do not keep more and more copies.
void TestMany() {
  const std::vector<int32_t> indices = {0};
  const std::vector<float> values = {1};
  std::vector<std::shared_ptr<Loan>> loans;
  std::vector<int32_t> numbers;
  for (size_t i = 0; i < cpu::kMaxLoans; ++i) {
    loans.push_back(MakeLoan(indices, 1, values));
    numbers.push_back(cpu::Lend(loans.back()));
    CHECK(numbers.back() > 0 && cpu::TakeBack(numbers.back(), *loans.back(), true), "");
  }
  CHECK(cpu::Lend(MakeLoan(indices, 1, values)) == 0, "too many");
  for (size_t i = 0; i < loans.size(); ++i) cpu::TakeBack(numbers[i], *loans[i], false);
  const auto loan = MakeLoan(indices, 1, values);
  const int32_t number = cpu::Lend(loan);
  CHECK(number > 0 && cpu::TakeBack(number, *loan, false), "room again");
}

// A program that runs late gets what the operands were when the call returned.
void TestLate() {
  std::vector<int32_t> indices = {2, -3, 2};
  std::vector<float> values = {1, 2, 4};
  const auto loan = MakeLoan(indices, 3, values);
  const int32_t number = cpu::Lend(loan);
  CHECK(cpu::TakeBack(number, *loan, true), "");
  CHECK(cpu::TakeBack(number, *loan, true), "twice");
  std::fill(indices.begin(), indices.end(), 1);
  std::fill(values.begin(), values.end(), 100.0F);
  std::vector<float> target(3, 0.0F);
  {
    const cpu::Borrowed borrowed = cpu::Borrow(number);
    cpu::ScatterLoan(*borrowed.loan, cpu::FindUpdateLoops(UpdateOp::kAdd, Element::kF32),
                     target.data(), 3);
  }
  CHECK((target == std::vector<float>{2, 0, 5}), "");
  CHECK(cpu::Borrow(number).loan == nullptr, "");
}

// The lender waits for who is reading.
void TestInUse() {
  const std::vector<int32_t> indices = {0};
  const std::vector<float> values = {1};
  for (int i = 0; i < 50; ++i) {
    const auto loan = MakeLoan(indices, 1, values);
    const int32_t number = cpu::Lend(loan);
    float target = 0;
    std::promise<void> taken, seen;
    std::thread program([&] {
      const cpu::Borrowed borrowed = cpu::Borrow(number);
      taken.set_value();
      seen.get_future().wait();
      cpu::ScatterLoan(*borrowed.loan, cpu::FindUpdateLoops(UpdateOp::kAdd, Element::kF32), &target,
                       1);
    });
    taken.get_future().wait();
    CHECK(!cpu::TakeBack(number, *loan, true), "in use");
    seen.set_value();
    cpu::AwaitReturn(*loan);
    CHECK(target == 1, "read before AwaitReturn returned");
    program.join();
    CHECK(cpu::TakeBack(number, *loan, true), "done");
  }
}

}  // namespace
}  // namespace brainvar

int main() {
  brainvar::TestScatters();
  brainvar::TestChanged();
  brainvar::TestNumbers();
  brainvar::TestMany();
  brainvar::TestLate();
  brainvar::TestInUse();
  return brainvar::test::Report("loans");
}
