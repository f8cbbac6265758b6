// The quantile function of the standard normal distribution, sqrt(2) * erfinv(u), in our own
// polynomials: additions, multiplications, divisions, square roots and integer operations only, all
// exactly rounded, so that every SIMD level and every device gives the same bits (given
// -ffp-contract=off or -fmad=false).
//
// The form, u times a polynomial in w = -log(1 - u^2) or in sqrt(w), is that of Giles
// ("Approximating the erfinv function", GPU Computing Gems 2, 2010); the polynomials are fitted by
// tools/fit_erfinv.py. sqrt(2) is part of the coefficients, which saves a rounding.
#ifndef BRAINVAR_CORE_ERFINV_H_
#define BRAINVAR_CORE_ERFINV_H_

#include <cmath>
#include <cstdint>

#include "core/bit_cast.h"
#include "core/erfinv_coefficients.h"
#include "core/macros.h"

namespace brainvar {
namespace internal {

// c0 + c1 * x + c2 * x^2 + ...
template <typename T>
BRAINVAR_HD T Horner(T, T c0) {
  return c0;
}
template <typename T, typename... Rest>
BRAINVAR_HD T Horner(T x, T c0, Rest... rest) {
  return c0 + x * Horner(x, rest...);
}

// -log(t) for a positive normal t.
BRAINVAR_HD float MinusLog(float t) {
  // t = 2^k * m with m in [sqrt(1/2), sqrt(2)); the constant is the bits of sqrt(1/2).
  const int32_t bits = BitCast<int32_t>(t);
  const int32_t k = (bits - 0x3F3504F3) >> 23;
  const float m = BitCast<float>(bits - static_cast<int32_t>(static_cast<uint32_t>(k) << 23));
  const float s = (m - 1.0f) / (m + 1.0f);
  const float z = s * s;
  // log(2) in two pieces, the first short enough for an exact product with k.
  const float exponent = static_cast<float>(k);
  const float low = s * z * Horner(z, BRAINVAR_FLOAT_LOG) + exponent * -2.12194440e-4f;
  return -(exponent * 0.693359375f + (2.0f * s + low));
}

BRAINVAR_HD double MinusLog(double t) {
  const int64_t bits = BitCast<int64_t>(t);
  const int64_t k = (bits - 0x3FE6A09E667F3BCD) >> 52;
  const double m = BitCast<double>(bits - static_cast<int64_t>(static_cast<uint64_t>(k) << 52));
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  const double exponent = static_cast<double>(static_cast<int32_t>(k));
  const double low = s * z * Horner(z, BRAINVAR_DOUBLE_LOG) + exponent * 1.90821492927058770e-10;
  return -(exponent * 6.93147180369123816490e-01 + (2.0 * s + low));
}

}  // namespace internal

// sqrt(2) * erfinv(u) for |u| <= 1 - 2^-24. Measured over all inputs that a sample can have: at
// most 2.3 ulp (root mean square 0.5) from the exact value.
BRAINVAR_HD float NormalQuantile(float u) {
  const float a = std::fabs(u);
  // 1 - a is exact for the odd multiples of 2^-24 that come here.
  const float w = internal::MinusLog((1.0f - a) * (1.0f + a));
  const float centre = internal::Horner(w - BRAINVAR_FLOAT_CENTRE_MIDDLE, BRAINVAR_FLOAT_CENTRE);
  const float tail =
      internal::Horner(std::sqrt(w) - BRAINVAR_FLOAT_TAIL0_MIDDLE, BRAINVAR_FLOAT_TAIL0);
  // Both are computed and one is chosen: a branch would keep the loop from being vectorised.
  return u * (w < 5.0f ? centre : tail);
}

// sqrt(2) * erfinv(u) for |u| <= 1 - 2^-53. Measured on samples of all magnitudes: at most
// 2.1 ulp (root mean square 0.6) from the exact value.
BRAINVAR_HD double NormalQuantile(double u) {
  const double a = std::fabs(u);
  const double w = internal::MinusLog((1.0 - a) * (1.0 + a));
  const double root = std::sqrt(w);
  const double centre = internal::Horner(w - BRAINVAR_DOUBLE_CENTRE_MIDDLE, BRAINVAR_DOUBLE_CENTRE);
  const double tail0 = internal::Horner(root - BRAINVAR_DOUBLE_TAIL0_MIDDLE, BRAINVAR_DOUBLE_TAIL0);
  const double tail1 = internal::Horner(root - BRAINVAR_DOUBLE_TAIL1_MIDDLE, BRAINVAR_DOUBLE_TAIL1);
  const double tail = w < 13.0 ? tail0 : tail1;
  return u * (w < 4.5 ? centre : tail);
}

}  // namespace brainvar

#endif  // BRAINVAR_CORE_ERFINV_H_
