// The Poisson and the binomial distribution: by inversion where the mean is below 10, else by
// Hormann's transformed rejection with a table mountain hat ("The transformed rejection method for
// generating Poisson random variables", Insurance: Mathematics and Economics 12, 1993; "The
// generation of binomial random variates", J. Statist. Comput. Simul. 46, 1993).
//
// All of it is computed in double: counts reach 2^31 and beyond, of which single precision knows 24
// bits. Probabilities are compared by their logarithms in Loader's form ("Fast and accurate
// computation of binomial probabilities", 2000), a deviance plus small terms, which loses nothing
// to cancellation however large the mean.
#ifndef BRAINVAR_CORE_REJECTION_COUNTS_H_
#define BRAINVAR_CORE_REJECTION_COUNTS_H_

#include <cmath>
#include <cstdint>

#include "core/rejection.h"

namespace brainvar {

// Inversion: the number of steps that the running sum of the probabilities takes to pass a uniform
// number. Step k = 1, 2, ... goes from the probability of k - 1 to that of k.
struct Search {
  double probability;  // of `count`
  double sum;          // of the probabilities up to `count`
  double count;

  // Beyond what a mean of 10 can give; the probabilities there are below 1e-28.
  static constexpr int kMaxSteps = 72;
  // The sum can end just below 1 for rounding, and a uniform number lie above it.
  static constexpr double kNegligible = 1e-20;

  BRAINVAR_HD bool Wants(double uniform) const {
    // Bits, not truth values, here and below: && would be a branch.
    return static_cast<bool>((uniform >= sum) & (probability > kNegligible));
  }
};

// The logarithm of the Poisson probability of k is log(scale) - rest, in two pieces so that
// logarithms can be taken together. With y = k + 5, by Stirling's series for Gamma(y).
struct PoissonTerm {
  double scale;
  double rest;

  BRAINVAR_HD PoissonTerm(double k, double mean) {
    const double y = k + 5.0;
    const double inverse_mean = 1.0 / mean;
    const double product = ((k + 1.0) * inverse_mean) * ((k + 2.0) * inverse_mean) *
                           ((k + 3.0) * inverse_mean) * ((k + 4.0) * inverse_mean);
    scale = product * inverse_mean * std::sqrt(y) * 0.3989422804014327;  // 1 / sqrt(2 pi)
    // log(y / mean) y - y + mean.
    const double x = (y - mean) * inverse_mean;
    const double deviance = mean * ((1.0 + x) * internal::Log1p(x) - x);
    const double inverse = 1.0 / y;
    const double z = inverse * inverse;
    rest = deviance + inverse * internal::Horner(z, 1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680);
  }
};

// A proposal of the table mountain hat around `centre`, of the widths a and b.
struct Mountain {
  double k;
  double density;  // of the hat's transformed shape: a / us^2 + b

  BRAINVAR_HD Mountain(uint32_t word, double a, double b, double centre) {
    const double u = Unit<double>(word) - 0.5;
    const double us = 0.5 - std::fabs(u);
    k = std::floor((2.0 * a / us + b) * u + centre);
    density = a / (us * us) + b;
  }
};

constexpr double kMinRejectionMean = 10.0;

// Block 0 is the uniform number of the inversion; attempt j takes block j + 1.
BRAINVAR_HD constexpr uint32_t CountBlock(uint32_t attempt) { return 1 + attempt; }

// Parameters {rate}.
struct Poisson {
  static constexpr int kParameters = 1;

  double search;  // whether by inversion: 1 or 0
  double mean;
  double a;
  double b;
  double scale;

  // Every field, for loops that keep the fields of many in arrays.
  template <typename F>
  BRAINVAR_HD static void ForEach(F visit) {
    visit(&Poisson::search, &Poisson::mean, &Poisson::a, &Poisson::b, &Poisson::scale);
  }

  // A mean beyond this is beyond all integers.
  static constexpr double kLargest = 1e19;

  BRAINVAR_HD static Poisson Make(const double (&parameters)[1]) {
    const double rate = parameters[0];
    const double mean = rate >= 0.0 ? (rate < kLargest ? rate : kLargest) : 0.0;
    const bool small = mean < kMinRejectionMean;
    const double b = 0.931 + 2.53 * std::sqrt(small ? kMinRejectionMean : mean);
    return {small ? 1.0 : 0.0, mean, -0.059 + 0.02483 * b, b, 1.1239 + 1.1328 / (b - 3.4)};
  }

  BRAINVAR_HD Search Start() const {
    const double none = internal::Exp(-mean);
    return {none, none, 0.0};
  }
  BRAINVAR_HD void Step(double k, double inverse_k, Search& at) const {
    (void)k;
    at.probability *= mean * inverse_k;
  }

  BRAINVAR_HD bool Try(Pair block, double& value) const {
    const Mountain drawn(block.x0, a, b, mean + 0.43);
    const double k = drawn.k >= 0.0 ? drawn.k : 0.0;
    const PoissonTerm term(k, mean);
    const double ratio = Unit<double>(block.x1) * scale / (drawn.density * term.scale);
    value = k;
    return static_cast<bool>((drawn.k >= 0.0) & (internal::MinusLog(ratio) >= term.rest));
  }

  // -1 for what is no rate.
  BRAINVAR_HD static double Finish(const double (&parameters)[1], double value) {
    return parameters[0] >= 0.0 ? value : -1.0;
  }
};

// Parameters {trials, probability}.
struct Binomial {
  static constexpr int kParameters = 2;

  double search;
  double n;
  double p;     // the smaller of the probability and 1 minus it
  double odds;  // p / (1 - p)
  double mean;
  double opposite;  // n - mean
  double a;
  double b;
  double scale;
  double peak;  // the logarithm of the probability at the mode, as two Poisson terms

  template <typename F>
  BRAINVAR_HD static void ForEach(F visit) {
    visit(&Binomial::search, &Binomial::n, &Binomial::p, &Binomial::odds, &Binomial::mean,
          &Binomial::opposite, &Binomial::a, &Binomial::b, &Binomial::scale, &Binomial::peak);
  }

  BRAINVAR_HD static bool Valid(double n, double p) { return n >= 0.0 && p >= 0.0 && p <= 1.0; }

  BRAINVAR_HD static Binomial Make(const double (&parameters)[2]) {
    const double trials = parameters[0], chance = parameters[1];
    const bool valid = Valid(trials, chance);
    const double n = valid ? trials : 0.0;
    const double less = chance > 0.5 ? 1.0 - chance : chance;
    const double p = valid ? less : 0.0;
    const double mean = n * p;
    const bool small = mean < kMinRejectionMean;
    // Numbers that are safe to compute with where the rejection is not used.
    const double m = small ? 20.0 : n;
    const double s = small ? 0.5 : p;
    const double successes = m * s;
    const double failures = m * (1.0 - s);
    const double deviation = std::sqrt(successes * (1.0 - s));
    const double b = 1.15 + 2.53 * deviation;
    const double mode = std::floor((m + 1.0) * s);
    const PoissonTerm one(mode, successes);
    const PoissonTerm other(m - mode, failures);
    const double peak = -internal::MinusLog(one.scale * other.scale) - (one.rest + other.rest);
    return {small ? 1.0 : 0.0,
            n,
            p,
            p / (1.0 - p),
            successes,
            failures,
            -0.0873 + 0.0248 * b + 0.01 * s,
            b,
            (2.83 + 5.1 / b) * deviation,
            peak};
  }

  BRAINVAR_HD Search Start() const {
    const double none = internal::Exp(n * internal::Log1p(-p));
    return {none, none, 0.0};
  }
  BRAINVAR_HD void Step(double k, double inverse_k, Search& at) const {
    const double left = n - k + 1.0;
    at.probability *= (left > 0.0 ? left : 0.0) * odds * inverse_k;
  }

  BRAINVAR_HD bool Try(Pair block, double& value) const {
    const Mountain drawn(block.x0, a, b, mean + 0.5);
    const bool inside = static_cast<bool>((drawn.k >= 0.0) & (drawn.k <= n));
    const double k = inside ? drawn.k : 0.0;
    const PoissonTerm one(k, mean);
    const PoissonTerm other(n - k, opposite);
    const double ratio =
        Unit<double>(block.x1) * scale / (drawn.density * (one.scale * other.scale));
    value = k;
    return static_cast<bool>(inside & (internal::MinusLog(ratio) >= one.rest + other.rest + peak));
  }

  BRAINVAR_HD static double Finish(const double (&parameters)[2], double value) {
    const double trials = parameters[0], chance = parameters[1];
    const double result = chance > 0.5 ? trials - value : value;
    return Valid(trials, chance) ? result : -1.0;
  }
};

}  // namespace brainvar

#endif  // BRAINVAR_CORE_REJECTION_COUNTS_H_
