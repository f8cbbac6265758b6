// Handlers of the samplers that reject: gamma, Poisson and binomial.
#include <cstddef>
#include <cstdint>
#include <optional>

#include "cpu/checks.h"
#include "cpu/handlers.h"
#include "cpu/pages.h"
#include "cpu/parallel.h"
#include "cpu/rejection.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {
namespace {

namespace ffi = xla::ffi;

std::optional<Number> NumberOf(ffi::DataType type) {
  switch (type) {
    case ffi::F32:
      return Number::kF32;
    case ffi::F64:
      return Number::kF64;
    case ffi::S32:
      return Number::kS32;
    case ffi::S64:
      return Number::kS64;
    default:
      return std::nullopt;
  }
}

bool IsFloat(std::optional<Number> type) { return type == Number::kF32 || type == Number::kF64; }
bool IsInteger(std::optional<Number> type) { return type == Number::kS32 || type == Number::kS64; }

Completion Draw(ffi::ThreadPool& pool, Distribution distribution, const KeyBuffer& key,
                const ffi::AnyBuffer* const* parameters, int count, ffi::AnyBuffer out) {
  const Dims key_dims = key.dimensions();
  if (key_dims.size() == 0 || key_dims.back() != 2) {
    return InvalidArgument("the last dimension of a key must be 2");
  }
  const Dims dims = out.dimensions();
  if (!BeginsWith(dims, key_dims, 1)) {
    return InvalidArgument("the samples' shape must begin with the key's batch dimensions");
  }
  Parameter values[kMaxParameters];
  for (int p = 0; p < count; ++p) {
    const Dims own = parameters[p]->dimensions();
    if (!BeginsWith(dims, own, 0)) {
      return InvalidArgument(
          "the shape of a parameter must be what the samples' shape begins with");
    }
    values[p] = {parameters[p]->untyped_data(), *NumberOf(parameters[p]->element_type()),
                 Product(dims.begin() + own.size(), dims.end())};
  }
  const int64_t batch = Product(key_dims.begin(), key_dims.end() - 1);
  const int64_t size = Product(dims.begin() + (key_dims.size() - 1), dims.end());
  if (batch == 0 || size == 0) return ffi::Error::Success();
  AdviseHugePages(out.untyped_data(), out.size_bytes());
  return RunParallel(pool, RejectionJob(distribution, batch, size, key.typed_data(), values,
                                        *NumberOf(out.element_type()), out.untyped_data()));
}

Completion DrawGamma(ffi::ThreadPool pool, KeyBuffer key, ffi::AnyBuffer shape,
                     ffi::Result<ffi::AnyBuffer> out, int32_t log) {
  if (!IsFloat(NumberOf(out->element_type())) || shape.element_type() != out->element_type()) {
    return InvalidArgument("gamma: parameter and samples must both have dtype f32 or f64");
  }
  const bool single = out->element_type() == ffi::F32;
  const Distribution plain = single ? Distribution::kGammaF32 : Distribution::kGammaF64;
  const Distribution logs = single ? Distribution::kLogGammaF32 : Distribution::kLogGammaF64;
  const ffi::AnyBuffer* parameters[] = {&shape};
  return Draw(pool, log != 0 ? logs : plain, key, parameters, 1, *out);
}

Completion DrawPoisson(ffi::ThreadPool pool, KeyBuffer key, ffi::AnyBuffer rate,
                       ffi::Result<ffi::AnyBuffer> out) {
  if (!IsFloat(NumberOf(rate.element_type())) || !IsInteger(NumberOf(out->element_type()))) {
    return InvalidArgument(
        "poisson: the dtypes must be f32 or f64 for the rate, s32 or s64 for "
        "the samples");
  }
  const ffi::AnyBuffer* parameters[] = {&rate};
  return Draw(pool, Distribution::kPoisson, key, parameters, 1, *out);
}

Completion DrawBinomial(ffi::ThreadPool pool, KeyBuffer key, ffi::AnyBuffer trials,
                        ffi::AnyBuffer probability, ffi::Result<ffi::AnyBuffer> out) {
  if (!IsInteger(NumberOf(trials.element_type())) ||
      !IsFloat(NumberOf(probability.element_type())) || !IsInteger(NumberOf(out->element_type()))) {
    return InvalidArgument(
        "binomial: the dtypes must be s32 or s64 for the trials and the "
        "samples, f32 or f64 for the probability");
  }
  const ffi::AnyBuffer* parameters[] = {&trials, &probability};
  return Draw(pool, Distribution::kBinomial, key, parameters, 2, *out);
}

}  // namespace

XLA_FFI_Error* ThreefryGamma(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Ctx<ffi::ThreadPool>()
                                   .Arg<KeyBuffer>()
                                   .Arg<ffi::AnyBuffer>()
                                   .Ret<ffi::AnyBuffer>()
                                   .Attr<int32_t>("log")
                                   .To(DrawGamma)
                                   .release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryPoisson(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Ctx<ffi::ThreadPool>()
                                   .Arg<KeyBuffer>()
                                   .Arg<ffi::AnyBuffer>()
                                   .Ret<ffi::AnyBuffer>()
                                   .To(DrawPoisson)
                                   .release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryBinomial(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Ctx<ffi::ThreadPool>()
                                   .Arg<KeyBuffer>()
                                   .Arg<ffi::AnyBuffer>()
                                   .Arg<ffi::AnyBuffer>()
                                   .Ret<ffi::AnyBuffer>()
                                   .To(DrawBinomial)
                                   .release();
  return handler->Call(frame);
}

}  // namespace brainvar::cpu
