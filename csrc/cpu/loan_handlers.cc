// The handler of updates with operands on loan.
#include <cstring>
#include <optional>

#include "cpu/checks.h"
#include "cpu/handlers.h"
#include "cpu/loans.h"
#include "cpu/update_operands.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {
namespace {

namespace ffi = xla::ffi;

using ffi::AnyBuffer;

ffi::Error LentImpl(AnyBuffer target, ffi::Buffer<ffi::S32> number, ffi::Result<AnyBuffer> out,
                    int32_t op) {
  const std::optional<Element> element = ElementOf(target.element_type());
  if (!element || out->element_type() != target.element_type() || op < 0 || op >= kUpdateOps ||
      !SameDims(target.dimensions(), out->dimensions()) || number.element_count() != 1) {
    return InvalidArgument("an update with a loan takes an array and the number of the loan");
  }
  const Borrowed borrowed = Borrow(*number.typed_data());
  const UpdateLoops& loops = FindUpdateLoops(static_cast<UpdateOp>(op), *element);
  const auto size = static_cast<int64_t>(target.element_count());
  if (borrowed.loan == nullptr || borrowed.loan->elem_bytes != loops.elem_bytes ||
      borrowed.loan->indices.size != size) {
    return InvalidArgument("there is no such loan for this array, or it was used before");
  }
  if (out->untyped_data() != target.untyped_data()) {
    std::memcpy(out->untyped_data(), target.untyped_data(), out->size_bytes());
  }
  ScatterLoan(*borrowed.loan, loops, out->untyped_data(), size);
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_Error* UpdateLent(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Arg<AnyBuffer>()
                                   .Arg<ffi::Buffer<ffi::S32>>()
                                   .Ret<AnyBuffer>()
                                   .Attr<int32_t>("op")
                                   .To(LentImpl)
                                   .release();
  return handler->Call(frame);
}

}  // namespace brainvar::cpu
