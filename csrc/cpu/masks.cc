#include "cpu/masks.h"

#include <cstring>

#include "cpu/events.h"

namespace brainvar::cpu {
namespace {

// A piece of a mask with more than one true element among so many is searched without branches.
constexpr int64_t kDenseMask = 4;

// How many of `size` elements are true: eight are added at once, as the bytes of a word.
int64_t CountTrue(const bool* mask, int64_t size) {
  static_assert(kMaskPiece / 8 < 128, "two bytes of the sum must fit in one");
  uint64_t sum = 0;
  int64_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, mask + i, sizeof(word));
    sum += word;
  }
  constexpr uint64_t kEven = 0x00FF00FF00FF00FF;
  sum = (sum & kEven) + ((sum >> 8) & kEven);
  auto count = static_cast<int64_t>((sum * 0x0001000100010001) >> 48);
  for (; i < size; ++i) count += mask[i] ? 1 : 0;
  return count;
}

}  // namespace

int64_t FindTrue(const bool* mask, int64_t begin, int64_t end, int64_t* found) {
  const int64_t size = end - begin;
  const int64_t count = CountTrue(mask + begin, size);
  if (count == 0 || count == size) return count;
  if (count * kDenseMask < size) return FindActive(mask, begin, end, found);
  // Many: a write for each element is faster than a branch. Bytes that are neither 0 nor 1 may
  // spoil the count, but not this.
  const auto* bytes = reinterpret_cast<const uint8_t*>(mask);
  int64_t next = 0;
  for (int64_t i = begin; i < end; ++i) {
    found[next] = i;
    next += bytes[i] != 0 ? 1 : 0;
  }
  return next;
}

}  // namespace brainvar::cpu
