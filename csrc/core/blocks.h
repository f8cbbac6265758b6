// A block of an array: which part of the row-major order a device holds that has a slice of each
// dimension.
#ifndef BRAINVAR_CORE_BLOCKS_H_
#define BRAINVAR_CORE_BLOCKS_H_

#include <cstdint>

#include "core/macros.h"

namespace brainvar {

// One dimension: `local` positions from `start` on, of `global`. The last block of a dimension
// that does not divide evenly reaches past its end.
struct Slice {
  uint64_t global;
  uint64_t local;
  uint64_t start;
};

// Consecutive elements of the block that are consecutive in the array too.
struct Run {
  uint64_t begin;  // position in the array
  uint64_t count;  // how many are within the array; the others of the run are padding
};

// Dimensions from the outermost to the innermost. Neighbours are merged where the inner one is
// whole, so that runs are as long as they can be.
class Block {
 public:
  // Every dimension that stays apart is split among two devices or more.
  static constexpr int kMaxDims = 16;

  // Adds an inner dimension; false if there are too many.
  BRAINVAR_HD bool Append(Slice inner) {
    if (inner.local == inner.global && inner.start == 0 && rank_ > 0) {
      Slice& outer = dims_[rank_ - 1];
      outer = {outer.global * inner.global, outer.local * inner.global, outer.start * inner.global};
      return true;
    }
    if (rank_ == kMaxDims) return false;
    dims_[rank_++] = inner;
    return true;
  }

  // Elements of the whole array, and of the block with its padding.
  BRAINVAR_HD uint64_t Size() const {
    uint64_t size = 1;
    for (int d = 0; d < rank_; ++d) size *= dims_[d].global;
    return size;
  }
  BRAINVAR_HD uint64_t LocalSize() const {
    uint64_t size = 1;
    for (int d = 0; d < rank_; ++d) size *= dims_[d].local;
    return size;
  }

  BRAINVAR_HD uint64_t RunLength() const { return rank_ == 0 ? 1 : dims_[rank_ - 1].local; }

  // Run `index` of the block: its elements [index * RunLength(), (index + 1) * RunLength()).
  BRAINVAR_HD Run GetRun(uint64_t index) const {
    if (rank_ == 0) return {0, 1};
    const Slice& last = dims_[rank_ - 1];
    if (last.start >= last.global) return {0, 0};
    uint64_t begin = last.start;
    uint64_t stride = last.global;
    for (int d = rank_ - 2; d >= 0; --d) {
      // The outermost dimension takes what is left: no division there.
      const uint64_t position = dims_[d].start + (d == 0 ? index : index % dims_[d].local);
      if (position >= dims_[d].global) return {0, 0};
      begin += position * stride;
      stride *= dims_[d].global;
      if (d > 0) index /= dims_[d].local;
    }
    const uint64_t left = last.global - last.start;
    return {begin, left < last.local ? left : last.local};
  }

 private:
  Slice dims_[kMaxDims];
  int rank_ = 0;
};

}  // namespace brainvar

#endif  // BRAINVAR_CORE_BLOCKS_H_
