// Samples of the distributions that reject, one element after the other, computed with csrc/core
// alone.
#ifndef BRAINVAR_TESTS_REJECTION_MODEL_H_
#define BRAINVAR_TESTS_REJECTION_MODEL_H_

#include <cstdint>
#include <limits>

#include "core/rejection.h"
#include "core/rejection_counts.h"
#include "core/rejection_gamma.h"
#include "core/rejection_hypergeometric.h"
#include "cpu/rejection.h"

namespace brainvar::test {

using cpu::Distribution;
using cpu::Number;

template <typename T, bool kLog>
struct GammaCase {
  using Stored = T;
  using Out = T;
  static constexpr int kParameters = 1;
  static constexpr Number kStored = sizeof(T) == 4 ? Number::kF32 : Number::kF64;
  static constexpr Number kOut = kStored;
  static constexpr Distribution kDistribution =
      sizeof(T) == 4 ? (kLog ? Distribution::kLogGammaF32 : Distribution::kGammaF32)
                     : (kLog ? Distribution::kLogGammaF64 : Distribution::kGammaF64);

  static T Element(Pair key, uint64_t index, const double (&parameters)[1]) {
    using D = Gamma<T>;
    const T alpha = static_cast<T>(parameters[0]);
    const D constants = D::Make(alpha);
    T value = 0;
    for (uint32_t attempt = 0;; ++attempt) {
      const uint32_t number = D::FirstBlock(attempt);
      const Pair first = ElementBlock(BlockKey(key, number), index);
      const Pair last = ElementBlock(BlockKey(key, number + D::kBlocks - 1), index);
      if (constants.Try(first, last, value)) break;
    }
    return constants.template Finish<kLog>(alpha, value, ElementBlock(BlockKey(key, 0), index));
  }
};

template <typename D, Distribution kWhich, typename Integer>
struct CountCase {
  using Stored = double;
  using Out = Integer;
  static constexpr int kParameters = D::kParameters;
  static constexpr Number kStored = Number::kF64;
  static constexpr Number kOut = sizeof(Integer) == 4 ? Number::kS32 : Number::kS64;
  static constexpr Distribution kDistribution = kWhich;

  static Integer Element(Pair key, uint64_t index, const double (&parameters)[D::kParameters]) {
    const D constants = D::Make(parameters);
    double value = 0;
    if (constants.search != 0.0) {
      const double uniform = Unit52(ElementBlock(BlockKey(key, 0), index));
      Search at = constants.Start();
      for (int k = 1; k <= Search::kMaxSteps && at.Wants(uniform); ++k) {
        constants.Step(k, 1.0 / k, at);
        at.count += 1.0;
        at.sum += at.probability;
      }
      value = at.count;
    } else {
      for (uint32_t attempt = 0;; ++attempt) {
        const Pair block = ElementBlock(BlockKey(key, CountBlock(attempt)), index);
        if (constants.Try(block, value)) break;
      }
    }
    value = D::Finish(parameters, value);
    constexpr double kEnd = sizeof(Integer) == 4 ? 2147483648.0 : 9223372036854775808.0;
    return value < kEnd ? static_cast<Integer>(value) : std::numeric_limits<Integer>::max();
  }
};

}  // namespace brainvar::test

#endif  // BRAINVAR_TESTS_REJECTION_MODEL_H_
