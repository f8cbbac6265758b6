#include "cpu/events.h"

namespace brainvar::cpu {
namespace {

// Values are tested a block at a time; spikes are rare, so that most blocks are skipped whole.
constexpr int64_t kBlockBytes = 128;

template <typename T>
BRAINVAR_INLINE int FindActiveBody(const T* values, int64_t begin, int64_t end, int64_t* found) {
  constexpr int64_t kBlock = kBlockBytes / static_cast<int64_t>(sizeof(T));
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

// Bools are read eight at a time, and the nonzero bytes of a word found by counting its zeros.
BRAINVAR_INLINE int FindActiveBody(const bool* values, int64_t begin, int64_t end, int64_t* found) {
  int count = 0;
  int64_t i = begin;
  for (; i + kBlockBytes <= end; i += kBlockBytes) {
    uint64_t words[kBlockBytes / 8];
    std::memcpy(words, values + i, sizeof(words));
    uint64_t any = 0;
    for (const uint64_t word : words) any |= word;
    if (any == 0) continue;
    for (int64_t w = 0; w < kBlockBytes / 8; ++w) {
      for (uint64_t word = words[w]; word != 0;) {
        const int byte = __builtin_ctzll(word) / 8;
        found[count++] = i + 8 * w + byte;
        word &= ~(uint64_t{0xFF} << (8 * byte));
      }
    }
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
