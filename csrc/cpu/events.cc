#include "cpu/events.h"

namespace brainvar::cpu {
namespace {

// Values are tested a block at a time; spikes are rare, so that most blocks are skipped whole.
template <typename T>
BRAINVAR_INLINE int FindActiveBody(const T* values, int64_t begin, int64_t end, int64_t* found) {
  constexpr int64_t kBlock = 128 / static_cast<int64_t>(sizeof(T));
  int count = 0;
  int64_t i = begin;
  for (; i + kBlock <= end; i += kBlock) {
    unsigned any = 0;
    for (int64_t j = 0; j < kBlock; ++j) any |= values[i + j] != T{0} ? 1u : 0u;
    if (any == 0) continue;
    for (int64_t j = i; j < i + kBlock; ++j) {
      found[count] = j;
      count += values[j] != T{0} ? 1 : 0;
    }
  }
  for (; i < end; ++i) {
    found[count] = i;
    count += values[i] != T{0} ? 1 : 0;
  }
  return count;
}

// Which of the eight bytes of a word are not zero, as the low eight bits of the result.
BRAINVAR_INLINE uint64_t NonzeroBytes(uint64_t word) {
  constexpr uint64_t kLow = 0x7F7F7F7F7F7F7F7F;
  const uint64_t ones = ((((word & kLow) + kLow) | word) & ~kLow) >> 7;
  return ones * 0x0102040810204080 >> 56;
}

// Of a block of bools that holds a nonzero one, a mask of its 64 bytes: the search then branches
// once for each of these instead of once for each word.
BRAINVAR_INLINE int FindActiveBody(const bool* values, int64_t begin, int64_t end, int64_t* found) {
  constexpr int64_t kBlock = 64;
  int count = 0;
  int64_t i = begin;
  for (; i + kBlock <= end; i += kBlock) {
    uint64_t words[kBlock / 8];
    std::memcpy(words, values + i, sizeof(words));
    uint64_t any = 0;
    for (const uint64_t word : words) any |= word;
    if (any == 0) continue;
    uint64_t mask = 0;
    for (int64_t w = 0; w < kBlock / 8; ++w) mask |= NonzeroBytes(words[w]) << (8 * w);
    for (; mask != 0; mask &= mask - 1) found[count++] = i + __builtin_ctzll(mask);
  }
  for (; i < end; ++i) {
    if (values[i]) found[count++] = i;
  }
  return count;
}

}  // namespace

BRAINVAR_CLONES int FindActive(const bool* values, int64_t begin, int64_t end, int64_t* found) {
  return FindActiveBody(values, begin, end, found);
}
BRAINVAR_CLONES int FindActive(const float* values, int64_t begin, int64_t end, int64_t* found) {
  return FindActiveBody(values, begin, end, found);
}
BRAINVAR_CLONES int FindActive(const double* values, int64_t begin, int64_t end, int64_t* found) {
  return FindActiveBody(values, begin, end, found);
}
BRAINVAR_CLONES int FindActive(const int32_t* values, int64_t begin, int64_t end, int64_t* found) {
  return FindActiveBody(values, begin, end, found);
}
BRAINVAR_CLONES int FindActive(const int64_t* values, int64_t begin, int64_t end, int64_t* found) {
  return FindActiveBody(values, begin, end, found);
}

}  // namespace brainvar::cpu
