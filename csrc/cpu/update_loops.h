// The inner loops of the updates, and the table that finds them by operation and element type.
#ifndef BRAINVAR_CPU_UPDATE_LOOPS_H_
#define BRAINVAR_CPU_UPDATE_LOOPS_H_

#include <cstdint>

#include "core/indexing.h"

namespace brainvar::cpu {

// The numbers are those of the handlers' attribute `op`.
enum class UpdateOp : int32_t { kSet = 0, kAdd = 1, kMultiply = 2, kMinimum = 3, kMaximum = 4 };
constexpr int kUpdateOps = 5;

enum class Element {
  kBool,
  kS8,
  kS16,
  kS32,
  kS64,
  kU8,
  kU16,
  kU32,
  kU64,
  kF16,
  kBF16,
  kF32,
  kF64,
  kC64,
  kC128,
};

// Which elements of an array of `size` elements a list of offsets means: offsets[k] + base, where
// it lies inside; all do where that is known. The value of each is values[k * value_stride].
template <typename Offset>
struct Scatter {
  const Offset* offsets;
  int64_t count;
  int64_t base;
  int64_t size;
  int64_t value_stride;
  bool inside = false;
};

// Pointers are to elements of the loops' type.
struct UpdateLoops {
  int64_t elem_bytes;
  double nanoseconds;  // rough cost of one element of a contiguous run on one core

  // Two nested runs, the inner one innermost: target[i * outer.stride + j * inner.stride] takes
  // the value at the same i and j. The target's strides are positive.
  void (*run)(void* target, const void* values, const Extent& outer, const Extent& inner);

  // One element per offset, in their order.
  void (*scatter32)(void* target, const void* values, const Scatter<int32_t>& scatter);
  void (*scatter64)(void* target, const void* values, const Scatter<int64_t>& scatter);

  // Combines one value with those of `count` elements whose mask is true.
  void (*select)(void* target, const bool* mask, int64_t count, const void* value);
};

extern const UpdateLoops kSet8Loops, kSet16Loops, kSet32Loops, kSet64Loops, kSet128Loops;

// The loops of one element type, by operation.
using LoopsByOp = const UpdateLoops* const[kUpdateOps];
extern const LoopsByOp kS8Updates, kS16Updates, kS32Updates, kS64Updates;
extern const LoopsByOp kU8Updates, kU16Updates, kU32Updates, kU64Updates;
extern const LoopsByOp kF16Updates, kBF16Updates, kF32Updates, kF64Updates;
extern const LoopsByOp kC64Updates, kC128Updates;

// Bools: add and maximum are or, multiply and minimum are and.
const UpdateLoops& FindUpdateLoops(UpdateOp op, Element element);

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_UPDATE_LOOPS_H_
