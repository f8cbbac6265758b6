// The block loops of the gamma distribution.
#include "core/rejection_gamma.h"

#include "cpu/rejection_impl.h"

namespace brainvar::cpu {
namespace {

template <typename T, bool kLog, bool kShared>
BRAINVAR_INLINE void GammaBody(const BlockSource& source, int count,
                               const T* BRAINVAR_RESTRICT shapes, T* BRAINVAR_RESTRICT values) {
  using D = Gamma<T>;
  Constants<D, T, kShared> constants;
  bool small = false;
  for (int i = 0; i < (kShared ? 1 : count); ++i) {
    constants.Set(i, D::Make(shapes[i]));
    small |= shapes[i] < T(1);
  }

  List list;
  Words words[D::kBlocks];
  T tried[kBlockElements];
  uint8_t accepted[kBlockElements];
  ListAll(count, list);
  for (uint32_t attempt = 0; list.count > 0 && attempt < kMaxAttempts; ++attempt) {
    for (uint32_t b = 0; b < D::kBlocks; ++b) {
      DrawWords(source, D::FirstBlock(attempt) + b, list, words[b]);
    }
    for (int t = 0; t < list.count; ++t) {
      Pair blocks[D::kBlocks];
      for (uint32_t b = 0; b < D::kBlocks; ++b) blocks[b] = {words[b].x0[t], words[b].x1[t]};
      const auto result = constants.Get(list.at[t]).Try(blocks);
      tried[t] = result.value;
      accepted[t] = result.accepted;
    }
    KeepRejected(list, tried, accepted, values);
  }

  ListAll(count, list);
  if (small) {
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

#define BRAINVAR_DEFINE_GAMMA_BLOCK(NAME, T, LOG)                                               \
  BRAINVAR_CLONES void NAME##Block(const BlockSource& source, int count, const void* shapes,    \
                                   bool shared, void* values) {                                 \
    if (shared) {                                                                               \
      GammaBody<T, LOG, true>(source, count, static_cast<const T*>(shapes),                     \
                              static_cast<T*>(values));                                         \
    } else {                                                                                    \
      GammaBody<T, LOG, false>(source, count, static_cast<const T*>(shapes),                    \
                               static_cast<T*>(values));                                        \
    }                                                                                           \
  }

BRAINVAR_DEFINE_GAMMA_BLOCK(GammaF32, float, false)
BRAINVAR_DEFINE_GAMMA_BLOCK(GammaF64, double, false)
BRAINVAR_DEFINE_GAMMA_BLOCK(LogGammaF32, float, true)
BRAINVAR_DEFINE_GAMMA_BLOCK(LogGammaF64, double, true)

}  // namespace brainvar::cpu
