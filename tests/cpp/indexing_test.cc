// What becomes of a spec: the parts inside the array, in as few dimensions as possible.
#include "core/indexing.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"

namespace brainvar {
namespace {

constexpr int64_t kLeast = INT64_MIN;
constexpr int64_t kMost = INT64_MAX;

bool operator==(Interval a, Interval b) { return a.begin == b.begin && a.end == b.end; }
bool operator==(const Extent& a, const Extent& b) {
  return a.count == b.count && a.stride == b.stride && a.value_stride == b.value_stride;
}

Region Decode(const std::vector<SpecRow>& rows, const std::vector<int64_t>& dims) {
  std::vector<uint32_t> words(rows.size() * kSpecRowWords);
  std::memcpy(words.data(), rows.data(), words.size() * sizeof(uint32_t));
  Region region;
  AddSpec(words.data(), dims.data(), static_cast<int64_t>(dims.size()), region);
  return region;
}

void TestInside() {
  constexpr Interval kNone = {0, 0};
  CHECK(Inside(0, 5, 1, 5) == (Interval{0, 5}), "whole");
  CHECK(Inside(-3, 10, 2, 5) == (Interval{2, 4}), "begins outside");
  CHECK(Inside(9, 10, -2, 5) == (Interval{3, 5}), "downwards");
  CHECK(Inside(4, 10, -2, 5) == (Interval{0, 3}), "downwards from inside");
  CHECK(Inside(5, 10, 1, 5) == kNone && Inside(-1, 10, -1, 5) == kNone, "outside");
  CHECK(Inside(2, 0, 1, 5) == kNone && Inside(2, -4, 1, 5) == kNone, "nothing wanted");
  CHECK(Inside(0, 5, 1, 0) == kNone && Inside(-2, 5, 1, 0) == kNone, "no elements");
  CHECK(Inside(2, 7, 0, 5) == (Interval{0, 7}) && Inside(5, 7, 0, 5) == kNone, "step 0");
  CHECK(Inside(kLeast, kMost, 1, 5) == kNone, "too few steps");
  CHECK(Inside(kLeast + 2, kMost, 1, 5) == (Interval{kMost - 1, kMost}), "just enough steps");
  CHECK(Inside(kLeast, 3, kMost, kMost) == (Interval{2, 3}), "steps as long as they get");
  CHECK(Inside(kMost - 1, 3, kLeast, kMost) == (Interval{0, 1}), "backwards as far as it gets");
  CHECK(Inside(0, kMost, kMost, 5) == (Interval{0, 1}), "the next is outside");
}

void TestRegion() {
  // A whole array is one run, also with one value for all.
  for (const int64_t value : {0, 1}) {
    const Region region =
        Decode({{0, 4, 1, 15 * value}, {0, 3, 1, 5 * value}, {0, 5, 1, value}}, {4, 3, 5});
    CHECK(region.rank == 1 && region.extents[0] == (Extent{60, 1, value}), "whole");
    CHECK(region.base == 0 && region.ValuesInside(value == 0 ? 1 : 60), "whole");
    CHECK(!region.ValuesInside(value == 0 ? 0 : 59), "a value too few");
  }
  // One element has no dimensions.
  const Region one = Decode({{3, 1, 1, 0}, {2, 1, 7, 9}}, {4, 3});
  CHECK(one.rank == 0 && one.base == 11 && one.positions() == 1 && one.ValuesInside(1), "one");
  // v[::-1] = values runs upwards with the values from the last to the first.
  const Region reversed = Decode({{9, 10, -1, 1}}, {10});
  CHECK(reversed.base == 0 && reversed.value_base == 9, "reversed");
  CHECK(reversed.extents[0] == (Extent{10, 1, -1}) && reversed.ValuesInside(10), "reversed");
  // Of v[-3:10:2] of 5 elements with values, those outside take their values with them.
  const Region partial = Decode({{-3, 7, 2, 1}}, {5});
  CHECK(partial.base == 1 && partial.value_base == 2 && partial.positions() == 2, "partial");
  CHECK(partial.ValuesInside(4) && !partial.ValuesInside(3), "partial");
  CHECK(Decode({{0, 4, 1, 1}, {5, 2, 1, 1}}, {4, 5}).empty, "outside");
  CHECK(Decode({{2, 9, 0, 1}}, {4}).positions() == 1, "step 0");
  // Positions and values beyond 2^32.
  const int64_t big = int64_t{1} << 33;
  const Region large = Decode({{2, 1, 1, 0}, {1, big / 2, 2, 1}}, {3, big});
  CHECK(large.base == 2 * big + 1 && large.span() == big - 2, "large");
  CHECK(large.extents[0] == (Extent{big / 2, 2, 1}), "large");
  CHECK(large.ValuesInside(big / 2) && !large.ValuesInside(big / 2 - 1), "large");
  // Value strides that no memory could hold are never inside, whatever their sum modulo 2^64.
  CHECK(!Decode({{0, 3, 1, kLeast}}, {3}).ValuesInside(kMost), "huge");
  CHECK(!Decode({{0, 3, 1, int64_t{1} << 62}, {0, 2, 1, -(int64_t{1} << 62)}}, {3, 2})
             .ValuesInside(kMost),
        "huge");

  Region narrowed = Decode({{0, 4, 1, -1}, {0, 5, 1, 8}}, {4, 7});
  narrowed.Narrow(1, 1, 3);
  CHECK(narrowed.base == 7 && narrowed.value_base == -1 && narrowed.positions() == 10, "narrowed");
  CHECK(narrowed.value_low == -1 && narrowed.value_high == 32, "narrowed");
}

}  // namespace
}  // namespace brainvar

int main() {
  brainvar::TestInside();
  brainvar::TestRegion();
  return brainvar::test::Report("indexing");
}
