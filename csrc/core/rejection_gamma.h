// The gamma distribution of scale 1, by the method of Marsaglia and Tsang ("A simple method for
// generating gamma variables", ACM TOMS 26, 2000): for a standard normal x and d = alpha - 1/3, the
// number d (1 + x / (3 sqrt(d)))^3, kept with a probability near 1. A shape alpha below 1 takes the
// sample of alpha + 1 times U^(1 / alpha).
//
// The probability is exp(3 d r(t)) with t = x / (3 sqrt(d)), where r(t) is log(1 + t) without the
// first three terms of its series. So written nothing large cancels, for alpha however large.
#ifndef BRAINVAR_CORE_REJECTION_GAMMA_H_
#define BRAINVAR_CORE_REJECTION_GAMMA_H_

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "core/distributions.h"
#include "core/rejection.h"

namespace brainvar {
namespace internal {

// log(1 + t) - (t - t^2 / 2 + t^3 / 3) for t > -1. Only near 0 does it lose digits, which is left
// as it is in double: multiplied by 3 d the error stays below 1e-7 up to d = 1e16.
BRAINVAR_HD double LogRemainder(double t) {
  return Log1p(t) - t * (1.0 + t * (-0.5 + t * (1.0 / 3)));
}

BRAINVAR_HD float LogRemainder(float t) {
  const float far = Log1p(t) - t * (1.0f + t * (-0.5f + t * (1.0f / 3)));
  const float square = t * t;
  const float near = square * square *
                     Horner(t, -1.0f / 4, 1.0f / 5, -1.0f / 6, 1.0f / 7, -1.0f / 8, 1.0f / 9,
                            -1.0f / 10, 1.0f / 11);
  return std::fabs(t) < 0.125f ? near : far;
}

}  // namespace internal

template <typename T>
struct Gamma {
  using Real = T;

  // A block for the boost, then for each attempt a word (double: a block) for the normal number and
  // as much for the decision.
  static constexpr uint32_t kBlocks = sizeof(T) / 4;
  BRAINVAR_HD static constexpr uint32_t FirstBlock(uint32_t attempt) {
    return 1 + attempt * kBlocks;
  }

  // What depends on the parameter alone.
  T d;
  T c;      // 1 / (3 sqrt(d))
  T power;  // 1 / alpha below 1, else 0

  // Every field, for loops that keep the fields of many in arrays.
  template <typename F>
  BRAINVAR_HD static void ForEach(F visit) {
    visit(&Gamma::d, &Gamma::c, &Gamma::power);
  }

  BRAINVAR_HD static Gamma Make(T alpha) {
    // Whatever is no shape is dealt with in the end; until then it is 1.
    const T shape = alpha > T(0) && alpha <= kLargest ? alpha : T(1);
    const T d = (shape < T(1) ? shape + T(1) : shape) - T(1) / T(3);
    return {d, T(1) / (T(3) * std::sqrt(d)), shape < T(1) ? T(1) / shape : T(0)};
  }

  // One attempt: sets the value and says whether it is accepted. `last` is the second block of a
  // double's attempt, and the only block of a float's.
  BRAINVAR_HD bool Try(Pair first, Pair last, T& value) const {
    T x, minus_log;
    if constexpr (kBlocks == 1) {
      x = NormalF32::Convert(first.x0);
      minus_log = internal::MinusLog(Unit<T>(last.x1));
    } else {
      x = ConvertPair<NormalF64>(first);
      minus_log = internal::MinusLog(Unit52(last));
    }
    const T t = x * c;
    const bool inside = t > T(-1);
    const T safe = inside ? t : T(0);
    // The rounding of 1 + t would show in the result where t is small.
    const T base = T(1) + safe;
    value =
        safe < T(-0.5) ? d * (base * base * base) : d + d * (safe * (T(3) + safe * (T(3) + safe)));
    // Bits, not truth values: && would be a branch.
    return static_cast<bool>(inside & (minus_log > d * (T(-3) * internal::LogRemainder(safe))));
  }

  // The sample, or its logarithm, of an accepted value and block 0.
  template <bool kLog>
  BRAINVAR_HD T Finish(T alpha, T value, Pair block) const {
    T exponential;
    if constexpr (kBlocks == 1) {
      exponential = Exponential(block.x0);
    } else {
      // Precise near 0, as small shapes need it; the other end reaches 36.7.
      exponential = -internal::Log1p(-Unit52(block));
    }
    // A tiny power of a tiny number: only its logarithm is there to see. For alpha below the
    // smallest normal number `power` is infinite.
    const T boost = power > T(0) ? exponential * power : T(0);
    T result = kLog ? -internal::MinusLog(value) - boost : value * internal::Exp(-boost);
    result = alpha > kLargest ? alpha : result;
    result = alpha == T(0) ? (kLog ? T(-INFINITY) : T(0)) : result;
    return alpha >= T(0) ? result : T(NAN);
  }

 private:
  static constexpr T kLargest =
      static_cast<T>(kBlocks == 1 ? 3.4028234663852886e38 : 1.7976931348623157e308);
};

}  // namespace brainvar

#endif  // BRAINVAR_CORE_REJECTION_GAMMA_H_
