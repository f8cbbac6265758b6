// Handlers of updates in place.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <utility>

#include "cpu/checks.h"
#include "cpu/handlers.h"
#include "cpu/pages.h"
#include "cpu/parallel.h"
#include "cpu/update.h"
#include "cpu/update_operands.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {
namespace {

namespace ffi = xla::ffi;

using ffi::AnyBuffer;
using ResultBuffer = ffi::Result<AnyBuffer>;

// Copies the target to a result of its own; whoever finishes the last byte does the update.
template <typename Job>
struct CopyThen {
  const char* from;
  char* to;
  int64_t count;
  Job job;
  std::shared_ptr<std::atomic<int64_t>> left;

  int64_t units() const { return count; }
  int64_t bytes() const { return count; }
  double nanoseconds() const { return static_cast<double>(count) * 0.1 + job.nanoseconds(); }
  void Run(int64_t begin, int64_t end) const {
    std::memcpy(to + begin, from + begin, end - begin);
    const int64_t done = end - begin;
    if (left->fetch_sub(done, std::memory_order_acq_rel) == done && job.units() > 0) {
      job.Run(0, job.units());
    }
  }
};

// XLA aliases the result to the target where it can.
template <typename Job>
Completion Update(ffi::ThreadPool& pool, const AnyBuffer& target, const AnyBuffer& out,
                  const Job& job) {
  if (out.untyped_data() == target.untyped_data()) return RunParallel(pool, job);
  const size_t bytes = out.size_bytes();
  AdviseHugePages(out.untyped_data(), bytes);
  return RunParallel(
      pool, CopyThen<Job>{static_cast<const char*>(target.untyped_data()),
                          static_cast<char*>(out.untyped_data()), static_cast<int64_t>(bytes), job,
                          std::make_shared<std::atomic<int64_t>>(static_cast<int64_t>(bytes))});
}

Completion SlicesImpl(ffi::ThreadPool pool, AnyBuffer target, AnyBuffer values, SpecBuffer spec,
                      ResultBuffer out, int32_t op) {
  UpdateOperands operands(target, values, spec, 0, *out, op);
  if (operands.error.failure()) return std::move(operands.error);
  return Update(pool, target, *out, SlicesJob(operands.update));
}

Completion AtImpl(ffi::ThreadPool pool, AnyBuffer target, AnyBuffer values, AnyBuffer offsets,
                  SpecBuffer spec, ResultBuffer out, int32_t op) {
  UpdateOperands operands(target, values, spec, 1, *out, op);
  if (operands.error.failure()) return std::move(operands.error);
  const Dims dims = offsets.dimensions();
  const int64_t batch_rank = BatchRank(spec);
  const auto rank = static_cast<int64_t>(dims.size()) - batch_rank;
  const bool wide = offsets.element_type() == ffi::U32;
  if (!UpdateOperands::HasLanes(dims, target.dimensions(), batch_rank) ||
      !(wide ? rank == 2 && dims[batch_rank + 1] == 2
             : rank == 1 && offsets.element_type() == ffi::S32)) {
    return InvalidArgument(
        "offsets must be int32 [..., count] or uint32 [..., count, 2], with the batch dimensions "
        "of the target, or 1");
  }
  return Update(pool, target, *out,
                OffsetsJob(operands.update,
                           UpdateOperands::OfLanes(offsets.untyped_data(), dims, batch_rank, 4),
                           dims[batch_rank], wide));
}

Completion MaskedImpl(ffi::ThreadPool pool, AnyBuffer target, AnyBuffer values,
                      ffi::Buffer<ffi::PRED> mask, SpecBuffer spec, ResultBuffer out, int32_t op) {
  const Dims dims = target.dimensions();
  const Dims covered = mask.dimensions();
  const int64_t batch_rank = BatchRank(spec);
  if (batch_rank < 0 || covered.size() > dims.size() ||
      !UpdateOperands::HasLanes(covered, dims, batch_rank) ||
      !std::equal(covered.begin() + batch_rank, covered.end(), dims.begin() + batch_rank)) {
    return InvalidArgument(
        "the mask must have the shape [batch, leading dimensions of the target]");
  }
  const auto rank = static_cast<int64_t>(covered.size()) - batch_rank;
  UpdateOperands operands(target, values, spec, 1 - rank, *out, op);
  if (operands.error.failure()) return std::move(operands.error);
  return Update(
      pool, target, *out,
      MaskedJob(operands.update,
                UpdateOperands::OfLanes(mask.untyped_data(), covered, batch_rank, 1), rank));
}

void CopyUnlessAliased(const AnyBuffer& from, const AnyBuffer& to) {
  if (to.untyped_data() != from.untyped_data() && to.size_bytes() != 0) {
    std::memcpy(to.untyped_data(), from.untyped_data(), to.size_bytes());
  }
}

ffi::Error InOrderImpl(AnyBuffer target, AnyBuffer read, ResultBuffer target_out,
                       ResultBuffer read_out) {
  if (target_out->size_bytes() != target.size_bytes() ||
      read_out->size_bytes() != read.size_bytes()) {
    return InvalidArgument("each result must have the shape and dtype of its operand");
  }
  CopyUnlessAliased(target, *target_out);
  CopyUnlessAliased(read, *read_out);
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_Error* UpdateSlices(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Ctx<ffi::ThreadPool>()
                                   .Arg<AnyBuffer>()
                                   .Arg<AnyBuffer>()
                                   .Arg<SpecBuffer>()
                                   .Ret<AnyBuffer>()
                                   .Attr<int32_t>("op")
                                   .To(SlicesImpl)
                                   .release();
  return handler->Call(frame);
}

XLA_FFI_Error* UpdateAt(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Ctx<ffi::ThreadPool>()
                                   .Arg<AnyBuffer>()
                                   .Arg<AnyBuffer>()
                                   .Arg<AnyBuffer>()
                                   .Arg<SpecBuffer>()
                                   .Ret<AnyBuffer>()
                                   .Attr<int32_t>("op")
                                   .To(AtImpl)
                                   .release();
  return handler->Call(frame);
}

XLA_FFI_Error* UpdateMasked(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Ctx<ffi::ThreadPool>()
                                   .Arg<AnyBuffer>()
                                   .Arg<AnyBuffer>()
                                   .Arg<ffi::Buffer<ffi::PRED>>()
                                   .Arg<SpecBuffer>()
                                   .Ret<AnyBuffer>()
                                   .Attr<int32_t>("op")
                                   .To(MaskedImpl)
                                   .release();
  return handler->Call(frame);
}

XLA_FFI_Error* InOrder(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Arg<AnyBuffer>()
                                   .Arg<AnyBuffer>()
                                   .Ret<AnyBuffer>()
                                   .Ret<AnyBuffer>()
                                   .To(InOrderImpl)
                                   .release();
  return handler->Call(frame);
}

}  // namespace brainvar::cpu
