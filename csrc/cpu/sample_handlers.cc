// Handlers that draw samples: bits, uniforms and normals, with and without advancing the key.
#include <optional>

#include "cpu/checks.h"
#include "cpu/dtypes.h"
#include "cpu/fill.h"
#include "cpu/handlers.h"
#include "cpu/pages.h"
#include "cpu/parallel.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {
namespace {

namespace ffi = xla::ffi;

// Draws into `out`, and writes the keys that follow into `next` unless it is null.
template <DrawOf kDrawOf>
Completion DrawInto(ffi::ThreadPool& pool, const KeyBuffer& key, int32_t stream_attribute,
                    uint32_t* next, ffi::AnyBuffer out) {
  KeyOperand operand(key, stream_attribute);
  if (operand.error.failure()) return operand.error;
  const std::optional<Draw> draw = kDrawOf(out.element_type());
  if (!draw.has_value()) return InvalidArgument("no samples of this dtype");
  const Dims dims = out.dimensions();
  if (!BeginsWith(dims, key.dimensions(), 1)) {
    return InvalidArgument("the samples' shape must begin with the key's batch dimensions");
  }
  const size_t batch_rank = key.dimensions().size() - 1;
  const int64_t size = Product(dims.begin() + batch_rank, dims.end());
  if (size == 0) {
    if (next != nullptr) WriteNextKeys(operand.stream, operand.batch, key.typed_data(), next);
    return ffi::Error::Success();
  }
  AdviseHugePages(out.untyped_data(), out.size_bytes());
  return RunParallel(pool, FillJob(*draw, operand.stream, operand.batch, size, key.typed_data(),
                                   next, out.untyped_data()));
}

template <DrawOf kDrawOf>
Completion Sample(ffi::ThreadPool pool, KeyBuffer key, ffi::Result<ffi::AnyBuffer> out,
                  int32_t stream) {
  return DrawInto<kDrawOf>(pool, key, stream, nullptr, *out);
}

template <DrawOf kDrawOf>
Completion AdvanceSample(ffi::ThreadPool pool, KeyBuffer key, ffi::Result<KeyBuffer> next,
                         ffi::Result<ffi::AnyBuffer> out, int32_t stream) {
  if (!SameDims(key.dimensions(), next->dimensions())) {
    return InvalidArgument("the next key must have the key's shape");
  }
  return DrawInto<kDrawOf>(pool, key, stream, next->typed_data(), *out);
}

auto SampleBinding() {
  return ffi::Ffi::Bind()
      .Ctx<ffi::ThreadPool>()
      .Arg<KeyBuffer>()
      .Ret<ffi::AnyBuffer>()
      .Attr<int32_t>("stream");
}

auto AdvanceSampleBinding() {
  return ffi::Ffi::Bind()
      .Ctx<ffi::ThreadPool>()
      .Arg<KeyBuffer>()
      .Ret<KeyBuffer>()
      .Ret<ffi::AnyBuffer>()
      .Attr<int32_t>("stream");
}

}  // namespace

XLA_FFI_Error* ThreefryBits(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = SampleBinding().To(Sample<BitsDraw>).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryUniform(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = SampleBinding().To(Sample<UniformDraw>).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryNormal(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = SampleBinding().To(Sample<NormalDraw>).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryAdvanceBits(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = AdvanceSampleBinding().To(AdvanceSample<BitsDraw>).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryAdvanceUniform(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = AdvanceSampleBinding().To(AdvanceSample<UniformDraw>).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryAdvanceNormal(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = AdvanceSampleBinding().To(AdvanceSample<NormalDraw>).release();
  return handler->Call(frame);
}

}  // namespace brainvar::cpu
