// Event-driven accumulation against a naive loop, with targets outside the array and malformed
// tables.
#include "cpu/events.h"

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "check.h"

namespace brainvar {
namespace {

using cpu::AddEvents;
using cpu::CsrRows;
using cpu::FixedRows;
using cpu::Weights;

template <typename T, typename Spike, typename Rows>
std::vector<T> Naive(std::vector<T> target, const Spike* spikes, int64_t rows, const Rows& table,
                     const std::vector<int32_t>& targets, const std::vector<T>& weights) {
  for (int64_t i = 0; i < rows; ++i) {
    if (spikes[i] == Spike{0}) continue;
    for (int64_t k = table.Begin(i); k < table.End(i); ++k) {
      if (targets[k] < 0 || targets[k] >= static_cast<int64_t>(target.size())) continue;
      const T weight = weights.size() == 1 ? weights[0] : weights[k];
      target[targets[k]] += weight * static_cast<T>(spikes[i]);
    }
  }
  return target;
}

template <typename T, typename Spike>
void TestTable(int64_t rows, int64_t size, int64_t fanout, double activity, bool scalar,
               std::mt19937& random) {
  const std::string where = "rows " + std::to_string(rows) + ", size " + std::to_string(size) +
                            ", fanout " + std::to_string(fanout) + ", scalar " +
                            std::to_string(scalar);
  std::uniform_int_distribution<int32_t> index(-2, static_cast<int32_t>(size) + 1);
  std::uniform_int_distribution<int> small(-9, 9);
  std::bernoulli_distribution active(activity);
  const auto spikes = std::make_unique<Spike[]>(rows);
  for (int64_t i = 0; i < rows; ++i) {
    spikes[i] = active(random) ? static_cast<Spike>(2) : Spike{0};
  }
  std::vector<int32_t> targets(rows * fanout);
  for (int32_t& t : targets) t = index(random);
  if (!targets.empty()) {
    targets.front() = INT32_MIN;
    targets.back() = INT32_MAX;
  }
  std::vector<T> weights(scalar ? 1 : rows * fanout), start(size);
  for (T& w : weights) w = static_cast<T>(small(random)) / (std::is_integral_v<T> ? 1 : 4);
  for (T& t : start) t = static_cast<T>(small(random));
  const Weights<T> typed = {weights.data(), scalar};

  std::vector<T> fixed = start;
  const FixedRows fixed_rows = {fanout};
  AddEvents(fixed.data(), size, spikes.get(), rows, fixed_rows, targets.data(), typed);
  CHECK(fixed == Naive(start, spikes.get(), rows, fixed_rows, targets, weights), "fixed, " + where);

  // Row bounds that go backwards and outside the table.
  std::vector<int64_t> indptr(rows + 1);
  const auto entries = static_cast<int64_t>(targets.size());
  std::uniform_int_distribution<int64_t> bound(-3, entries + 3);
  for (int64_t& p : indptr) p = bound(random);
  std::vector<T> csr = start;
  const CsrRows<int64_t> csr_rows = {indptr.data(), entries};
  AddEvents(csr.data(), size, spikes.get(), rows, csr_rows, targets.data(), typed);
  CHECK(csr == Naive(start, spikes.get(), rows, csr_rows, targets, weights), "csr, " + where);
}

template <typename T>
void TestType(std::mt19937& random) {
  for (const bool scalar : {false, true}) {
    for (const int64_t rows : {0, 1, 7, 64, 511, 513, 1300}) {
      for (const double activity : {0.0, 0.01, 0.5, 1.0}) {
        TestTable<T, bool>(rows, 97, 5, activity, scalar, random);
        TestTable<T, T>(rows, 97, 5, activity, scalar, random);
      }
    }
    TestTable<T, bool>(20, 0, 3, 0.5, scalar, random);
    TestTable<T, bool>(20, 10, 0, 0.5, scalar, random);
  }
}

}  // namespace
}  // namespace brainvar

int main() {
  std::mt19937 random(1);
  brainvar::TestType<float>(random);
  brainvar::TestType<double>(random);
  brainvar::TestType<int32_t>(random);
  brainvar::TestType<int64_t>(random);
  return brainvar::test::Report("events");
}
