// Flat offsets from index arrays, one per indexed dimension.
#ifndef BRAINVAR_CPU_OFFSETS_H_
#define BRAINVAR_CPU_OFFSETS_H_

#include <cstdint>

namespace brainvar::cpu {

// The indices into one dimension, int64 or (without `wide`) int32. Negative ones count from the
// end.
struct AxisIndices {
  const void* data;
  bool wide;
  int64_t size;    // of the dimension
  int64_t stride;  // elements from one of its positions to the next
};

// offsets[k] = the sum over the axes of index k times the stride, for k in [0, count), modulo the
// range of the type. Is every index inside its dimension? If not, `offsets` holds nothing of use.
bool FlatOffsets(const AxisIndices* axes, int64_t rank, int64_t count, int32_t* offsets);
bool FlatOffsets(const AxisIndices* axes, int64_t rank, int64_t count, int64_t* offsets);

// Is every one of `count` indices inside the dimension?
bool AllInside(const AxisIndices& axis, int64_t count);

// The first of `count` indices that is outside the dimension, or -1.
int64_t FindOutside(const AxisIndices& axis, int64_t count);

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_OFFSETS_H_
