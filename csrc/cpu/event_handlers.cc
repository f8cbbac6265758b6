// Handlers of event-driven accumulation.
#include <cstring>

#include "cpu/checks.h"
#include "cpu/events.h"
#include "cpu/handlers.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {
namespace {

namespace ffi = xla::ffi;

using IndexBuffer = ffi::Buffer<ffi::S32>;
using ResultBuffer = ffi::Result<ffi::AnyBuffer>;

// Checks everything but the table: target and out [B, n_post], spikes [B, rows].
ffi::Error CheckOperands(const ffi::AnyBuffer& target, const ffi::AnyBuffer& spikes, int64_t rows,
                         const IndexBuffer& targets, const ffi::AnyBuffer& weights,
                         const ffi::AnyBuffer& out) {
  if (target.dimensions().size() != 2 || !SameDims(target.dimensions(), out.dimensions())) {
    return InvalidArgument("target and result must have the same shape [batch, n_post]");
  }
  if (spikes.dimensions().size() != 2 || spikes.dimensions()[0] != target.dimensions()[0] ||
      spikes.dimensions()[1] != rows) {
    return InvalidArgument("spikes must have the shape [batch, n_pre]");
  }
  if (weights.dimensions().size() != 0 && !SameDims(weights.dimensions(), targets.dimensions())) {
    return InvalidArgument("weights must be one number or have the shape of the table's entries");
  }
  const ffi::DataType type = target.element_type();
  if (out.element_type() != type || weights.element_type() != type ||
      (spikes.element_type() != type && spikes.element_type() != ffi::PRED)) {
    return InvalidArgument("target, weights and result must have one dtype, and spikes it or bool");
  }
  return ffi::Error::Success();
}

template <typename T, typename Spike, typename Rows>
void AddBatch(const ffi::AnyBuffer& spikes, const Rows& table, const IndexBuffer& targets,
              const ffi::AnyBuffer& weights, const ffi::AnyBuffer& out) {
  const int64_t batch = out.dimensions()[0];
  const int64_t size = out.dimensions()[1];
  const int64_t rows = spikes.dimensions()[1];
  const Weights<T> typed = {weights.typed_data<T>(), weights.dimensions().size() == 0};
  for (int64_t b = 0; b < batch; ++b) {
    AddEvents(out.typed_data<T>() + b * size, size,
              static_cast<const Spike*>(spikes.untyped_data()) + b * rows, rows, table,
              targets.typed_data(), typed);
  }
}

// Adds into `out`, which holds the target's values already.
template <typename Rows>
ffi::Error AddTyped(const ffi::AnyBuffer& spikes, const Rows& table, const IndexBuffer& targets,
                    const ffi::AnyBuffer& weights, const ffi::AnyBuffer& out) {
  const bool events = spikes.element_type() == ffi::PRED;
  switch (out.element_type()) {
#define BRAINVAR_ADD_CASE(TYPE, T)                                   \
  case ffi::TYPE:                                                    \
    events ? AddBatch<T, bool>(spikes, table, targets, weights, out) \
           : AddBatch<T, T>(spikes, table, targets, weights, out);   \
    return ffi::Error::Success();
    BRAINVAR_ADD_CASE(F32, float)
    BRAINVAR_ADD_CASE(F64, double)
    BRAINVAR_ADD_CASE(S32, int32_t)
    BRAINVAR_ADD_CASE(S64, int64_t)
#undef BRAINVAR_ADD_CASE
    default:
      return InvalidArgument("add_events takes float32, float64, int32 and int64");
  }
}

// XLA aliases the result to the target where it can; where it cannot, the values are copied.
void CopyUnlessAliased(const ffi::AnyBuffer& target, const ffi::AnyBuffer& out) {
  if (out.untyped_data() != target.untyped_data() && out.size_bytes() != 0) {
    std::memcpy(out.untyped_data(), target.untyped_data(), out.size_bytes());
  }
}

ffi::Error FixedImpl(ffi::AnyBuffer target, ffi::AnyBuffer spikes, IndexBuffer targets,
                     ffi::AnyBuffer weights, ResultBuffer out) {
  if (targets.dimensions().size() != 2) {
    return InvalidArgument("the table must have the shape [n_pre, fanout]");
  }
  const int64_t rows = targets.dimensions()[0];
  ffi::Error error = CheckOperands(target, spikes, rows, targets, weights, *out);
  if (error.failure()) return error;
  CopyUnlessAliased(target, *out);
  return AddTyped(spikes, FixedRows{targets.dimensions()[1]}, targets, weights, *out);
}

ffi::Error CsrImpl(ffi::AnyBuffer target, ffi::AnyBuffer spikes, ffi::AnyBuffer indptr,
                   IndexBuffer indices, ffi::AnyBuffer weights, ResultBuffer out) {
  if (indptr.dimensions().size() != 1 || indptr.dimensions()[0] < 1 ||
      indices.dimensions().size() != 1) {
    return InvalidArgument("indptr and indices must have the shapes [n_pre + 1] and [nnz]");
  }
  const int64_t rows = indptr.dimensions()[0] - 1;
  const int64_t entries = indices.dimensions()[0];
  ffi::Error error = CheckOperands(target, spikes, rows, indices, weights, *out);
  if (error.failure()) return error;
  switch (indptr.element_type()) {
    case ffi::S32:
      CopyUnlessAliased(target, *out);
      return AddTyped(spikes, CsrRows<int32_t>{indptr.typed_data<int32_t>(), entries}, indices,
                      weights, *out);
    case ffi::S64:
      CopyUnlessAliased(target, *out);
      return AddTyped(spikes, CsrRows<int64_t>{indptr.typed_data<int64_t>(), entries}, indices,
                      weights, *out);
    default:
      return InvalidArgument("indptr must be int32 or int64");
  }
}

}  // namespace

XLA_FFI_Error* AddEventsFixed(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Arg<ffi::AnyBuffer>()
                                   .Arg<ffi::AnyBuffer>()
                                   .Arg<IndexBuffer>()
                                   .Arg<ffi::AnyBuffer>()
                                   .Ret<ffi::AnyBuffer>()
                                   .To(FixedImpl)
                                   .release();
  return handler->Call(frame);
}

XLA_FFI_Error* AddEventsCsr(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Arg<ffi::AnyBuffer>()
                                   .Arg<ffi::AnyBuffer>()
                                   .Arg<ffi::AnyBuffer>()
                                   .Arg<IndexBuffer>()
                                   .Arg<ffi::AnyBuffer>()
                                   .Ret<ffi::AnyBuffer>()
                                   .To(CsrImpl)
                                   .release();
  return handler->Call(frame);
}

}  // namespace brainvar::cpu
