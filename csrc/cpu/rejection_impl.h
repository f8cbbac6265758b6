// Bodies of the block loops of rejection.h. All elements of a block attempt together, one plain
// loop for each step of it; those that were rejected are listed and attempt again. The bodies are
// forced inline into functions that carry the SIMD clones.
#ifndef BRAINVAR_CPU_REJECTION_IMPL_H_
#define BRAINVAR_CPU_REJECTION_IMPL_H_

#include <cstdint>

#include "core/rejection.h"
#include "cpu/rejection.h"
#include "cpu/simd.h"

namespace brainvar::cpu {

// No input whatsoever may hang. The least likely acceptance is above 1/2.
constexpr uint32_t kMaxAttempts = 512;

// Positions in a block, in ascending order.
struct List {
  int32_t at[kBlockElements];
  int count;
};

struct Words {
  uint32_t x0[kBlockElements];
  uint32_t x1[kBlockElements];
};

// The blocks `number` of the listed elements, in the order of the list.
BRAINVAR_INLINE void DrawWords(const BlockSource& source, uint32_t number, const List& list,
                               Words& words) {
  if (source.one_key) {
    const Pair key =
        number < BlockSource::kReady ? source.ready[number] : BlockKey(source.key, number);
    for (int t = 0; t < list.count; ++t) {
      const Pair x =
          Threefry2x32(key, {source.high, source.low + static_cast<uint32_t>(list.at[t])});
      words.x0[t] = x.x0;
      words.x1[t] = x.x1;
    }
  } else {
    for (int t = 0; t < list.count; ++t) {
      const int32_t i = list.at[t];
      const Pair key = BlockKey({source.k0[i], source.k1[i]}, number);
      const Pair x = Threefry2x32(key, {source.highs[i], source.lows[i]});
      words.x0[t] = x.x0;
      words.x1[t] = x.x1;
    }
  }
}

// The constants of a distribution for every element of a block, field by field; or once, where
// they are the same for all: then the loops keep them in registers.
template <typename D, typename Real, bool kShared>
struct Constants {
  static constexpr int kFields = sizeof(D) / sizeof(Real);
  Real fields[kFields][kShared ? 1 : kBlockElements];

  BRAINVAR_INLINE void Set(int i, const D& value) {
    D::ForEach([&](auto... field) BRAINVAR_INLINE_LAMBDA {
      int f = 0;
      ((fields[f++][kShared ? 0 : i] = value.*field), ...);
    });
  }

  BRAINVAR_INLINE D Get(int i) const {
    D value;
    D::ForEach([&](auto... field) BRAINVAR_INLINE_LAMBDA {
      int f = 0;
      ((value.*field = fields[f++][kShared ? 0 : i]), ...);
    });
    return value;
  }

  // These for the listed elements, in the order of the list: `scratch`, or what is there already
  // where all `count` elements are listed.
  BRAINVAR_INLINE const Constants& Of(const List& list, int count, Constants& scratch) const {
    if (kShared || list.count == count) return *this;
    for (int f = 0; f < kFields; ++f) {
      for (int t = 0; t < list.count; ++t) scratch.fields[f][t] = fields[f][list.at[t]];
    }
    return scratch;
  }
};

// Stores what was tried, and leaves in the list what was rejected.
template <typename Real>
BRAINVAR_INLINE void KeepRejected(List& list, const Real* BRAINVAR_RESTRICT tried,
                                  const Real* BRAINVAR_RESTRICT accepted,
                                  Real* BRAINVAR_RESTRICT values) {
  int left = 0;
  for (int t = 0; t < list.count; ++t) {
    const int32_t i = list.at[t];
    values[i] = tried[t];
    list.at[left] = i;
    left += accepted[t] == Real(0);
  }
  list.count = left;
}

BRAINVAR_INLINE void ListAll(int count, List& list) {
  list.count = count;
  for (int i = 0; i < count; ++i) list.at[i] = i;
}

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_REJECTION_IMPL_H_
