// Which kind of samples a buffer of a dtype is filled with.
#ifndef BRAINVAR_CPU_DTYPES_H_
#define BRAINVAR_CPU_DTYPES_H_

#include <optional>

#include "cpu/loops.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {

// One of the functions below: nothing for a dtype that is not drawn.
using DrawOf = std::optional<Draw> (*)(xla::ffi::DataType);

// Bits may be written into a buffer of any type of their width: what is computed from them in the
// same program then finds a buffer of its own type to be written into.
inline std::optional<Draw> BitsDraw(xla::ffi::DataType type) {
  switch (type) {
    case xla::ffi::U8:
      return Draw::kBits8;
    case xla::ffi::U16:
      return Draw::kBits16;
    case xla::ffi::U32:
    case xla::ffi::S32:
    case xla::ffi::F32:
      return Draw::kBits32;
    case xla::ffi::U64:
    case xla::ffi::S64:
    case xla::ffi::F64:
      return Draw::kBits64;
    default:
      return std::nullopt;
  }
}

inline std::optional<Draw> UniformDraw(xla::ffi::DataType type) {
  switch (type) {
    case xla::ffi::F16:
      return Draw::kUniformF16;
    case xla::ffi::BF16:
      return Draw::kUniformBF16;
    case xla::ffi::F32:
      return Draw::kUniformF32;
    case xla::ffi::F64:
      return Draw::kUniformF64;
    default:
      return std::nullopt;
  }
}

inline std::optional<Draw> NormalDraw(xla::ffi::DataType type) {
  switch (type) {
    case xla::ffi::F32:
      return Draw::kNormalF32;
    case xla::ffi::F64:
      return Draw::kNormalF64;
    default:
      return std::nullopt;
  }
}

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_DTYPES_H_
