#include "cpu/offsets.h"

#include <algorithm>
#include <type_traits>

#include "cpu/simd.h"

namespace brainvar::cpu {
namespace {

// The axes are added piece by piece, so that the sums stay in the innermost cache.
constexpr int64_t kPiece = 2048;

// Adds `count` indices of one axis to the sums, or begins them. Is every index inside?
template <typename Index, typename Offset>
BRAINVAR_INLINE bool AddAxisBody(const Index* BRAINVAR_RESTRICT indices, int64_t size,
                                 int64_t stride, bool begins, int64_t count,
                                 Offset* BRAINVAR_RESTRICT sums) {
  using Wrapping = std::make_unsigned_t<Offset>;
  const auto pace = static_cast<Wrapping>(stride);
  const uint64_t last = static_cast<uint64_t>(size) - 1;
  // Its highest bit is set once an index is below 0 or above the last. Bits and not conditions,
  // because those would be compiled to branches.
  uint64_t outside = 0;
  const auto loop = [&](auto old) {
    for (int64_t k = 0; k < count; ++k) {
      const int64_t index = indices[k];
      const auto shift = static_cast<uint64_t>(index >> 63) & static_cast<uint64_t>(size);
      const uint64_t wrapped = static_cast<uint64_t>(index) + shift;
      outside |= wrapped | (last - wrapped);
      sums[k] = static_cast<Offset>(old(k) + static_cast<Wrapping>(wrapped) * pace);
    }
  };
  if (begins) {
    loop([](int64_t) { return Wrapping{0}; });
  } else {
    loop([&](int64_t k) { return static_cast<Wrapping>(sums[k]); });
  }
  return outside >> 63 == 0;
}

BRAINVAR_CLONES bool AddAxis(const int32_t* indices, int64_t size, int64_t stride, bool begins,
                             int64_t count, int32_t* sums) {
  return AddAxisBody(indices, size, stride, begins, count, sums);
}
BRAINVAR_CLONES bool AddAxis(const int64_t* indices, int64_t size, int64_t stride, bool begins,
                             int64_t count, int32_t* sums) {
  return AddAxisBody(indices, size, stride, begins, count, sums);
}
BRAINVAR_CLONES bool AddAxis(const int32_t* indices, int64_t size, int64_t stride, bool begins,
                             int64_t count, int64_t* sums) {
  return AddAxisBody(indices, size, stride, begins, count, sums);
}
BRAINVAR_CLONES bool AddAxis(const int64_t* indices, int64_t size, int64_t stride, bool begins,
                             int64_t count, int64_t* sums) {
  return AddAxisBody(indices, size, stride, begins, count, sums);
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

int64_t FindOutside(const AxisIndices& axis, int64_t count) {
  return axis.wide ? FindOutsideBody(static_cast<const int64_t*>(axis.data), axis.size, count)
                   : FindOutsideBody(static_cast<const int32_t*>(axis.data), axis.size, count);
}

}  // namespace brainvar::cpu
