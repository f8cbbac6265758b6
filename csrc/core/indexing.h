// Which elements of an array an update touches, and which value goes to each.
//
// A spec is a table of rows (start, count, step, value_stride), one per dimension of the target, in
// 64-bit integers of two words each. It addresses the positions start + q * step with
// 0 <= q < count in every dimension; the sum of q * value_stride over the dimensions is the index
// of the value, among `values_size` of them. A step of 0 addresses its position once. What lies
// outside the target or outside the values is dropped, whatever the spec says.
#ifndef BRAINVAR_CORE_INDEXING_H_
#define BRAINVAR_CORE_INDEXING_H_

#include <cstdint>

#include "core/macros.h"

namespace brainvar {

constexpr int kSpecRowWords = 8;

struct SpecRow {
  int64_t start;
  int64_t count;
  int64_t step;
  int64_t value_stride;
};

BRAINVAR_HD int64_t ReadInt64(const uint32_t* words) {
  return static_cast<int64_t>(static_cast<uint64_t>(words[0]) |
                              (static_cast<uint64_t>(words[1]) << 32));
}

BRAINVAR_HD SpecRow ReadSpecRow(const uint32_t* spec, int64_t row) {
  const uint32_t* words = spec + row * kSpecRowWords;
  return {ReadInt64(words), ReadInt64(words + 2), ReadInt64(words + 4), ReadInt64(words + 6)};
}

// Arithmetic modulo 2^64: specs may hold anything.
BRAINVAR_HD int64_t WrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
BRAINVAR_HD int64_t WrapMultiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
BRAINVAR_HD uint64_t Magnitude(int64_t a) {
  return a < 0 ? 0 - static_cast<uint64_t>(a) : static_cast<uint64_t>(a);
}

struct Interval {
  int64_t begin;
  int64_t end;
};

// The q in [0, count) with 0 <= start + q * step < size, which are consecutive.
BRAINVAR_HD Interval Inside(int64_t start, int64_t count, int64_t step, int64_t size) {
  constexpr Interval kNone = {0, 0};
  if (count <= 0) return kNone;
  const bool starts_inside = start >= 0 && start < size;
  if (count == 1 || step == 0) return starts_inside ? Interval{0, count} : kNone;
  // How far the first and the last position that are inside lie from the start, along the step.
  const auto from = static_cast<uint64_t>(start);
  const auto top = static_cast<uint64_t>(size) - 1;
  uint64_t first, last;
  if (step > 0) {
    if (start >= size) return kNone;
    first = start < 0 ? 0 - from : 0;
    last = top - from;
  } else {
    if (start < 0 || size <= 0) return kNone;
    first = start >= size ? from - top : 0;
    last = from;
  }
  const uint64_t pace = Magnitude(step);
  if (pace != 1) {
    first = first == 0 ? 0 : (first - 1) / pace + 1;
    last /= pace;
  }
  const auto wanted = static_cast<uint64_t>(count) - 1;
  if (last > wanted) last = wanted;
  if (size <= 0 || first > last) return kNone;
  return {static_cast<int64_t>(first), static_cast<int64_t>(last) + 1};
}

BRAINVAR_HD Interval Intersect(Interval a, Interval b) {
  return {a.begin > b.begin ? a.begin : b.begin, a.end < b.end ? a.end : b.end};
}

// One dimension to run over: strides count elements of the target and of the values.
struct Extent {
  int64_t count;
  int64_t stride;
  int64_t value_stride;
};

// The positions of a spec in the flat target, in as few dimensions as they allow. Dimensions are
// innermost first, hold two positions or more, and run upwards through the target.
struct Region {
  // Each dimension at least doubles the positions, which are distinct, and one for the batch.
  static constexpr int kMaxRank = 64;

  bool empty = false;
  int rank = 0;
  int64_t base = 0;        // flat position of the first element
  int64_t value_base = 0;  // index of its value
  // The least and the greatest index of a value, relative to value_base, while they are small.
  int64_t value_low = 0;
  int64_t value_high = 0;
  bool huge_values = false;  // value indices beyond all memory: the bounds above mean nothing
  Extent extents[kMaxRank];

  // Adds a dimension outside those that there are: q runs over `count` positions.
  BRAINVAR_HD void AddOuter(Extent extent) {
    const int64_t span = ValueTerm(extent.count - 1, extent.value_stride);
    if (span < 0) {
      value_low += span;
    } else {
      value_high += span;
    }
    CheckValueBounds();
    if (extent.count == 1) return;
    if (rank > 0) {
      Extent& inner = extents[rank - 1];
      if (extent.stride == WrapMultiply(inner.stride, inner.count) &&
          extent.value_stride == WrapMultiply(inner.value_stride, inner.count)) {
        inner.count *= extent.count;
        return;
      }
    }
    extents[rank++] = extent;
  }

  // Adds the part of a spec's row that lies inside the target's dimension outside those that there
  // are. `stride` is the number of elements from one position of that dimension to the next.
  BRAINVAR_HD void AddRow(const SpecRow& row, int64_t size, int64_t stride) {
    const int64_t wanted = row.step == 0 && row.count > 1 ? 1 : row.count;
    const Interval inside = Inside(row.start, wanted, row.step, size);
    if (inside.begin >= inside.end) {
      empty = true;
      return;
    }
    const int64_t first = WrapAdd(row.start, WrapMultiply(inside.begin, row.step));
    Extent extent = {inside.end - inside.begin, stride, row.value_stride};
    if (extent.count > 1) extent.stride *= row.step;  // of one position the step may be anything
    base += first * stride;
    MoveValues(inside.begin, row.value_stride);
    if (extent.stride < 0) {
      base += (extent.count - 1) * extent.stride;
      MoveValues(extent.count - 1, extent.value_stride);
      extent.stride = -extent.stride;
      extent.value_stride = WrapMultiply(-1, extent.value_stride);
    }
    AddOuter(extent);
  }

  BRAINVAR_HD int64_t positions() const {
    int64_t count = empty ? 0 : 1;
    for (int d = 0; d < rank; ++d) count *= extents[d].count;
    return count;
  }

  // The flat position of the last element, relative to the first.
  BRAINVAR_HD int64_t span() const {
    int64_t last = 0;
    for (int d = 0; d < rank; ++d) last += (extents[d].count - 1) * extents[d].stride;
    return last;
  }

  // Do all value indices lie in [0, values_size), also when the first is moved by up to `shift`?
  // That must be a product that fits.
  BRAINVAR_HD bool ValuesInside(int64_t values_size, int64_t shift = 0) const {
    if (huge_values) return false;
    const int64_t low = value_base + value_low + (shift < 0 ? shift : 0);
    const int64_t high = value_base + value_high + (shift > 0 ? shift : 0);
    return low >= 0 && high < values_size;
  }

  // Keeps the positions [begin, end) of one dimension.
  BRAINVAR_HD void Narrow(int dim, int64_t begin, int64_t end) {
    Extent& extent = extents[dim];
    const int64_t dropped = ValueTerm(extent.count - (end - begin), extent.value_stride);
    (dropped < 0 ? value_low : value_high) -= dropped;
    base += begin * extent.stride;
    value_base = WrapAdd(value_base, WrapMultiply(begin, extent.value_stride));
    extent.count = end - begin;
  }

  // Products beyond this need no exact result: no memory holds as much.
  static constexpr int64_t kHuge = int64_t{1} << 55;

  BRAINVAR_HD static bool TermFits(int64_t steps, int64_t value_stride) {
    return steps == 0 || value_stride == 0 ||
           Magnitude(value_stride) <= static_cast<uint64_t>(kHuge) / static_cast<uint64_t>(steps);
  }

  // steps * value_stride, or a mark on the region where that does not fit.
  BRAINVAR_HD int64_t ValueTerm(int64_t steps, int64_t value_stride) {
    if (TermFits(steps, value_stride)) return steps * value_stride;
    huge_values = true;
    return 0;
  }

  BRAINVAR_HD void MoveValues(int64_t steps, int64_t value_stride) {
    ValueTerm(steps, value_stride);
    value_base = WrapAdd(value_base, WrapMultiply(steps, value_stride));
    CheckValueBounds();
  }

  BRAINVAR_HD void CheckValueBounds() {
    constexpr int64_t kLimit = 16 * kHuge;
    if (value_base > kLimit || value_base < -kLimit || value_low < -kLimit || value_high > kLimit) {
      huge_values = true;
      value_low = value_high = 0;
    }
  }
};

// Adds the rows of a spec for the dimensions dims[0..rank).
BRAINVAR_HD void AddSpec(const uint32_t* spec, const int64_t* dims, int64_t rank, Region& region) {
  int64_t stride = 1;
  for (int64_t d = rank - 1; d >= 0 && !region.empty; --d) {
    region.AddRow(ReadSpecRow(spec, d), dims[d], stride);
    stride *= dims[d];
  }
}

}  // namespace brainvar

#endif  // BRAINVAR_CORE_INDEXING_H_
