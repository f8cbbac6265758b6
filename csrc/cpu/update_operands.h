// The operands that all handlers of updates in place have.
#ifndef BRAINVAR_CPU_UPDATE_OPERANDS_H_
#define BRAINVAR_CPU_UPDATE_OPERANDS_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "cpu/checks.h"
#include "cpu/update.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {

using SpecBuffer = xla::ffi::Buffer<xla::ffi::U32>;

inline std::optional<Element> ElementOf(xla::ffi::DataType type) {
  switch (type) {
    case xla::ffi::PRED:
      return Element::kBool;
    case xla::ffi::S8:
      return Element::kS8;
    case xla::ffi::S16:
      return Element::kS16;
    case xla::ffi::S32:
      return Element::kS32;
    case xla::ffi::S64:
      return Element::kS64;
    case xla::ffi::U8:
      return Element::kU8;
    case xla::ffi::U16:
      return Element::kU16;
    case xla::ffi::U32:
      return Element::kU32;
    case xla::ffi::U64:
      return Element::kU64;
    case xla::ffi::F16:
      return Element::kF16;
    case xla::ffi::BF16:
      return Element::kBF16;
    case xla::ffi::F32:
      return Element::kF32;
    case xla::ffi::F64:
      return Element::kF64;
    case xla::ffi::C64:
      return Element::kC64;
    case xla::ffi::C128:
      return Element::kC128;
    default:
      return std::nullopt;
  }
}

// How many dimensions of every operand are batch dimensions: those of the spec in front of its
// rows.
inline int64_t BatchRank(const SpecBuffer& spec) {
  return static_cast<int64_t>(spec.dimensions().size()) - 3;
}

// The operands that all updates have. `rows` are the spec's rows beyond one per dimension, less
// the dimensions without one.
class UpdateOperands {
 public:
  UpdateOperands(const xla::ffi::AnyBuffer& target, const xla::ffi::AnyBuffer& values,
                 const SpecBuffer& spec, int64_t rows, const xla::ffi::AnyBuffer& out, int32_t op)
      : error(Check(target, values, spec, rows, out, op)) {
    if (error.failure()) return;
    const Dims dims = target.dimensions();
    const int64_t batch_rank = BatchRank(spec);
    const auto first = dims.begin() + batch_rank;
    update.loops = &FindUpdateLoops(static_cast<UpdateOp>(op), *ElementOf(target.element_type()));
    update.batch = Product(dims.begin(), first);
    update.rank = dims.end() - first;
    // Copied: the work may go on after the call's frame is gone.
    std::copy(first, dims.end(), update.dims);
    update.size = Product(first, dims.end());
    update.target = out.untyped_data();
    const Dims shape = values.dimensions();
    update.values_size = Product(shape.begin() + batch_rank, shape.end());
    update.values = OfLanes(values.untyped_data(), shape, batch_rank, update.loops->elem_bytes);
    update.spec = OfLanes(spec.untyped_data(), spec.dimensions(), batch_rank, sizeof(uint32_t));
  }

  // What an operand holds for each lane; of batch dimensions of 1, one part serves all lanes.
  static Lanes OfLanes(const void* data, Dims dims, int64_t batch_rank, int64_t elem_bytes) {
    const auto first = dims.begin() + batch_rank;
    const bool shared = Product(dims.begin(), first) == 1;
    return {data, shared ? 0 : Product(first, dims.end()) * elem_bytes};
  }

  // The batch dimensions are those of the target, or all 1.
  static bool HasLanes(Dims dims, Dims target, int64_t batch_rank) {
    if (static_cast<int64_t>(dims.size()) < batch_rank) return false;
    const auto first = dims.begin() + batch_rank;
    return std::equal(dims.begin(), first, target.begin()) ||
           std::all_of(dims.begin(), first, [](int64_t size) { return size == 1; });
  }

  xla::ffi::Error error;
  UpdateBatch update;

 private:
  static xla::ffi::Error Check(const xla::ffi::AnyBuffer& target, const xla::ffi::AnyBuffer& values,
                               const SpecBuffer& spec, int64_t rows, const xla::ffi::AnyBuffer& out,
                               int32_t op) {
    const Dims dims = target.dimensions();
    const xla::ffi::DataType type = target.element_type();
    const int64_t batch_rank = BatchRank(spec);
    const int64_t rank = static_cast<int64_t>(dims.size()) - batch_rank;
    if (batch_rank < 0 || rank < 0 || !SameDims(dims, out.dimensions())) {
      return InvalidArgument(
          "target and result must have the same shape, with the batch dimensions of the spec");
    }
    if (rank >= Region::kMaxRank) {
      return InvalidArgument("target has more than " + std::to_string(Region::kMaxRank - 1) +
                             " dimensions");
    }
    if (out.element_type() != type || values.element_type() != type || !ElementOf(type)) {
      return InvalidArgument(
          "target, values and result must have one dtype: bool, an integer or "
          "floating-point type of 8 to 64 bits, or complex");
    }
    const Dims table = spec.dimensions();
    if (!HasLanes(values.dimensions(), dims, batch_rank) || !HasLanes(table, dims, batch_rank)) {
      return InvalidArgument(
          "the batch dimensions of values and spec must be those of the target, or 1");
    }
    if (table[batch_rank] != rank + rows || table[batch_rank + 1] != 4 ||
        table[batch_rank + 2] != 2) {
      return InvalidArgument("the spec must have the shape [..., rows, 4, 2] with " +
                             std::to_string(rank + rows) + " rows");
    }
    if (op < 0 || op >= kUpdateOps) {
      return InvalidArgument(
          "op must be 0 (set), 1 (add), 2 (multiply), 3 (minimum) or 4 "
          "(maximum), got " +
          std::to_string(op));
    }
    return xla::ffi::Error::Success();
  }
};

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_UPDATE_OPERANDS_H_
