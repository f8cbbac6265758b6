// Bodies of the loops declared in update_loops.h, and the macros that instantiate them.
#ifndef BRAINVAR_CPU_UPDATE_LOOPS_IMPL_H_
#define BRAINVAR_CPU_UPDATE_LOOPS_IMPL_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/combine.h"
#include "cpu/simd.h"
#include "cpu/update_loops.h"

namespace brainvar::cpu {

// Elements that lie apart. Vectors gain little here: this is compiled once, not per SIMD level.
template <typename Op, typename T>
__attribute__((noinline)) void RunApart(T* BRAINVAR_RESTRICT target,
                                        const T* BRAINVAR_RESTRICT values, const Extent& outer,
                                        const Extent& inner) {
  for (int64_t i = 0; i < outer.count; ++i) {
    int64_t position = i * outer.stride;
    int64_t value = i * outer.value_stride;
    for (int64_t j = 0; j < inner.count; ++j) {
      target[position] = Op::Apply(target[position], values[value]);
      position += inner.stride;
      value += inner.value_stride;
    }
  }
}

template <typename Op, typename T>
BRAINVAR_INLINE void RunBody(T* BRAINVAR_RESTRICT target, const T* BRAINVAR_RESTRICT values,
                             const Extent& outer, const Extent& inner) {
  const int64_t count = inner.count;
  if (inner.stride == 1 && inner.value_stride == 1) {
    for (int64_t i = 0; i < outer.count; ++i) {
      T* BRAINVAR_RESTRICT out = target + i * outer.stride;
      const T* BRAINVAR_RESTRICT in = values + i * outer.value_stride;
      for (int64_t j = 0; j < count; ++j) out[j] = Op::Apply(out[j], in[j]);
    }
  } else if (inner.stride == 1 && inner.value_stride == 0) {
    for (int64_t i = 0; i < outer.count; ++i) {
      T* BRAINVAR_RESTRICT out = target + i * outer.stride;
      const T value = values[i * outer.value_stride];
      for (int64_t j = 0; j < count; ++j) out[j] = Op::Apply(out[j], value);
    }
  } else {
    RunApart<Op>(target, values, outer, inner);
  }
}

// How many offsets ahead their elements are fetched, and in arrays of how many bytes: in smaller
// ones it costs more than it saves. Measured for 1e5 random offsets into floats: 82 us without and
// 106 us with into 4 MB, 580 us without and 510 us with into 40 MB.
constexpr int64_t kScatterAhead = 32;
constexpr int64_t kScatterAheadBytes = int64_t{16} << 20;

template <typename Op, typename T, typename Offset>
void ScatterBody(T* BRAINVAR_RESTRICT target, const T* BRAINVAR_RESTRICT values,
                 const Scatter<Offset>& scatter) {
  const Offset* BRAINVAR_RESTRICT offsets = scatter.offsets;
  const auto size = static_cast<uint64_t>(scatter.size);
  const auto base = static_cast<uint64_t>(scatter.base);
  const int64_t value_stride = scatter.value_stride;
  // A negative offset is dropped even where the base would bring it back inside.
  const auto step = [&](int64_t k) {
    const auto offset = static_cast<int64_t>(offsets[k]);
    const uint64_t index = static_cast<uint64_t>(offset) + base;
    if (offset >= 0 && index < size) {
      target[index] = Op::Apply(target[index], values[k * value_stride]);
    }
  };
  const bool large = scatter.size > kScatterAheadBytes / static_cast<int64_t>(sizeof(T));
  if (scatter.inside && !large && value_stride <= 1 && value_stride >= 0) {
    T* BRAINVAR_RESTRICT first = target + base;
    const auto run = [&](auto pace) {
#pragma GCC unroll 8
      for (int64_t k = 0; k < scatter.count; ++k) {
        first[offsets[k]] = Op::Apply(first[offsets[k]], values[k * pace()]);
      }
    };
    if (value_stride == 1) {
      run(std::integral_constant<int64_t, 1>());
    } else {
      run(std::integral_constant<int64_t, 0>());
    }
    return;
  }
  const int64_t fetched = large ? std::max<int64_t>(scatter.count - kScatterAhead, 0) : 0;
  int64_t k = 0;
  for (; k < fetched; ++k) {
    // An address outside the array is never read: it may be any number.
    const uint64_t ahead = static_cast<uint64_t>(offsets[k + kScatterAhead]) + base;
    const uint64_t address = reinterpret_cast<uintptr_t>(target) + ahead * sizeof(T);
    __builtin_prefetch(reinterpret_cast<const void*>(address), 1);
    step(k);
  }
  for (; k < scatter.count; ++k) step(k);
}

template <int kBytes>
using BitsOf = std::conditional_t<
    kBytes == 1, uint8_t,
    std::conditional_t<kBytes == 2, uint16_t, std::conditional_t<kBytes == 4, uint32_t, uint64_t>>>;

// Bits of the new element where the mask is true, of the old one elsewhere: a plain choice between
// them would be compiled to a branch.
template <typename T>
BRAINVAR_INLINE T Blend(bool mask, T fresh, T old) {
  if constexpr (std::is_same_v<T, Bits128>) {
    return {Blend(mask, fresh.low, old.low), Blend(mask, fresh.high, old.high)};
  } else if constexpr (IsComplex<T>::value) {
    return {Blend(mask, fresh.re, old.re), Blend(mask, fresh.im, old.im)};
  } else {
    using Bits = BitsOf<sizeof(T)>;
    const auto keep = static_cast<Bits>(static_cast<Bits>(mask) - Bits{1});
    return BitCast<T>(static_cast<Bits>((BitCast<Bits>(fresh) & static_cast<Bits>(~keep)) |
                                        (BitCast<Bits>(old) & keep)));
  }
}

template <typename Op, typename T>
BRAINVAR_INLINE void SelectBody(T* BRAINVAR_RESTRICT target, const bool* BRAINVAR_RESTRICT mask,
                                int64_t count, T value) {
  constexpr int64_t kBlock = 64;
  int64_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    uint64_t words[kBlock / 8];
    std::memcpy(words, mask + i, kBlock);
    uint64_t any = 0;
    for (const uint64_t word : words) any |= word;
    if (any == 0) continue;
    uint8_t chosen[kBlock];  // a block of one's own, and of numbers, is what vectorises
    std::memcpy(chosen, mask + i, kBlock);
    T* BRAINVAR_RESTRICT out = target + i;
    for (int64_t j = 0; j < kBlock; ++j) {
      const T old = out[j];
      out[j] = Blend(chosen[j] != 0, Op::Apply(old, value), old);
    }
  }
  for (; i < count; ++i) {
    if (mask[i]) target[i] = Op::Apply(target[i], value);
  }
}

}  // namespace brainvar::cpu

// Defines k<NAME>Loops for one operation and element type.
#define BRAINVAR_DEFINE_UPDATE(NAME, OP, T, NANOSECONDS)                                        \
  BRAINVAR_CLONES static void NAME##Run(void* target, const void* values, const Extent& outer,  \
                                        const Extent& inner) {                                  \
    RunBody<OP>(static_cast<T*>(target), static_cast<const T*>(values), outer, inner);          \
  }                                                                                             \
  BRAINVAR_CLONES static void NAME##Select(void* target, const bool* mask, int64_t count,       \
                                           const void* value) {                                 \
    SelectBody<OP>(static_cast<T*>(target), mask, count, *static_cast<const T*>(value));        \
  }                                                                                             \
  static void NAME##Scatter32(void* target, const void* values, const Scatter<int32_t>& list) { \
    ScatterBody<OP>(static_cast<T*>(target), static_cast<const T*>(values), list);              \
  }                                                                                             \
  static void NAME##Scatter64(void* target, const void* values, const Scatter<int64_t>& list) { \
    ScatterBody<OP>(static_cast<T*>(target), static_cast<const T*>(values), list);              \
  }                                                                                             \
  const UpdateLoops k##NAME##Loops = {sizeof(T),       NANOSECONDS,     NAME##Run,              \
                                      NAME##Scatter32, NAME##Scatter64, NAME##Select};

#endif  // BRAINVAR_CPU_UPDATE_LOOPS_IMPL_H_
