// Bodies of the loops declared in loops.h, and the macro that instantiates them for one kind of
// sample. The bodies are forced inline into functions that carry the SIMD clones: a template
// cannot carry them itself.
#ifndef BRAINVAR_CPU_LOOPS_IMPL_H_
#define BRAINVAR_CPU_LOOPS_IMPL_H_

#include <cstdint>
#include <cstring>

#include "core/distributions.h"
#include "core/streams.h"
#include "cpu/block_loops_impl.h"
#include "cpu/loops.h"
#include "cpu/simd.h"

namespace brainvar::cpu {

template <typename D>
BRAINVAR_INLINE void LanesBody(Pair key, uint64_t half, uint64_t begin, uint64_t end,
                               void* BRAINVAR_RESTRICT low, void* BRAINVAR_RESTRICT high) {
  const auto first = static_cast<uint32_t>(begin);
  const auto second = static_cast<uint32_t>(begin + half);
  const uint64_t count = end - begin;
  for (uint64_t i = 0; i < count; ++i) {
    const auto step = static_cast<uint32_t>(i);
    const Pair x = Threefry2x32(key, {first + step, second + step});
    Store(low, i, ConvertWord<D>(x.x0));
    Store(high, i, ConvertWord<D>(x.x1));
  }
}

template <typename D>
BRAINVAR_INLINE void WordBody(uint32_t bits, int count, void* out) {
  const Pack<D> pack = ConvertWord<D>(bits);
  std::memcpy(out, &pack, count * sizeof(typename D::Elem));
}

template <typename D>
BRAINVAR_INLINE void ElementsBody(Pair key, uint64_t begin, uint64_t end,
                                  void* BRAINVAR_RESTRICT out) {
  auto* BRAINVAR_RESTRICT elements = static_cast<typename D::Elem*>(out);
  while (begin < end) {
    // The high half of the counter is constant up to the next multiple of 2^32.
    const auto high = static_cast<uint32_t>(begin >> 32);
    const auto low = static_cast<uint32_t>(begin);
    const uint64_t left = (uint64_t{1} << 32) - low;
    const uint64_t count = end - begin < left ? end - begin : left;
    for (uint64_t i = 0; i < count; ++i) {
      elements[i] = ConvertPair<D>(Threefry2x32(key, {high, low + static_cast<uint32_t>(i)}));
    }
    begin += count;
    elements += count;
  }
}

template <typename D>
BRAINVAR_INLINE void WideBody(Pair key, uint64_t size, uint64_t begin, uint64_t end,
                              void* BRAINVAR_RESTRICT out) {
  auto* BRAINVAR_RESTRICT elements = static_cast<typename D::Elem*>(out);
  const auto first = static_cast<uint32_t>(begin);
  const auto second = static_cast<uint32_t>(begin + size);
  const uint64_t count = end - begin;
  for (uint64_t i = 0; i < count; ++i) {
    const auto step = static_cast<uint32_t>(i);
    elements[i] = ConvertPair<D>(Threefry2x32(key, {first + step, second + step}));
  }
}

// Scatters one value per key: value k goes to element `index` of row k.
template <typename T>
BRAINVAR_INLINE void StoreColumn(const T* values, int count, void* out, uint64_t row_bytes,
                                 uint64_t offset_bytes, uint64_t bytes) {
  char* place = static_cast<char*>(out) + offset_bytes;
  if (bytes == sizeof(T)) {
    for (int k = 0; k < count; ++k) std::memcpy(place + k * row_bytes, &values[k], sizeof(T));
  } else {
    for (int k = 0; k < count; ++k) std::memcpy(place + k * row_bytes, &values[k], bytes);
  }
}

template <typename D>
BRAINVAR_INLINE void TileOriginalBody(const KeyTile& keys, int count, uint64_t size, void* out) {
  using Elem = typename D::Elem;
  const uint64_t row_bytes = size * sizeof(Elem);
  if constexpr (D::kWidth == 64) {
    Elem values[kTileKeys];
    for (uint64_t i = 0; i < size; ++i) {
      const Pair counter = {static_cast<uint32_t>(i), static_cast<uint32_t>(i + size)};
      for (int k = 0; k < kTileKeys; ++k) {
        values[k] = ConvertPair<D>(Threefry2x32({keys.k0[k], keys.k1[k]}, counter));
      }
      StoreColumn(values, count, out, row_bytes, i * sizeof(Elem), sizeof(Elem));
    }
  } else {
    Pack<D> low[kTileKeys];
    Pack<D> high[kTileKeys];
    const uint64_t words = WordsFor(size, D::kWidth);
    const uint64_t half = (words + 1) / 2;
    for (uint64_t i = 0; i < half; ++i) {
      const uint64_t second = i + half;
      const Pair counter = {static_cast<uint32_t>(i),
                            second < words ? static_cast<uint32_t>(second) : 0u};
      for (int k = 0; k < kTileKeys; ++k) {
        const Pair x = Threefry2x32({keys.k0[k], keys.k1[k]}, counter);
        low[k] = ConvertWord<D>(x.x0);
        high[k] = ConvertWord<D>(x.x1);
      }
      const uint64_t low_offset = i * sizeof(Pack<D>);
      const uint64_t high_offset = second * sizeof(Pack<D>);
      const uint64_t low_left = row_bytes - low_offset;
      StoreColumn(low, count, out, row_bytes, low_offset,
                  low_left < sizeof(Pack<D>) ? low_left : sizeof(Pack<D>));
      if (second < words) {
        const uint64_t high_left = row_bytes - high_offset;
        StoreColumn(high, count, out, row_bytes, high_offset,
                    high_left < sizeof(Pack<D>) ? high_left : sizeof(Pack<D>));
      }
    }
  }
}

template <typename D>
BRAINVAR_INLINE void TilePartitionableBody(const KeyTile& keys, int count, uint64_t size,
                                           void* out) {
  using Elem = typename D::Elem;
  Elem values[kTileKeys];
  for (uint64_t i = 0; i < size; ++i) {
    const Pair counter = {static_cast<uint32_t>(i >> 32), static_cast<uint32_t>(i)};
    for (int k = 0; k < kTileKeys; ++k) {
      values[k] = ConvertPair<D>(Threefry2x32({keys.k0[k], keys.k1[k]}, counter));
    }
    StoreColumn(values, count, out, size * sizeof(Elem), i * sizeof(Elem), sizeof(Elem));
  }
}

}  // namespace brainvar::cpu

// The loops that both instantiating macros share.
#define BRAINVAR_DEFINE_COMMON_LOOPS(NAME, D)                                                    \
  BRAINVAR_CLONES void NAME##Elements(Pair key, uint64_t begin, uint64_t end, void* out) {       \
    ElementsBody<D>(key, begin, end, out);                                                       \
  }                                                                                              \
  BRAINVAR_CLONES void NAME##GatherOriginal(Pair key, uint64_t size, const uint64_t* positions,  \
                                            int count, void* out) {                              \
    GatherOriginalBody<D>(key, size, positions, count, out);                                     \
  }                                                                                              \
  BRAINVAR_CLONES void NAME##GatherPartitionable(Pair key, const uint64_t* positions, int count, \
                                                 void* out) {                                    \
    GatherPartitionableBody<D>(key, positions, count, out);                                      \
  }                                                                                              \
  BRAINVAR_CLONES void NAME##TileOriginal(const KeyTile& keys, int count, uint64_t size,         \
                                          void* out) {                                           \
    TileOriginalBody<D>(keys, count, size, out);                                                 \
  }                                                                                              \
  BRAINVAR_CLONES void NAME##TilePartitionable(const KeyTile& keys, int count, uint64_t size,    \
                                               void* out) {                                      \
    TilePartitionableBody<D>(keys, count, size, out);                                            \
  }

// Defines k<NAME>Loops for samples of up to 32 bits.
#define BRAINVAR_DEFINE_LOOPS(NAME, D, NANOSECONDS)                                              \
  BRAINVAR_CLONES void NAME##Lanes(Pair key, uint64_t half, uint64_t begin, uint64_t end,        \
                                   void* low, void* high) {                                      \
    LanesBody<D>(key, half, begin, end, low, high);                                              \
  }                                                                                              \
  BRAINVAR_CLONES void NAME##HalfLanes(Pair key, uint64_t half, uint64_t begin, uint64_t end,    \
                                       bool high, void* out) {                                   \
    HalfLanesBody<D>(key, half, begin, end, high, out);                                          \
  }                                                                                              \
  static void NAME##Word(uint32_t bits, int count, void* out) { WordBody<D>(bits, count, out); } \
  BRAINVAR_DEFINE_COMMON_LOOPS(NAME, D)                                                          \
  const Loops k##NAME##Loops = {D::kWidth,                                                       \
                                sizeof(D::Elem),                                                 \
                                NANOSECONDS,                                                     \
                                NAME##Lanes,                                                     \
                                NAME##HalfLanes,                                                 \
                                NAME##Word,                                                      \
                                NAME##Elements,                                                  \
                                nullptr,                                                         \
                                nullptr,                                                         \
                                NAME##GatherOriginal,                                            \
                                NAME##GatherPartitionable,                                       \
                                NAME##TileOriginal,                                              \
                                NAME##TilePartitionable};

// Defines k<NAME>Loops for samples of 64 bits.
#define BRAINVAR_DEFINE_WIDE_LOOPS(NAME, D, NANOSECONDS)                                  \
  BRAINVAR_CLONES void NAME##Wide(Pair key, uint64_t size, uint64_t begin, uint64_t end,  \
                                  void* out) {                                            \
    WideBody<D>(key, size, begin, end, out);                                              \
  }                                                                                       \
  static void NAME##Pair(Pair words, void* out) { Store(out, 0, ConvertPair<D>(words)); } \
  BRAINVAR_DEFINE_COMMON_LOOPS(NAME, D)                                                   \
  const Loops k##NAME##Loops = {D::kWidth,                                                \
                                sizeof(D::Elem),                                          \
                                NANOSECONDS,                                              \
                                nullptr,                                                  \
                                nullptr,                                                  \
                                nullptr,                                                  \
                                NAME##Elements,                                           \
                                NAME##Wide,                                               \
                                NAME##Pair,                                               \
                                NAME##GatherOriginal,                                     \
                                NAME##GatherPartitionable,                                \
                                NAME##TileOriginal,                                       \
                                NAME##TilePartitionable};

#endif  // BRAINVAR_CPU_LOOPS_IMPL_H_
