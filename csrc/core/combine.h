// The element types of an update and how it combines the old element with the new value.
#ifndef BRAINVAR_CORE_COMBINE_H_
#define BRAINVAR_CORE_COMBINE_H_

#include <cstdint>
#include <type_traits>

#include "core/bit_cast.h"
#include "core/macros.h"

namespace brainvar {

// 16-bit floats are computed in float and rounded after each operation, which gives the nearest
// result: a float has more than twice their digits. Conversions are integer operations and exact
// float ones without branches or subnormals, so that loops vectorise and flushing does no harm.
struct Float16 {
  uint16_t bits;

  BRAINVAR_HD static float Load(Float16 half) {
    const uint32_t magnitude = half.bits & 0x7FFFu;
    const uint32_t rebias = magnitude >= 0x7C00u ? 224u << 23 : 112u << 23;
    const uint32_t normal = (magnitude << 13) + rebias;
    const auto subnormal =
        BitCast<uint32_t>(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f);
    const uint32_t sign = static_cast<uint32_t>(half.bits & 0x8000u) << 16;
    return BitCast<float>((magnitude < 0x0400u ? subnormal : normal) | sign);
  }

  BRAINVAR_HD static Float16 Round(float value) {
    const auto bits = BitCast<uint32_t>(value);
    const uint32_t magnitude = bits & 0x7FFFFFFFu;
    // From 2^16 on all is infinite. The carry of rounding up goes into the exponent, and from the
    // largest number into infinity.
    const uint32_t finite = magnitude < 0x47800000u ? magnitude : 0x47800000u;
    const uint32_t normal = (finite - (112u << 23) + 0xFFFu + ((finite >> 13) & 1u)) >> 13;
    // The ulp of 1/2 is that of the subnormals, so that this addition rounds.
    const uint32_t subnormal =
        BitCast<uint32_t>(BitCast<float>(finite) + 0.5f) - BitCast<uint32_t>(0.5f);
    const uint32_t half = finite < 0x38800000u ? subnormal : normal;
    // A bit more than infinity is NaN.
    const uint32_t nan = ((0x7F800000u - magnitude) >> 31) << 9;
    return {static_cast<uint16_t>(((bits >> 16) & 0x8000u) | half | nan)};
  }
};

struct BFloat16 {
  uint16_t bits;

  BRAINVAR_HD static float Load(BFloat16 half) {
    return BitCast<float>(static_cast<uint32_t>(half.bits) << 16);
  }

  BRAINVAR_HD static BFloat16 Round(float value) {
    const auto bits = BitCast<uint32_t>(value);
    const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    const uint32_t quiet = (bits >> 16) | 0x0040u;
    const bool is_nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
    return {static_cast<uint16_t>(is_nan ? quiet : rounded)};
  }
};

template <typename Real>
struct Complex {
  Real re;
  Real im;
};

// Sixteen bytes, to be moved only.
struct Bits128 {
  uint64_t low;
  uint64_t high;
};

template <typename T>
struct IsComplex : std::false_type {};
template <typename Real>
struct IsComplex<Complex<Real>> : std::true_type {};
template <typename T>
constexpr bool kIsHalf = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;
// What integers of type T are computed in, so that they wrap around.
template <typename T>
using Wrapping = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

template <typename Real>
BRAINVAR_HD bool IsNan(Complex<Real> a) {
  return (a.re != a.re) | (a.im != a.im);
}

// Complex numbers are ordered by their real parts, then by their imaginary parts.
template <typename Real>
BRAINVAR_HD bool IsLess(Complex<Real> a, Complex<Real> b) {
  return (a.re < b.re) | ((a.re == b.re) & (a.im < b.im));
}

struct Set {
  template <typename T>
  BRAINVAR_HD static T Apply(T, T value) {
    return value;
  }
};

struct Add {
  template <typename T>
  BRAINVAR_HD static T Apply(T old, T value) {
    if constexpr (kIsHalf<T>) {
      return T::Round(T::Load(old) + T::Load(value));
    } else if constexpr (IsComplex<T>::value) {
      return {old.re + value.re, old.im + value.im};
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<Wrapping<T>>(old) + static_cast<Wrapping<T>>(value));
    } else {
      return old + value;
    }
  }
};

struct Multiply {
  template <typename T>
  BRAINVAR_HD static T Apply(T old, T value) {
    if constexpr (kIsHalf<T>) {
      return T::Round(T::Load(old) * T::Load(value));
    } else if constexpr (IsComplex<T>::value) {
      return {old.re * value.re - old.im * value.im, old.re * value.im + old.im * value.re};
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<Wrapping<T>>(old) * static_cast<Wrapping<T>>(value));
    } else {
      return old * value;
    }
  }
};

// Minimum and Maximum. A NaN on either side is the result; a zero below zero is less than one
// above, as in XLA. The parts of complex numbers know no such zeros, as in NumPy.
template <bool kLeast>
struct Choose {  // conditions are joined by | and &, so that loops vectorise
  template <typename T>
  BRAINVAR_HD static T Apply(T old, T value) {
    if constexpr (std::is_integral_v<T>) {
      return (kLeast ? old < value : value < old) ? old : value;
    } else if constexpr (IsComplex<T>::value) {
      // Of equal numbers, whose zeros may differ in sign, the old one stays.
      const bool better = kLeast ? IsLess(value, old) : IsLess(old, value);
      const bool keep = IsNan(old) | (!better & !IsNan(value));
      return {keep ? old.re : value.re, keep ? old.im : value.im};
    } else if constexpr (kIsHalf<T>) {
      return {Keep(T::Load(old), T::Load(value)) ? old.bits : value.bits};
    } else {
      return Keep(old, value) ? old : value;
    }
  }

  template <typename Real>
  BRAINVAR_HD static bool Keep(Real old, Real value) {
    using Bits = std::conditional_t<sizeof(Real) == 4, int32_t, int64_t>;
    const bool negative = BitCast<Bits>(old) < 0;
    const bool better = kLeast ? old < value : value < old;
    return better | ((old == value) & (negative == kLeast)) | (old != old);
  }
};
using Minimum = Choose<true>;
using Maximum = Choose<false>;

}  // namespace brainvar

#endif  // BRAINVAR_CORE_COMBINE_H_
