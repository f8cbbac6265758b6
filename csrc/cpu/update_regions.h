// Running a region: the loops over all but the innermost dimensions of an update.
#ifndef BRAINVAR_CPU_UPDATE_REGIONS_H_
#define BRAINVAR_CPU_UPDATE_REGIONS_H_

#include <cstdint>

#include "core/indexing.h"
#include "cpu/update_loops.h"

namespace brainvar::cpu {

// What a region refers to, and the loops that run over it.
struct Arrays {
  const UpdateLoops& loops;
  char* target;
  int64_t size;
  const char* values;
  int64_t values_size;
};

// Runs over a region, from its base on. With `safe`, all of it must be inside the arrays; without,
// what is outside is dropped.
void RunRegion(const Arrays& arrays, const Region& region, bool safe);

// A region that is repeated at several places. The value of each element moves by `value_stride`
// from one place to the next.
class Rows {
 public:
  // At `count` places in all. What is passed by reference must outlive this.
  Rows(const Arrays& arrays, const Region& region, int64_t count, int64_t value_stride);

  // The places [first, first + count): offsets[k] elements further each, where that is inside.
  void Run(const int32_t* offsets, int64_t count, int64_t first) const;
  void Run(const int64_t* offsets, int64_t count, int64_t first) const;

  // The same with `count` places one after the other: from `offset` on, `pace` elements apart.
  void RunDense(int64_t offset, int64_t pace, int64_t count, int64_t first) const;

 private:
  template <typename Offset>
  void RunEach(const Offset* offsets, int64_t count, int64_t first) const;

  const Arrays& arrays_;
  const Region& region_;
  int64_t value_stride_;
  int64_t span_;
  bool values_safe_;
};

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_UPDATE_REGIONS_H_
