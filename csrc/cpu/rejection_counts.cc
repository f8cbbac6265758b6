// The block loops of the Poisson, the binomial and the hypergeometric distribution.
#include "core/rejection_counts.h"

#include "core/rejection_hypergeometric.h"
#include "cpu/rejection_impl.h"

namespace brainvar::cpu {
namespace {

template <typename D, bool kShared>
using CountConstants = Constants<D, double, kShared>;

// The listed elements by inversion. All take their steps together, until none wants another.
template <typename D, bool kShared>
BRAINVAR_INLINE void SearchAll(const BlockSource& source, int count,
                               const CountConstants<D, kShared>& constants, const List& list,
                               double* BRAINVAR_RESTRICT values) {
  CountConstants<D, kShared> scratch;
  const auto& listed = constants.Of(list, count, scratch);
  Words words;
  DrawWords(source, 0, list, words);
  double uniform[kBlockElements], probability[kBlockElements], sum[kBlockElements];
  double counted[kBlockElements];
  for (int t = 0; t < list.count; ++t) {
    const Search start = listed.Get(t).Start();
    uniform[t] = Unit52({words.x0[t], words.x1[t]});
    probability[t] = start.probability;
    sum[t] = start.sum;
    counted[t] = start.count;
  }
  int64_t wanted = 1;
  for (int k = 1; k <= Search::kMaxSteps && wanted != 0; ++k) {
    const double step = k;
    const double inverse_step = 1.0 / step;
    wanted = 0;
    for (int t = 0; t < list.count; ++t) {
      Search at = {probability[t], sum[t], counted[t]};
      const int64_t more = at.Wants(uniform[t]) ? 1 : 0;
      listed.Get(t).Step(step, inverse_step, at);
      counted[t] += more != 0 ? 1.0 : 0.0;
      probability[t] = at.probability;
      sum[t] += at.probability;
      wanted |= more;
    }
  }
  for (int t = 0; t < list.count; ++t) values[list.at[t]] = counted[t];
}

template <typename D, bool kShared>
BRAINVAR_INLINE void RejectAll(const BlockSource& source, int count,
                               const CountConstants<D, kShared>& constants, List& list,
                               double* BRAINVAR_RESTRICT values) {
  CountConstants<D, kShared> scratch;
  Words words;
  double tried[kBlockElements];
  double accepted[kBlockElements];
  for (uint32_t attempt = 0; list.count > 0 && attempt < kMaxAttempts; ++attempt) {
    DrawWords(source, CountBlock(attempt), list, words);
    const auto& listed = constants.Of(list, count, scratch);
    for (int t = 0; t < list.count; ++t) {
      double value;
      const bool good = listed.Get(t).Try({words.x0[t], words.x1[t]}, value);
      tried[t] = value;
      accepted[t] = good ? 1.0 : 0.0;
    }
    KeepRejected(list, tried, accepted, values);
  }
}

template <typename D, bool kShared>
BRAINVAR_INLINE void CountBody(const BlockSource& source, int count,
                               const double* BRAINVAR_RESTRICT parameters,
                               double* BRAINVAR_RESTRICT values) {
  CountConstants<D, kShared> constants;
  const auto parameters_of = [parameters](int i, double (&x)[D::kParameters]) {
    for (int p = 0; p < D::kParameters; ++p) {
      x[p] = parameters[p * kBlockElements + (kShared ? 0 : i)];
    }
  };
  for (int i = 0; i < (kShared ? 1 : count); ++i) {
    double x[D::kParameters];
    parameters_of(i, x);
    constants.Set(i, D::Make(x));
  }

  List searched, rejected;
  searched.count = rejected.count = 0;
  for (int i = 0; i < count; ++i) {
    const int by_search = constants.fields[0][kShared ? 0 : i] != 0.0;
    searched.at[searched.count] = i;
    rejected.at[rejected.count] = i;
    searched.count += by_search;
    rejected.count += 1 - by_search;
  }
  if (searched.count > 0) SearchAll(source, count, constants, searched, values);
  if (rejected.count > 0) RejectAll(source, count, constants, rejected, values);

  for (int i = 0; i < count; ++i) {
    double x[D::kParameters];
    parameters_of(i, x);
    values[i] = D::Finish(x, values[i]);
  }
}

}  // namespace

#define BRAINVAR_DEFINE_COUNT_BLOCK(D)                                                        \
  BRAINVAR_CLONES void D##Block(const BlockSource& source, int count, const void* parameters, \
                                bool shared, void* values) {                                  \
    if (shared) {                                                                             \
      CountBody<D, true>(source, count, static_cast<const double*>(parameters),               \
                         static_cast<double*>(values));                                       \
    } else {                                                                                  \
      CountBody<D, false>(source, count, static_cast<const double*>(parameters),              \
                          static_cast<double*>(values));                                      \
    }                                                                                         \
  }

BRAINVAR_DEFINE_COUNT_BLOCK(Poisson)
BRAINVAR_DEFINE_COUNT_BLOCK(Binomial)
BRAINVAR_DEFINE_COUNT_BLOCK(Hypergeometric)

}  // namespace brainvar::cpu
