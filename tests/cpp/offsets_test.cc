// Flat offsets of index arrays against a naive loop, with indices out of bounds.
#include "cpu/offsets.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "check.h"

namespace brainvar {
namespace {

template <typename Offset>
void TestOne(std::mt19937_64& random) {
  const auto draw = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  const int64_t rank = draw(1, 4);
  const int64_t count = draw(0, 3) == 0 ? draw(0, 5000) : draw(0, 40);
  const bool bad = draw(0, 2) == 0;
  std::vector<cpu::AxisIndices> axes(rank);
  std::vector<std::vector<int32_t>> narrow(rank);
  std::vector<std::vector<int64_t>> wide(rank);
  std::vector<Offset> expected(count, 0), offsets(count, 77);
  std::vector<int64_t> outside(rank, -1);
  bool inside = true;
  for (int64_t a = 0; a < rank; ++a) {
    cpu::AxisIndices& axis = axes[a];
    axis = {nullptr, draw(0, 1) == 0, draw(1, 30), draw(0, 900)};
    for (int64_t k = 0; k < count; ++k) {
      int64_t index = draw(-axis.size, axis.size - 1);
      if (bad && draw(0, 60) == 0) {
        const int64_t far = axis.wide ? INT64_MIN : INT32_MIN;
        const int64_t choices[] = {axis.size, -axis.size - 1, far, -(far + 1)};
        index = choices[draw(0, 3)];
        if (outside[a] < 0) outside[a] = k;
        inside = false;
      }
      if (axis.wide) {
        wide[a].push_back(index);
      } else {
        narrow[a].push_back(static_cast<int32_t>(index));
      }
      if (inside) {
        expected[k] += static_cast<Offset>((index < 0 ? index + axis.size : index) * axis.stride);
      }
    }
    axis.data = axis.wide ? static_cast<const void*>(wide[a].data()) : narrow[a].data();
  }
  const std::string where = "rank " + std::to_string(rank) + ", count " + std::to_string(count);
  CHECK(cpu::FlatOffsets(axes.data(), rank, count, offsets.data()) == inside, where);
  if (inside) CHECK(offsets == expected, where);
  for (int64_t a = 0; a < rank; ++a) {
    CHECK(cpu::FindOutside(axes[a], count) == outside[a], where);
    CHECK(cpu::AllInside(axes[a], count) == (outside[a] < 0), where);
  }
}

// Dimensions about as long as 32-bit indices reach.
void TestLong() {
  const std::vector<int32_t> all = {INT32_MIN, -INT32_MAX, -1, 0, INT32_MAX - 1, INT32_MAX};
  for (const int64_t size : {int64_t{INT32_MAX} - 1, int64_t{INT32_MAX}, int64_t{INT32_MAX} + 1,
                             int64_t{INT32_MAX} + 2, int64_t{1} << 40}) {
    for (const int32_t index : all) {
      const cpu::AxisIndices axis = {&index, false, size, 1};
      const bool inside = index >= -size && index < size;
      const std::string where = std::to_string(index) + " of " + std::to_string(size);
      int64_t offset = -7;
      int32_t low_bits = -7;
      CHECK(cpu::AllInside(axis, 1) == inside, where);
      CHECK(cpu::FlatOffsets(&axis, 1, 1, &offset) == inside, where);
      CHECK(cpu::FlatOffsets(&axis, 1, 1, &low_bits) == inside, where);
      if (!inside) continue;
      CHECK(offset == (index < 0 ? index + size : index), where);
      CHECK(low_bits == static_cast<int32_t>(offset), where);
    }
  }
}

}  // namespace
}  // namespace brainvar

int main() {
  brainvar::TestLong();
  std::mt19937_64 random(3);
  for (int i = 0; i < 400; ++i) {
    brainvar::TestOne<int32_t>(random);
    brainvar::TestOne<int64_t>(random);
  }
  return brainvar::test::Report("offsets");
}
