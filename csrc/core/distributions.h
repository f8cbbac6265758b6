// From random bits to samples: one stateless struct per kind of sample, used by host and device.
//
// Each has
//   Elem               the stored element (float16 and bfloat16 as their uint16_t bits),
//   kWidth             how many random bits an element takes,
//   Convert(bits)      the element made of `kWidth` bits, given in the low end of a word
//                      (uint32_t up to 32 bits, uint64_t for 64).
// The unit uniforms put the top bits into the mantissa of a number in [1, 2) and subtract 1, which
// is exact, so they agree bit for bit with every other implementation of that construction.
#ifndef BRAINVAR_CORE_DISTRIBUTIONS_H_
#define BRAINVAR_CORE_DISTRIBUTIONS_H_

#include <cstdint>
#include <type_traits>

#include "core/bit_cast.h"
#include "core/erfinv.h"
#include "core/macros.h"
#include "core/threefry.h"

namespace brainvar {

template <typename T>
struct RawBits {
  using Elem = T;
  static constexpr int kWidth = 8 * sizeof(T);
  using Word = std::conditional_t<kWidth == 64, uint64_t, uint32_t>;
  BRAINVAR_HD static T Convert(Word bits) { return static_cast<T>(bits); }
};

// A row of a partitionable split: the two outputs of a block in their order in memory.
struct KeyPair {
  using Elem = uint64_t;
  static constexpr int kWidth = 64;
  BRAINVAR_HD static uint64_t Convert(uint64_t bits) { return (bits >> 32) | (bits << 32); }
};

struct UniformF32 {
  using Elem = float;
  static constexpr int kWidth = 32;
  BRAINVAR_HD static float Convert(uint32_t bits) {
    return BitCast<float>((bits >> 9) | 0x3F800000u) - 1.0f;
  }
};

struct UniformF64 {
  using Elem = double;
  static constexpr int kWidth = 64;
  BRAINVAR_HD static double Convert(uint64_t bits) {
    return BitCast<double>((bits >> 12) | 0x3FF0000000000000u) - 1.0;
  }
};

// k * 2^-10 with k of 10 bits. It is computed in single precision, whose bits above the tenth of
// the mantissa are zero; rebiasing the exponent then gives the half, which is never subnormal.
struct UniformF16 {
  using Elem = uint16_t;
  static constexpr int kWidth = 16;
  BRAINVAR_HD static uint16_t Convert(uint32_t bits) {
    const float unit = BitCast<float>(((bits >> 6) << 13) | 0x3F800000u) - 1.0f;
    const uint32_t single = BitCast<uint32_t>(unit);
    const uint32_t half = (single >> 13) - ((127u - 15u) << 10);
    return static_cast<uint16_t>(single == 0 ? 0u : half);
  }
};

// k * 2^-7 with k of 7 bits. A mantissa this short takes 8 random bits, as in JAX.
struct UniformBF16 {
  using Elem = uint16_t;
  static constexpr int kWidth = 8;
  BRAINVAR_HD static uint16_t Convert(uint32_t bits) {
    const float unit = BitCast<float>(((bits >> 1) << 16) | 0x3F800000u) - 1.0f;
    return static_cast<uint16_t>(BitCast<uint32_t>(unit) >> 16);
  }
};

// The normals are sqrt(2) * erfinv(u) with u = 2 * unit - 1 + ulp(1) / 4, the smallest shift that
// keeps the least u above -1. The sum is exact: u is an odd multiple of 2^-24 (2^-53), so it is
// never zero and never reaches 1.
struct NormalF32 {
  using Elem = float;
  static constexpr int kWidth = 32;
  BRAINVAR_HD static float Convert(uint32_t bits) {
    const float u = UniformF32::Convert(bits) * 2.0f - 0.999999940395355224609375f;
    return NormalQuantile(u);
  }
};

struct NormalF64 {
  using Elem = double;
  static constexpr int kWidth = 64;
  BRAINVAR_HD static double Convert(uint64_t bits) {
    const double u = UniformF64::Convert(bits) * 2.0 - 0.99999999999999988897769753748434596;
    return NormalQuantile(u);
  }
};

// The elements that one word of the original layout holds, packed in their order in memory.
template <typename D>
using Pack = std::conditional_t<
    D::kWidth == 32, typename D::Elem,
    std::conditional_t<32 / D::kWidth * sizeof(typename D::Elem) == 8, uint64_t, uint32_t>>;

// Elements per word of the original layout.
template <typename D>
constexpr int kPerWord = D::kWidth >= 32 ? 1 : 32 / D::kWidth;

template <typename D>
BRAINVAR_HD Pack<D> ConvertWord(uint32_t word) {
  static_assert(D::kWidth <= 32, "a 64-bit element takes two words");
  if constexpr (D::kWidth == 32) {
    return D::Convert(word);
  } else {
    constexpr uint32_t kMask = (1u << D::kWidth) - 1;
    Pack<D> pack = 0;
    for (int j = 0; j < kPerWord<D>; ++j) {
      const Pack<D> element = D::Convert((word >> (D::kWidth * j)) & kMask);
      pack |= element << (8 * static_cast<int>(sizeof(typename D::Elem)) * j);
    }
    return pack;
  }
}

// The element that one block of the partitionable layout gives, or a 64-bit element of the
// original.
template <typename D>
BRAINVAR_HD typename D::Elem ConvertPair(Pair x) {
  if constexpr (D::kWidth == 64) {
    return D::Convert((static_cast<uint64_t>(x.x0) << 32) | x.x1);
  } else if constexpr (D::kWidth == 32) {
    return D::Convert(x.x0 ^ x.x1);
  } else {
    return D::Convert((x.x0 ^ x.x1) & ((1u << D::kWidth) - 1));
  }
}

}  // namespace brainvar

#endif  // BRAINVAR_CORE_DISTRIBUTIONS_H_
