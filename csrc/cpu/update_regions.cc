#include "cpu/update_regions.h"

#include <algorithm>

namespace brainvar::cpu {
namespace {

constexpr Extent kOnce = {1, 1, 0};
// How many rows ahead their first elements are fetched.
constexpr int64_t kRowsAhead = 8;

// The inner dimension at one position of the others, without what lies outside the arrays.
void RunChecked(const Arrays& arrays, Extent inner, int64_t position, int64_t value) {
  const Interval inside =
      Intersect(Inside(position, inner.count, inner.stride, arrays.size),
                Inside(value, inner.count, inner.value_stride, arrays.values_size));
  if (inside.begin >= inside.end) return;
  position += inside.begin * inner.stride;
  value = WrapAdd(value, WrapMultiply(inside.begin, inner.value_stride));
  inner.count = inside.end - inside.begin;
  if (inner.count == 1) inner.value_stride = 0;
  arrays.loops.run(arrays.target + position * arrays.loops.elem_bytes,
                   arrays.values + value * arrays.loops.elem_bytes, kOnce, inner);
}

void RunAt(const Arrays& arrays, const Region& region, int64_t position, int64_t value, bool safe) {
  const int rank = region.rank;
  const Extent inner = rank > 0 ? region.extents[0] : kOnce;
  const Extent outer = rank > 1 && safe ? region.extents[1] : kOnce;
  const int first = safe ? 2 : 1;  // the dimensions from here on are counted
  const int64_t bytes = arrays.loops.elem_bytes;
  int64_t counters[Region::kMaxRank];
  for (int d = first; d < rank; ++d) counters[d] = 0;
  for (;;) {
    if (safe) {
      arrays.loops.run(arrays.target + position * bytes, arrays.values + value * bytes, outer,
                       inner);
    } else {
      RunChecked(arrays, inner, position, value);
    }
    int d = first;
    for (; d < rank; ++d) {
      const Extent& extent = region.extents[d];
      position += extent.stride;
      value = WrapAdd(value, extent.value_stride);
      if (++counters[d] < extent.count) break;
      counters[d] = 0;
      position -= extent.count * extent.stride;
      value = WrapAdd(value, WrapMultiply(-extent.count, extent.value_stride));
    }
    if (d >= rank) return;
  }
}

void Scattered(const Arrays& arrays, const char* values, const Scatter<int32_t>& scatter) {
  arrays.loops.scatter32(arrays.target, values, scatter);
}
void Scattered(const Arrays& arrays, const char* values, const Scatter<int64_t>& scatter) {
  arrays.loops.scatter64(arrays.target, values, scatter);
}

}  // namespace

void RunRegion(const Arrays& arrays, const Region& region, bool safe) {
  RunAt(arrays, region, region.base, region.value_base, safe);
}

Rows::Rows(const Arrays& arrays, const Region& region, int64_t count, int64_t value_stride)
    : arrays_(arrays), region_(region), value_stride_(value_stride), span_(region.span()) {
  const int64_t steps = std::max<int64_t>(count - 1, 0);
  values_safe_ = Region::TermFits(steps, value_stride) &&
                 region.ValuesInside(arrays.values_size, WrapMultiply(steps, value_stride));
}

void Rows::Run(const int32_t* offsets, int64_t count, int64_t first) const {
  RunEach(offsets, count, first);
}
void Rows::Run(const int64_t* offsets, int64_t count, int64_t first) const {
  RunEach(offsets, count, first);
}

template <typename Offset>
void Rows::RunEach(const Offset* offsets, int64_t count, int64_t first) const {
  const int64_t bytes = arrays_.loops.elem_bytes;
  if (region_.rank == 0 && values_safe_) {
    Scattered(arrays_, arrays_.values + (region_.value_base + first * value_stride_) * bytes,
              Scatter<Offset>{offsets, count, region_.base, arrays_.size, value_stride_});
    return;
  }
  for (int64_t k = 0; k < count; ++k) {
    if (k + kRowsAhead < count) {
      // An address outside the array is never read: it may be any number.
      const auto ahead =
          static_cast<uint64_t>(offsets[k + kRowsAhead]) + static_cast<uint64_t>(region_.base);
      __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(arrays_.target) +
                                                       ahead * static_cast<uint64_t>(bytes)),
                         1);
    }
    const auto offset = static_cast<int64_t>(offsets[k]);
    if (offset < 0 || offset >= arrays_.size) continue;
    const int64_t position = region_.base + offset;
    const int64_t value = WrapAdd(region_.value_base, WrapMultiply(first + k, value_stride_));
    const bool safe = values_safe_ && position + span_ < arrays_.size;
    if (safe && region_.rank == 1) {
      arrays_.loops.run(arrays_.target + position * bytes, arrays_.values + value * bytes, kOnce,
                        region_.extents[0]);
    } else {
      RunAt(arrays_, region_, position, value, safe);
    }
  }
}

void Rows::RunDense(int64_t offset, int64_t pace, int64_t count, int64_t first) const {
  Region dense = region_;
  dense.base += offset;
  dense.value_base = WrapAdd(dense.value_base, WrapMultiply(first, value_stride_));
  dense.AddOuter({count, pace, value_stride_});
  RunRegion(arrays_, dense, values_safe_);
}

}  // namespace brainvar::cpu
