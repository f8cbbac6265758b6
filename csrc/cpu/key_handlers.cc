// Handlers that make keys from keys.
#include "cpu/checks.h"
#include "cpu/fill.h"
#include "cpu/handlers.h"
#include "cpu/keys.h"
#include "cpu/pages.h"
#include "cpu/parallel.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {
namespace {

namespace ffi = xla::ffi;

// Checks subkeys[..., n, 2] against the key[..., 2]; n, or an error.
ffi::ErrorOr<int64_t> SubkeyCount(const KeyBuffer& key, Stream stream, const KeyBuffer& subkeys) {
  const Dims dims = subkeys.dimensions();
  if (dims.size() != key.dimensions().size() + 1 || dims.back() != 2 ||
      !BeginsWith(dims, key.dimensions(), 1)) {
    return ffi::Unexpected(
        InvalidArgument("subkeys must have the key's batch dimensions, a count and 2"));
  }
  const int64_t count = dims[dims.size() - 2];
  if (stream == Stream::kOriginal && count >= kMaxOriginalRows) {
    return ffi::Unexpected(TooManySubkeys());
  }
  return count;
}

Completion Split(ffi::ThreadPool pool, KeyBuffer key, ffi::Result<KeyBuffer> subkeys,
                 int32_t stream) {
  KeyOperand operand(key, stream);
  if (operand.error.failure()) return operand.error;
  const ffi::ErrorOr<int64_t> count = SubkeyCount(key, operand.stream, *subkeys);
  if (count.has_error()) return count.error();
  AdviseHugePages(subkeys->untyped_data(), subkeys->size_bytes());
  // In the original layout the rows are the words of the stream, two by two.
  const bool original = operand.stream == Stream::kOriginal;
  return RunParallel(pool, FillJob(original ? Draw::kBits32 : Draw::kKeyPair, operand.stream,
                                   operand.batch, original ? 2 * *count : *count, key.typed_data(),
                                   nullptr, subkeys->untyped_data()));
}

Completion Advance(ffi::ThreadPool pool, KeyBuffer key, ffi::Result<KeyBuffer> next,
                   ffi::Result<KeyBuffer> subkeys, int32_t stream) {
  KeyOperand operand(key, stream);
  if (operand.error.failure()) return operand.error;
  if (!SameDims(key.dimensions(), next->dimensions())) {
    return InvalidArgument("the next key must have the key's shape");
  }
  const ffi::ErrorOr<int64_t> count = SubkeyCount(key, operand.stream, *subkeys);
  if (count.has_error()) return count.error();
  AdviseHugePages(subkeys->untyped_data(), subkeys->size_bytes());
  return RunParallel(pool, AdvanceJob(operand.stream, operand.batch, *count, key.typed_data(),
                                      next->typed_data(), subkeys->typed_data()));
}

ffi::Error FoldInImpl(KeyBuffer key, KeyBuffer data, ffi::Result<KeyBuffer> out) {
  const Dims dims = key.dimensions();
  if (dims.size() == 0 || dims.back() != 2) {
    return InvalidArgument("the last dimension of a key must be 2");
  }
  if (!SameDims(dims, out->dimensions())) {
    return InvalidArgument("the new key must have the key's shape");
  }
  if (data.dimensions().size() + 1 != dims.size() || !BeginsWith(data.dimensions(), dims, 1)) {
    return InvalidArgument("the data must have the key's batch dimensions");
  }
  const int64_t batch = Product(dims.begin(), dims.end() - 1);
  FoldInRange(key.typed_data(), data.typed_data(), 0, batch, out->typed_data());
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_Error* ThreefrySplit(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Ctx<ffi::ThreadPool>()
                                   .Arg<KeyBuffer>()
                                   .Ret<KeyBuffer>()
                                   .Attr<int32_t>("stream")
                                   .To(Split)
                                   .release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryAdvance(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Ctx<ffi::ThreadPool>()
                                   .Arg<KeyBuffer>()
                                   .Ret<KeyBuffer>()
                                   .Ret<KeyBuffer>()
                                   .Attr<int32_t>("stream")
                                   .To(Advance)
                                   .release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryFoldIn(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler =
      ffi::Ffi::Bind().Arg<KeyBuffer>().Arg<KeyBuffer>().Ret<KeyBuffer>().To(FoldInImpl).release();
  return handler->Call(frame);
}

}  // namespace brainvar::cpu
