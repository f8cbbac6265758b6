// Bodies of the loops that only blocks of larger arrays use; see loops_impl.h.
#ifndef BRAINVAR_CPU_BLOCK_LOOPS_IMPL_H_
#define BRAINVAR_CPU_BLOCK_LOOPS_IMPL_H_

#include <cstdint>
#include <cstring>

#include "core/distributions.h"
#include "core/streams.h"
#include "cpu/simd.h"

namespace brainvar::cpu {

template <typename T>
BRAINVAR_INLINE void Store(void* base, uint64_t index, T value) {
  // memcpy, because packs of narrow samples may lie on any byte.
  std::memcpy(static_cast<char*>(base) + index * sizeof(T), &value, sizeof(T));
}

template <typename D>
BRAINVAR_INLINE void HalfLanesBody(Pair key, uint64_t half, uint64_t begin, uint64_t end, bool high,
                                   void* BRAINVAR_RESTRICT out) {
  const auto first = static_cast<uint32_t>(begin);
  const auto second = static_cast<uint32_t>(begin + half);
  const uint64_t count = end - begin;
  if (high) {
    for (uint64_t i = 0; i < count; ++i) {
      const auto step = static_cast<uint32_t>(i);
      Store(out, i, ConvertWord<D>(Threefry2x32(key, {first + step, second + step}).x1));
    }
  } else {
    for (uint64_t i = 0; i < count; ++i) {
      const auto step = static_cast<uint32_t>(i);
      Store(out, i, ConvertWord<D>(Threefry2x32(key, {first + step, second + step}).x0));
    }
  }
}

template <typename D>
BRAINVAR_INLINE void GatherOriginalBody(Pair key, uint64_t size,
                                        const uint64_t* BRAINVAR_RESTRICT positions, int count,
                                        void* BRAINVAR_RESTRICT out) {
  auto* BRAINVAR_RESTRICT elements = static_cast<typename D::Elem*>(out);
  if constexpr (D::kWidth == 64) {
    const auto half = static_cast<uint32_t>(size);
    for (int i = 0; i < count; ++i) {
      const auto lane = static_cast<uint32_t>(positions[i]);
      elements[i] = ConvertPair<D>(Threefry2x32(key, {lane, lane + half}));
    }
  } else {
    constexpr uint64_t kPer = kPerWord<D>;
    constexpr uint32_t kMask = D::kWidth == 32 ? ~0u : (1u << D::kWidth) - 1;
    const auto words = static_cast<uint32_t>(WordsFor(size, D::kWidth));
    const uint32_t half = words / 2 + words % 2;
    for (int i = 0; i < count; ++i) {
      const auto word = static_cast<uint32_t>(positions[i] / kPer);
      const auto shift = static_cast<uint32_t>(positions[i] % kPer) * D::kWidth;
      const bool high = word >= half;
      const uint32_t lane = high ? word - half : word;
      const uint32_t second = lane + half;
      const Pair x = Threefry2x32(key, {lane, second < words ? second : 0u});
      elements[i] = D::Convert(((high ? x.x1 : x.x0) >> shift) & kMask);
    }
  }
}

template <typename D>
BRAINVAR_INLINE void GatherPartitionableBody(Pair key, const uint64_t* BRAINVAR_RESTRICT positions,
                                             int count, void* BRAINVAR_RESTRICT out) {
  auto* BRAINVAR_RESTRICT elements = static_cast<typename D::Elem*>(out);
  for (int i = 0; i < count; ++i) {
    elements[i] = ConvertPair<D>(Threefry2x32(
        key, {static_cast<uint32_t>(positions[i] >> 32), static_cast<uint32_t>(positions[i])}));
  }
}

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_BLOCK_LOOPS_IMPL_H_
