// Handlers of the samplers that reject: gamma, Poisson, binomial and hypergeometric.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "cpu/block_operands.h"
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

// What is drawn: the distribution, its parameters and the dtype, all of them checked.
struct Kind {
  Distribution distribution = Distribution::kPoisson;
  const char* wrong = nullptr;
};

Kind GammaKind(const ffi::AnyBuffer& shape, ffi::DataType out, int32_t log) {
  if (!IsFloat(NumberOf(out)) || shape.element_type() != out) {
    return {{}, "gamma: parameter and samples must both have dtype f32 or f64"};
  }
  const bool single = out == ffi::F32;
  if (log != 0) return {single ? Distribution::kLogGammaF32 : Distribution::kLogGammaF64};
  return {single ? Distribution::kGammaF32 : Distribution::kGammaF64};
}

Kind PoissonKind(const ffi::AnyBuffer& rate, ffi::DataType out) {
  if (!IsFloat(NumberOf(rate.element_type())) || !IsInteger(NumberOf(out))) {
    return {{}, "poisson: the rate must have dtype f32 or f64, the samples s32 or s64"};
  }
  return {Distribution::kPoisson};
}

Kind BinomialKind(const ffi::AnyBuffer& trials, const ffi::AnyBuffer& probability,
                  ffi::DataType out) {
  if (!IsInteger(NumberOf(trials.element_type())) ||
      !IsFloat(NumberOf(probability.element_type())) || !IsInteger(NumberOf(out))) {
    return {{},
            "binomial: trials and samples must have dtype s32 or s64, the probability f32 or f64"};
  }
  return {Distribution::kBinomial};
}

Kind HypergeometricKind(const ffi::AnyBuffer& good, const ffi::AnyBuffer& bad,
                        const ffi::AnyBuffer& sample, ffi::DataType out) {
  for (const ffi::DataType type :
       {good.element_type(), bad.element_type(), sample.element_type(), out}) {
    if (!IsInteger(NumberOf(type))) {
      return {{}, "hypergeometric: parameters and samples must have dtype s32 or s64"};
    }
  }
  return {Distribution::kHypergeometric};
}

// Draws the block of the samples. `block` is checked against the dimensions of `out`.
template <size_t kCount>
Completion DrawBlock(ffi::ThreadPool& pool, Kind kind, const Block& block, const KeyBuffer& key,
                     const ffi::AnyBuffer (&parameters)[kCount], ffi::AnyBuffer out) {
  if (kind.wrong != nullptr) return InvalidArgument(kind.wrong);
  const Dims dims = out.dimensions();
  Parameter values[kMaxParameters];
  for (size_t p = 0; p < kCount; ++p) {
    const Dims own = parameters[p].dimensions();
    if (!BeginsWith(dims, own, 0)) {
      return InvalidArgument(
          "the shape of a parameter must be what the samples' shape begins with");
    }
    values[p] = {parameters[p].untyped_data(), *NumberOf(parameters[p].element_type()),
                 Product(dims.begin() + own.size(), dims.end())};
  }
  if (out.element_count() == 0) return ffi::Error::Success();
  const Dims key_dims = key.dimensions();
  AdviseHugePages(out.untyped_data(), out.size_bytes());
  return RunParallel(
      pool,
      RejectionJob(kind.distribution, block, Product(key_dims.begin(), key_dims.end() - 1),
                   key.typed_data(), values, *NumberOf(out.element_type()), out.untyped_data()));
}

// The two forms of each handler: the whole of the samples, and the block that a tile names.
template <size_t kCount>
Completion DrawAll(ffi::ThreadPool& pool, Kind kind, const KeyBuffer& key,
                   const ffi::AnyBuffer (&parameters)[kCount], ffi::AnyBuffer out) {
  const Dims dims = out.dimensions();
  const Dims key_dims = key.dimensions();
  if (key_dims.size() == 0 || key_dims.back() != 2) {
    return InvalidArgument("the last dimension of a key must be 2");
  }
  if (!BeginsWith(dims, key_dims, 1)) {
    return InvalidArgument("the samples' shape must begin with the key's batch dimensions");
  }
  const auto size =
      static_cast<uint64_t>(Product(dims.begin() + (key_dims.size() - 1), dims.end()));
  Block block;
  block.Append({size, size, 0});
  return DrawBlock(pool, kind, block, key, parameters, out);
}

template <size_t kCount>
Completion DrawTile(ffi::ThreadPool& pool, Kind kind, const KeyBuffer& key, TileBuffer tile,
                    Sizes shape, const ffi::AnyBuffer (&parameters)[kCount], ffi::AnyBuffer out) {
  const Dims key_dims = key.dimensions();
  if (key_dims.size() == 0 || key_dims.back() != 2) {
    return InvalidArgument("the last dimension of a key must be 2");
  }
  Block block;
  ffi::Error error = MakeBlock(out.dimensions(), key_dims, tile, shape, block);
  if (error.failure()) return error;
  return DrawBlock(pool, kind, block, key, parameters, out);
}

Completion DrawGamma(ffi::ThreadPool pool, KeyBuffer key, ffi::AnyBuffer shape,
                     ffi::Result<ffi::AnyBuffer> out, int32_t log) {
  return DrawAll(pool, GammaKind(shape, out->element_type(), log), key, {shape}, *out);
}

Completion DrawGammaTile(ffi::ThreadPool pool, KeyBuffer key, TileBuffer tile, ffi::AnyBuffer alpha,
                         ffi::Result<ffi::AnyBuffer> out, int32_t log, Sizes shape) {
  const Kind kind = GammaKind(alpha, out->element_type(), log);
  return DrawTile(pool, kind, key, tile, shape, {alpha}, *out);
}

Completion DrawPoisson(ffi::ThreadPool pool, KeyBuffer key, ffi::AnyBuffer rate,
                       ffi::Result<ffi::AnyBuffer> out) {
  return DrawAll(pool, PoissonKind(rate, out->element_type()), key, {rate}, *out);
}

Completion DrawPoissonTile(ffi::ThreadPool pool, KeyBuffer key, TileBuffer tile,
                           ffi::AnyBuffer rate, ffi::Result<ffi::AnyBuffer> out, Sizes shape) {
  const Kind kind = PoissonKind(rate, out->element_type());
  return DrawTile(pool, kind, key, tile, shape, {rate}, *out);
}

Completion DrawBinomial(ffi::ThreadPool pool, KeyBuffer key, ffi::AnyBuffer trials,
                        ffi::AnyBuffer probability, ffi::Result<ffi::AnyBuffer> out) {
  const Kind kind = BinomialKind(trials, probability, out->element_type());
  return DrawAll(pool, kind, key, {trials, probability}, *out);
}

Completion DrawBinomialTile(ffi::ThreadPool pool, KeyBuffer key, TileBuffer tile,
                            ffi::AnyBuffer trials, ffi::AnyBuffer probability,
                            ffi::Result<ffi::AnyBuffer> out, Sizes shape) {
  const Kind kind = BinomialKind(trials, probability, out->element_type());
  return DrawTile(pool, kind, key, tile, shape, {trials, probability}, *out);
}

Completion DrawHypergeometric(ffi::ThreadPool pool, KeyBuffer key, ffi::AnyBuffer good,
                              ffi::AnyBuffer bad, ffi::AnyBuffer sample,
                              ffi::Result<ffi::AnyBuffer> out) {
  const Kind kind = HypergeometricKind(good, bad, sample, out->element_type());
  return DrawAll(pool, kind, key, {good, bad, sample}, *out);
}

Completion DrawHypergeometricTile(ffi::ThreadPool pool, KeyBuffer key, TileBuffer tile,
                                  ffi::AnyBuffer good, ffi::AnyBuffer bad, ffi::AnyBuffer sample,
                                  ffi::Result<ffi::AnyBuffer> out, Sizes shape) {
  const Kind kind = HypergeometricKind(good, bad, sample, out->element_type());
  return DrawTile(pool, kind, key, tile, shape, {good, bad, sample}, *out);
}

// The operands of the two forms, up to the parameters, and `count` of these with the result.
auto WholeBinding() { return ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<KeyBuffer>(); }
auto TileBinding() { return WholeBinding().Arg<TileBuffer>(); }

template <int kCount, typename Binding>
auto WithParameters(Binding binding) {
  if constexpr (kCount == 0) {
    return std::move(binding).template Ret<ffi::AnyBuffer>();
  } else {
    return WithParameters<kCount - 1>(std::move(binding).template Arg<ffi::AnyBuffer>());
  }
}

}  // namespace

XLA_FFI_Error* ThreefryGamma(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler =
      WithParameters<1>(WholeBinding()).Attr<int32_t>("log").To(DrawGamma).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryGammaBlock(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = WithParameters<1>(TileBinding())
                                   .Attr<int32_t>("log")
                                   .Attr<Sizes>("shape")
                                   .To(DrawGammaTile)
                                   .release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryPoisson(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = WithParameters<1>(WholeBinding()).To(DrawPoisson).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryPoissonBlock(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler =
      WithParameters<1>(TileBinding()).Attr<Sizes>("shape").To(DrawPoissonTile).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryBinomial(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = WithParameters<2>(WholeBinding()).To(DrawBinomial).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryBinomialBlock(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler =
      WithParameters<2>(TileBinding()).Attr<Sizes>("shape").To(DrawBinomialTile).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryHypergeometric(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = WithParameters<3>(WholeBinding()).To(DrawHypergeometric).release();
  return handler->Call(frame);
}

XLA_FFI_Error* ThreefryHypergeometricBlock(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler =
      WithParameters<3>(TileBinding()).Attr<Sizes>("shape").To(DrawHypergeometricTile).release();
  return handler->Call(frame);
}

}  // namespace brainvar::cpu
