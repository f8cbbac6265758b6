#include "cpu/offsets.h"

#include <algorithm>
#include <type_traits>

#include "cpu/simd.h"

namespace brainvar::cpu {
namespace {

// The axes are added piece by piece, so that the sums stay in the innermost cache.
constexpr int64_t kPiece = 2048;

// Adds `count` indices of one axis to the sums, or begins them. Is every index inside? `Word` is as
// wide as an index, at least, and holds the size and its negative.
template <typename Word, typename Index, typename Offset>
BRAINVAR_INLINE bool AddAxisBody(const Index* BRAINVAR_RESTRICT indices, int64_t size,
                                 int64_t stride, bool begins, int64_t count,
                                 Offset* BRAINVAR_RESTRICT sums) {
  using Bits = std::make_unsigned_t<Word>;
  using Wrapping = std::make_unsigned_t<Offset>;
  constexpr int kTop = 8 * sizeof(Word) - 1;
  const auto pace = static_cast<Wrapping>(stride);
  const auto length = static_cast<Bits>(size);
  const Bits last = length - 1;
  // Its highest bit is set once an index is below 0 or above the last. Bits and not conditions,
  // because those would be compiled to branches.
  Bits outside = 0;
  const auto loop = [&](auto term) {
    for (int64_t k = 0; k < count; ++k) {
      const Word index = indices[k];
      const Bits shift = static_cast<Bits>(index >> kTop) & length;
      const Bits wrapped = static_cast<Bits>(index) + shift;
      outside |= wrapped | (last - wrapped);
      sums[k] = static_cast<Offset>(term(k, static_cast<Wrapping>(wrapped)));
    }
  };
  if (begins && stride == 1) {
    loop([](int64_t, Wrapping index) { return index; });
  } else if (begins) {
    loop([&](int64_t, Wrapping index) { return static_cast<Wrapping>(index * pace); });
  } else {
    loop([&](int64_t k, Wrapping index) {
      return static_cast<Wrapping>(static_cast<Wrapping>(sums[k]) + index * pace);
    });
  }
  return outside >> kTop == 0;
}

BRAINVAR_CLONES bool AddNarrow(const int32_t* indices, int64_t size, int64_t stride, bool begins,
                               int64_t count, int32_t* sums) {
  return AddAxisBody<int32_t>(indices, size, stride, begins, count, sums);
}
BRAINVAR_CLONES bool AddWide(const int32_t* indices, int64_t size, int64_t stride, bool begins,
                             int64_t count, int32_t* sums) {
  return AddAxisBody<int64_t>(indices, size, stride, begins, count, sums);
}
BRAINVAR_CLONES bool AddAxis(const int64_t* indices, int64_t size, int64_t stride, bool begins,
                             int64_t count, int32_t* sums) {
  return AddAxisBody<int64_t>(indices, size, stride, begins, count, sums);
}
BRAINVAR_CLONES bool AddAxis(const int32_t* indices, int64_t size, int64_t stride, bool begins,
                             int64_t count, int64_t* sums) {
  return AddAxisBody<int64_t>(indices, size, stride, begins, count, sums);
}
BRAINVAR_CLONES bool AddAxis(const int64_t* indices, int64_t size, int64_t stride, bool begins,
                             int64_t count, int64_t* sums) {
  return AddAxisBody<int64_t>(indices, size, stride, begins, count, sums);
}

// Half as wide is twice as fast.
bool AddAxis(const int32_t* indices, int64_t size, int64_t stride, bool begins, int64_t count,
             int32_t* sums) {
  const auto add = size <= INT32_MAX ? AddNarrow : AddWide;
  return add(indices, size, stride, begins, count, sums);
}

template <typename Offset>
bool FlatOffsetsBody(const AxisIndices* axes, int64_t rank, int64_t count, Offset* offsets) {
  for (int64_t first = 0; first < count; first += kPiece) {
    const int64_t piece = std::min(kPiece, count - first);
    for (int64_t a = 0; a < rank; ++a) {
      const AxisIndices& axis = axes[a];
      const bool inside = axis.wide
                              ? AddAxis(static_cast<const int64_t*>(axis.data) + first, axis.size,
                                        axis.stride, a == 0, piece, offsets + first)
                              : AddAxis(static_cast<const int32_t*>(axis.data) + first, axis.size,
                                        axis.stride, a == 0, piece, offsets + first);
      if (!inside) return false;
    }
  }
  return true;
}

// Moved up by the size, the indices inside are the numbers below twice the size, and what lies
// outside is beyond those: also a negative number, without a sign.
template <typename Index>
BRAINVAR_INLINE bool AllInsideBody(const Index* indices, int64_t size, int64_t count) {
  using Bits = std::make_unsigned_t<Index>;
  const auto shift = static_cast<Bits>(size);
  Bits greatest = 0;
  for (int64_t k = 0; k < count; ++k) {
    greatest = std::max(greatest, static_cast<Bits>(static_cast<Bits>(indices[k]) + shift));
  }
  return count <= 0 || greatest < 2 * shift;
}

BRAINVAR_CLONES bool AllInsideOf(const int32_t* indices, int64_t size, int64_t count) {
  return AllInsideBody(indices, size, count);
}
BRAINVAR_CLONES bool AllInsideOf(const int64_t* indices, int64_t size, int64_t count) {
  return AllInsideBody(indices, size, count);
}

template <typename Index>
int64_t FindOutsideBody(const Index* indices, int64_t size, int64_t count) {
  for (int64_t k = 0; k < count; ++k) {
    if (indices[k] < -size || indices[k] >= size) return k;
  }
  return -1;
}

}  // namespace

bool FlatOffsets(const AxisIndices* axes, int64_t rank, int64_t count, int32_t* offsets) {
  return FlatOffsetsBody(axes, rank, count, offsets);
}
bool FlatOffsets(const AxisIndices* axes, int64_t rank, int64_t count, int64_t* offsets) {
  return FlatOffsetsBody(axes, rank, count, offsets);
}

bool AllInside(const AxisIndices& axis, int64_t count) {
  if (axis.wide) return AllInsideOf(static_cast<const int64_t*>(axis.data), axis.size, count);
  if (axis.size > INT32_MAX) return FindOutside(axis, count) < 0;
  return AllInsideOf(static_cast<const int32_t*>(axis.data), axis.size, count);
}

int64_t FindOutside(const AxisIndices& axis, int64_t count) {
  return axis.wide ? FindOutsideBody(static_cast<const int64_t*>(axis.data), axis.size, count)
                   : FindOutsideBody(static_cast<const int32_t*>(axis.data), axis.size, count);
}

}  // namespace brainvar::cpu
