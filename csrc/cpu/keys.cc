#include "cpu/keys.h"

#include <algorithm>

#include "cpu/loops.h"
#include "cpu/simd.h"

namespace brainvar::cpu {
namespace {

template <Stream kStream>
BRAINVAR_INLINE void AdvanceOneBody(const uint32_t* BRAINVAR_RESTRICT keys, int64_t begin,
                                    int64_t end, uint32_t* BRAINVAR_RESTRICT next,
                                    uint32_t* BRAINVAR_RESTRICT subkeys) {
  for (int64_t b = begin; b < end; ++b) {
    const Advanced a = Advance({keys[2 * b], keys[2 * b + 1]}, kStream);
    next[2 * b] = a.next.x0;
    next[2 * b + 1] = a.next.x1;
    subkeys[2 * b] = a.subkey.x0;
    subkeys[2 * b + 1] = a.subkey.x1;
  }
}

BRAINVAR_CLONES void AdvanceOneOriginal(const uint32_t* keys, int64_t begin, int64_t end,
                                        uint32_t* next, uint32_t* subkeys) {
  AdvanceOneBody<Stream::kOriginal>(keys, begin, end, next, subkeys);
}

BRAINVAR_CLONES void AdvanceOnePartitionable(const uint32_t* keys, int64_t begin, int64_t end,
                                             uint32_t* next, uint32_t* subkeys) {
  AdvanceOneBody<Stream::kPartitionable>(keys, begin, end, next, subkeys);
}

}  // namespace

AdvanceJob::AdvanceJob(Stream stream, int64_t batch, int64_t count, const uint32_t* keys,
                       uint32_t* next, uint32_t* subkeys)
    : stream_(stream),
      count_(static_cast<uint64_t>(count)),
      keys_(keys),
      next_(next),
      subkeys_(subkeys),
      single_(count == 1),
      units_(single_ ? batch : batch * (count + 1)) {}

void AdvanceJob::Run(int64_t begin, int64_t end) const {
  if (single_) {
    const auto run = stream_ == Stream::kOriginal ? AdvanceOneOriginal : AdvanceOnePartitionable;
    run(keys_, begin, end, next_, subkeys_);
    return;
  }
  const auto lanes = static_cast<int64_t>(count_ + 1);
  while (begin < end) {
    const int64_t index = begin / lanes;
    const int64_t first = begin - index * lanes;
    const int64_t last = std::min(lanes, first + (end - begin));
    RunLanes(index, first, last);
    begin += last - first;
  }
}

// Lanes of the split of one key. In the original layout lane i gives the words i and i + rows of
// the rows laid end to end, in the partitionable one it gives row i.
void AdvanceJob::RunLanes(int64_t index, uint64_t begin, uint64_t end) const {
  const Pair key = {keys_[2 * index], keys_[2 * index + 1]};
  const uint64_t rows = count_ + 1;
  uint32_t* next = next_ + 2 * index;
  uint32_t* subkeys = subkeys_ + 2 * static_cast<uint64_t>(index) * count_;
  const auto store = [&](uint64_t word, uint32_t value) {
    if (word < 2) {
      next[word] = value;
    } else {
      subkeys[word - 2] = value;
    }
  };
  const bool original = stream_ == Stream::kOriginal;
  const Part part(key, 2 * rows);
  // The first lanes reach into row 0, which is stored apart.
  for (; begin < std::min<uint64_t>(end, original ? 2 : 1); ++begin) {
    const Pair x = original ? part.Lane(begin) : SplitRow(key, rows, begin, stream_);
    store(original ? begin : 2 * begin, x.x0);
    store(original ? begin + rows : 2 * begin + 1, x.x1);
  }
  if (begin >= end) return;
  if (original) {
    uint32_t* low = subkeys + begin - 2;
    kBits32Loops.lanes(key, part.half, begin, end, low, low + rows);
  } else {
    kKeyPairLoops.elements(key, begin, end, subkeys + 2 * (begin - 1));
  }
}

BRAINVAR_CLONES void FoldInRange(const uint32_t* keys, const uint32_t* data, int64_t begin,
                                 int64_t end, uint32_t* out) {
  // The pointers are restricted in the loop's own scope: clones drop it from parameters.
  const uint32_t* BRAINVAR_RESTRICT k = keys;
  const uint32_t* BRAINVAR_RESTRICT d = data;
  uint32_t* BRAINVAR_RESTRICT o = out;
  for (int64_t b = begin; b < end; ++b) {
    const Pair x = FoldIn({k[2 * b], k[2 * b + 1]}, d[b]);
    o[2 * b] = x.x0;
    o[2 * b + 1] = x.x1;
  }
}

}  // namespace brainvar::cpu
