// Loops over keys: the fused split of a state, and the mixing of data into keys.
#ifndef BRAINVAR_CPU_KEYS_H_
#define BRAINVAR_CPU_KEYS_H_

#include <cstdint>

#include "core/streams.h"

namespace brainvar::cpu {

// `count` subkeys and the next key for each of `batch` keys: rows 1..count and row 0 of a split
// into count + 1. The work is a row of units as in FillJob.
class AdvanceJob {
 public:
  AdvanceJob(Stream stream, int64_t batch, int64_t count, const uint32_t* keys, uint32_t* next,
             uint32_t* subkeys);

  int64_t units() const { return units_; }
  int64_t bytes() const { return units_ * static_cast<int64_t>(sizeof(Pair)); }
  double nanoseconds() const { return static_cast<double>(units_) * 1.0; }

  // Does the units [begin, end). Does not throw and does not allocate.
  void Run(int64_t begin, int64_t end) const;

 private:
  void RunLanes(int64_t index, uint64_t begin, uint64_t end) const;

  Stream stream_;
  uint64_t count_;
  const uint32_t* keys_;
  uint32_t* next_;
  uint32_t* subkeys_;
  bool single_;  // one subkey per key: a unit is a key, else a lane of one
  int64_t units_;
};

// Keys [begin, end) with their datum mixed in.
void FoldInRange(const uint32_t* keys, const uint32_t* data, int64_t begin, int64_t end,
                 uint32_t* out);

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_KEYS_H_
