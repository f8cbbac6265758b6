// Updates of a batch of arrays: through one spec of slices, through offsets, through masks.
#ifndef BRAINVAR_CPU_UPDATE_H_
#define BRAINVAR_CPU_UPDATE_H_

#include <cstdint>

#include "core/indexing.h"
#include "cpu/update_loops.h"

namespace brainvar::cpu {

// An operand of a batch: where the part of one lane begins, or the one part that all lanes share.
struct Lanes {
  const void* data;
  int64_t bytes;  // from one lane to the next, 0 where it is shared

  template <typename T = char>
  const T* Get(int64_t lane) const {
    return reinterpret_cast<const T*>(static_cast<const char*>(data) + lane * bytes);
  }
};

// What the three kinds of update have in common.
struct UpdateBatch {
  const UpdateLoops* loops;
  int64_t batch;
  int64_t rank;
  int64_t dims[Region::kMaxRank];  // of one lane's target
  int64_t size;                    // their product
  void* target;
  Lanes values;
  int64_t values_size;  // of one lane
  Lanes spec;

  char* Target(int64_t lane) const {
    return static_cast<char*>(target) + lane * size * loops->elem_bytes;
  }
};

// Each job is a row of units of which any range can be done by itself, as in FillJob: Run neither
// throws nor allocates, and the result does not depend on how the row was cut.

// The spec has one row per dimension.
class SlicesJob {
 public:
  explicit SlicesJob(const UpdateBatch& update);

  int64_t units() const { return units_; }
  double nanoseconds() const { return nanoseconds_; }
  int64_t bytes() const { return positions_ * update_.loops->elem_bytes; }
  void Run(int64_t begin, int64_t end) const;

 private:
  UpdateBatch update_;
  Region region_;   // of the whole batch, when it is one
  int split_ = -1;  // the dimension of it that the units run over; -1: a unit is a lane
  int64_t units_ = 0;
  int64_t positions_ = 0;
  double nanoseconds_ = 0;
};

// How the work of an update with a list of places is cut.
struct RowUnits {
  RowUnits() = default;
  explicit RowUnits(const UpdateBatch& update);
  RowUnits(const UpdateBatch& update, const Region& region);

  int64_t FirstLane(int64_t begin) const { return split < 0 ? begin : 0; }
  int64_t LastLane(int64_t end) const { return split < 0 ? end : 1; }

  int64_t units = 0;
  int split =
      -1;  // the dimension of the one lane's region that the units run over; -1: a lane each
};

// Row 0 of the spec has the number of offsets in use and the stride from the values of one to
// those of the next; the others are as for slices, and each offset moves the whole region.
class OffsetsJob {
 public:
  // `count` offsets per lane, int32 or (with `wide`) int64.
  OffsetsJob(const UpdateBatch& update, Lanes offsets, int64_t count, bool wide);

  int64_t units() const { return rows_.units; }
  double nanoseconds() const { return nanoseconds_; }
  int64_t bytes() const { return update_.batch * update_.size * update_.loops->elem_bytes; }
  void Run(int64_t begin, int64_t end) const;

 private:
  UpdateBatch update_;
  Lanes offsets_;
  int64_t count_;
  bool wide_;
  RowUnits rows_;
  double nanoseconds_ = 0;
};

// The mask covers the leading dimensions. Row 0 of the spec is that of the true elements in their
// order, the others those of the dimensions left.
class MaskedJob {
 public:
  MaskedJob(const UpdateBatch& update, Lanes mask, int64_t mask_rank);

  int64_t units() const { return rows_.units; }
  double nanoseconds() const { return nanoseconds_; }
  int64_t bytes() const { return update_.batch * update_.size * update_.loops->elem_bytes; }
  void Run(int64_t begin, int64_t end) const;

 private:
  Region LaneRegion(int64_t lane) const;
  void SelectBlock(int64_t lane, int64_t block) const;

  UpdateBatch update_;
  Lanes mask_;
  int64_t mask_rank_;
  int64_t mask_size_ = 1;  // of one lane
  int64_t trailing_ = 1;   // elements per element of the mask
  bool select_ = false;  // one value for all of a mask of the whole array: a unit is a block of it
  RowUnits rows_;
  double nanoseconds_ = 0;
};

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_UPDATE_H_
