// The hypergeometric distribution: by inversion where at most 10 are drawn, or good, else by
// Stadlober's ratio of uniforms ("The ratio of uniforms approach for generating discrete random
// variates", J. Comput. Appl. Math. 31, 1990).
//
// The good ones and the drawn ones are exchangeable, as are the good and the bad, and the drawn and
// the left: the computation is for the smaller ones of each, at most half of the population.
#ifndef BRAINVAR_CORE_REJECTION_HYPERGEOMETRIC_H_
#define BRAINVAR_CORE_REJECTION_HYPERGEOMETRIC_H_

#include <cmath>
#include <cstdint>

#include "core/rejection.h"
#include "core/rejection_counts.h"

namespace brainvar {

// Parameters {good, bad, sample}; blocks as for the other counts.
struct Hypergeometric {
  static constexpr int kParameters = 3;
  static constexpr int kFew = 10;

  double search;
  double total;  // for the inversion: the population, the fewer and the more of good and drawn
  double less;
  double more;
  double good;  // for the rejection: good ones, drawn ones, and neither
  double drawn;
  double neither;
  double both_mean;  // the means of the four counts of good or bad, drawn or left
  double good_mean;
  double drawn_mean;
  double neither_mean;
  double centre;
  double width;
  double end;   // the first count that is too large
  double peak;  // the logarithm of the probability at the mode, as four Poisson terms

  template <typename F>
  BRAINVAR_HD static void ForEach(F visit) {
    using H = Hypergeometric;
    visit(&H::search, &H::total, &H::less, &H::more, &H::good, &H::drawn, &H::neither,
          &H::both_mean, &H::good_mean, &H::drawn_mean, &H::neither_mean, &H::centre, &H::width,
          &H::end, &H::peak);
  }

  BRAINVAR_HD static bool Valid(const double (&parameters)[3]) {
    const double good = parameters[0], bad = parameters[1], sample = parameters[2];
    return good >= 0.0 && bad >= 0.0 && sample >= 0.0 && sample <= good + bad;
  }

  BRAINVAR_HD static Hypergeometric Make(const double (&parameters)[3]) {
    const bool valid = Valid(parameters);
    const double all = parameters[0] + parameters[1];
    const double rare = Smaller(parameters[0], parameters[1]);
    const double taken = Smaller(parameters[2], all - parameters[2]);
    const double less = valid ? Smaller(rare, taken) : 0.0;
    const double more = valid ? (rare > taken ? rare : taken) : 0.0;
    const bool few = less <= kFew;
    // Numbers that are safe to compute with where the rejection is not used.
    const double n = few ? 40.0 : all;
    const double m = few ? 20.0 : taken;
    const double g = few ? 20.0 : rare;
    const double share = m / n;
    const double variance = (n - m) * share * g * (1.0 - g / n) / (n - 1.0);
    const double c = std::sqrt(variance + 0.5);
    Hypergeometric result = {few ? 1.0 : 0.0, valid ? all : 1.0, less, more, g, m, n - g - m,
                             g * share, g * (1.0 - share), (n - g) * share, (n - g) * (1.0 - share),
                             g * share + 0.5,
                             // 2 sqrt(2 / e) and 3 - 2 sqrt(3 / e).
                             1.7155277699214135 * c + 0.8989161620588988, 0.0, 0.0};
    const double far = std::floor(result.centre + 16.0 * c);
    result.end = Smaller(Smaller(m, g) + 1.0, far);
    const PoissonTerm at_mode = result.Term(std::floor((m + 1.0) * (g + 1.0) / (n + 2.0)));
    result.peak = -internal::MinusLog(at_mode.scale) - at_mode.rest;
    return result;
  }

  BRAINVAR_HD Search Start() const {
    // Both are at most half of the population: 0 is possible, and not unlikely.
    double none = 1.0;
    for (int i = 0; i < kFew; ++i) {
      const double step = i;
      none *= step < less ? (total - more - step) / (total - step) : 1.0;
    }
    return {none, none, 0.0};
  }
  BRAINVAR_HD void Step(double k, double inverse_k, Search& at) const {
    const double before = k - 1.0;
    const double chosen = before < less ? (less - before) * (more - before) : 0.0;
    const double others = total - less - more + k;
    at.probability *= chosen * inverse_k / (others > 0.0 ? others : 1.0);
  }

  BRAINVAR_HD bool Try(Pair block, double& value) const {
    const double u = Unit<double>(block.x0);
    const double x = centre + width * (Unit<double>(block.x1) - 0.5) / u;
    const bool inside = static_cast<bool>((x >= 0.0) & (x < end));
    value = std::floor(inside ? x : 0.0);
    const PoissonTerm term = Term(value);
    return static_cast<bool>(inside & (internal::MinusLog(u * u / term.scale) >= term.rest + peak));
  }

  BRAINVAR_HD static double Finish(const double (&parameters)[3], double value) {
    const double good = parameters[0], bad = parameters[1], sample = parameters[2];
    const double taken = Smaller(sample, good + bad - sample);
    const double of_good = good > bad ? taken - value : value;
    const double result = taken < sample ? good - of_good : of_good;
    return Valid(parameters) ? result : -1.0;
  }

 private:
  BRAINVAR_HD static double Smaller(double a, double b) { return a < b ? a : b; }

  // The probability of k, up to a constant: the four counts as Poisson numbers.
  BRAINVAR_HD PoissonTerm Term(double k) const {
    const PoissonTerm both(k, both_mean);
    const PoissonTerm only_good(good - k, good_mean);
    const PoissonTerm only_drawn(drawn - k, drawn_mean);
    const PoissonTerm none(neither + k, neither_mean);
    PoissonTerm result = both;
    result.scale = (both.scale * only_good.scale) * (only_drawn.scale * none.scale);
    result.rest = (both.rest + only_good.rest) + (only_drawn.rest + none.rest);
    return result;
  }
};

}  // namespace brainvar

#endif  // BRAINVAR_CORE_REJECTION_HYPERGEOMETRIC_H_
