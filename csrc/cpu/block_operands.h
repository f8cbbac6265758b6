// The operands of handlers that compute one device's block of a larger array.
#ifndef BRAINVAR_CPU_BLOCK_OPERANDS_H_
#define BRAINVAR_CPU_BLOCK_OPERANDS_H_

#include <cstddef>
#include <cstdint>

#include "core/blocks.h"
#include "cpu/checks.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {

using TileBuffer = xla::ffi::BufferR1<xla::ffi::S32>;
using Sizes = xla::ffi::Span<const int64_t>;

// The block of a result with the dimensions `dims`, which are the key's batch dimensions and those
// of the block. `shape` is that of the whole sample of a key, `tile` says which block of each
// dimension.
inline xla::ffi::Error MakeBlock(Dims dims, Dims key_dims, TileBuffer tile, Sizes shape,
                                 Block& block) {
  const size_t batch_rank = key_dims.size() - 1;
  if (!BeginsWith(dims, key_dims, 1) || dims.size() != batch_rank + shape.size() ||
      tile.element_count() != shape.size()) {
    return InvalidArgument(
        "a block has the key's batch dimensions and as many others as the shape and the tile");
  }
  int64_t size = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    const int64_t local = dims[batch_rank + d];
    const int64_t index = tile.typed_data()[d];
    if (shape[d] < 0 || index < 0) return InvalidArgument("a negative size or tile");
    if (__builtin_mul_overflow(size, shape[d], &size)) {
      return InvalidArgument("the shape has more elements than 64 bits can count");
    }
    const Slice slice = {static_cast<uint64_t>(shape[d]), static_cast<uint64_t>(local),
                         static_cast<uint64_t>(local) * static_cast<uint64_t>(index)};
    if (!block.Append(slice)) return InvalidArgument("too many dimensions are split");
  }
  return xla::ffi::Error::Success();
}

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_BLOCK_OPERANDS_H_
