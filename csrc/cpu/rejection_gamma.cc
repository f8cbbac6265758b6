// The block loops of the gamma distribution.
#include "core/rejection_gamma.h"

#include "cpu/rejection_impl.h"

namespace brainvar::cpu {
namespace {

template <typename T, bool kLog, bool kShared>
BRAINVAR_INLINE void GammaBody(const BlockSource& source, int count,
                               const T* BRAINVAR_RESTRICT shapes, T* BRAINVAR_RESTRICT values) {
  using D = Gamma<T>;
  Constants<D, T, kShared> constants, scratch;
  const int different = kShared ? 1 : count;
  for (int i = 0; i < different; ++i) constants.Set(i, D::Make(shapes[i]));
  int small = 0;
  for (int i = 0; i < different; ++i) small |= shapes[i] < T(1) ? 1 : 0;

  List list;
  Words words[D::kBlocks];
  T tried[kBlockElements];
  T accepted[kBlockElements];
  ListAll(count, list);
  for (uint32_t attempt = 0; list.count > 0 && attempt < kMaxAttempts; ++attempt) {
    for (uint32_t b = 0; b < D::kBlocks; ++b) {
      DrawWords(source, D::FirstBlock(attempt) + b, list, words[b]);
    }
    const auto& listed = constants.Of(list, count, scratch);
    for (int t = 0; t < list.count; ++t) {
      const Words& last = words[D::kBlocks - 1];
      T value;
      const bool good =
          listed.Get(t).Try({words[0].x0[t], words[0].x1[t]}, {last.x0[t], last.x1[t]}, value);
      tried[t] = value;
      accepted[t] = good ? T(1) : T(0);
    }
    KeepRejected(list, tried, accepted, values);
  }

  ListAll(count, list);
  if (small != 0) {
    DrawWords(source, 0, list, words[0]);
  } else {
    words[0] = {};  // multiplied by zero
  }
  for (int i = 0; i < count; ++i) {
    values[i] = constants.Get(i).template Finish<kLog>(shapes[kShared ? 0 : i], values[i],
                                                       {words[0].x0[i], words[0].x1[i]});
  }
}

}  // namespace

#define BRAINVAR_DEFINE_GAMMA_BLOCK(NAME, T, LOG)                                            \
  BRAINVAR_CLONES void NAME##Block(const BlockSource& source, int count, const void* shapes, \
                                   bool shared, void* values) {                              \
    if (shared) {                                                                            \
      GammaBody<T, LOG, true>(source, count, static_cast<const T*>(shapes),                  \
                              static_cast<T*>(values));                                      \
    } else {                                                                                 \
      GammaBody<T, LOG, false>(source, count, static_cast<const T*>(shapes),                 \
                               static_cast<T*>(values));                                     \
    }                                                                                        \
  }

BRAINVAR_DEFINE_GAMMA_BLOCK(GammaF32, float, false)
BRAINVAR_DEFINE_GAMMA_BLOCK(GammaF64, double, false)
BRAINVAR_DEFINE_GAMMA_BLOCK(LogGammaF32, float, true)
BRAINVAR_DEFINE_GAMMA_BLOCK(LogGammaF64, double, true)

}  // namespace brainvar::cpu
