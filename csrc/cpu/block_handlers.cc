// Handlers that compute one device's block of samples or of keys.
#include <optional>

#include "core/blocks.h"
#include "cpu/block.h"
#include "cpu/block_operands.h"
#include "cpu/checks.h"
#include "cpu/dtypes.h"
#include "cpu/handlers.h"
#include "cpu/pages.h"
#include "cpu/parallel.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {
namespace {

namespace ffi = xla::ffi;

Completion RunBlock(ffi::ThreadPool& pool, Draw draw, const KeyOperand& operand, const Block& block,
                    const KeyBuffer& key, void* out, size_t bytes) {
  if (bytes == 0) return ffi::Error::Success();
  AdviseHugePages(out, bytes);
  return RunParallel(pool,
                     BlockJob(draw, operand.stream, block, operand.batch, key.typed_data(), out));
}

template <DrawOf kDrawOf>
Completion SampleBlock(ffi::ThreadPool pool, KeyBuffer key, TileBuffer tile,
                       ffi::Result<ffi::AnyBuffer> out, int32_t stream, Sizes shape) {
  KeyOperand operand(key, stream);
  if (operand.error.failure()) return operand.error;
  const std::optional<Draw> draw = kDrawOf(out->element_type());
  if (!draw.has_value()) return InvalidArgument("no samples of this dtype");
  Block block;
  ffi::Error error = MakeBlock(out->dimensions(), key.dimensions(), tile, shape, block);
  if (error.failure()) return error;
  return RunBlock(pool, *draw, operand, block, key, out->untyped_data(), out->size_bytes());
}

// Rows of a split into `total` of which the whole result has those from `first` on.
Completion SplitBlock(ffi::ThreadPool pool, KeyBuffer key, TileBuffer tile,
                      ffi::Result<KeyBuffer> out, int32_t stream, int64_t total, int64_t first) {
  KeyOperand operand(key, stream);
  if (operand.error.failure()) return operand.error;
  const Dims dims = out->dimensions();
  if (dims.size() != key.dimensions().size() + 1 || dims.back() != 2 ||
      !BeginsWith(dims, key.dimensions(), 1) || tile.element_count() != 1) {
    return InvalidArgument("subkeys must have the key's batch dimensions, a count and 2");
  }
  if (total < 0 || first < 0 || tile.typed_data()[0] < 0) {
    return InvalidArgument("a negative size or tile");
  }
  const bool original = operand.stream == Stream::kOriginal;
  if (original && total > kMaxOriginalRows) return TooManySubkeys();
  const auto count = static_cast<uint64_t>(dims[dims.size() - 2]);
  const uint64_t start =
      static_cast<uint64_t>(first) + count * static_cast<uint64_t>(tile.typed_data()[0]);
  // In the original layout the rows are the words of the stream, two by two.
  Block block;
  block.Append({static_cast<uint64_t>(total), count, start});
  if (original) block.Append({2, 2, 0});
  return RunBlock(pool, original ? Draw::kBits32 : Draw::kKeyPair, operand, block, key,
                  out->untyped_data(), out->size_bytes());
}

auto SampleBlockBinding() {
  return ffi::Ffi::Bind()
      .Ctx<ffi::ThreadPool>()
      .Arg<KeyBuffer>()
      .Arg<TileBuffer>()
      .Ret<ffi::AnyBuffer>()
      .Attr<int32_t>("stream")
      .Attr<Sizes>("shape");
}

}  // namespace

XLA_FFI_Error* ThreefryBitsBlock(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = SampleBlockBinding().To(SampleBlock<BitsDraw>).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryUniformBlock(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = SampleBlockBinding().To(SampleBlock<UniformDraw>).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryNormalBlock(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = SampleBlockBinding().To(SampleBlock<NormalDraw>).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefrySplitBlock(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Ctx<ffi::ThreadPool>()
                                   .Arg<KeyBuffer>()
                                   .Arg<TileBuffer>()
                                   .Ret<KeyBuffer>()
                                   .Attr<int32_t>("stream")
                                   .Attr<int64_t>("total")
                                   .Attr<int64_t>("first")
                                   .To(SplitBlock)
                                   .release();
  return handler->Call(frame);
}

}  // namespace brainvar::cpu
