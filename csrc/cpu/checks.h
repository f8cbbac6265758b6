// Checks of operands that several handlers share.
#ifndef BRAINVAR_CPU_CHECKS_H_
#define BRAINVAR_CPU_CHECKS_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/streams.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {

using Dims = xla::ffi::Span<const int64_t>;
using KeyBuffer = xla::ffi::Buffer<xla::ffi::U32>;

inline xla::ffi::Error InvalidArgument(std::string message) {
  return xla::ffi::Error::InvalidArgument("brainvar: " + std::move(message));
}

// The counters of a split in the original layout have 32 bits, two per row.
constexpr int64_t kMaxOriginalRows = (int64_t{1} << 31) - 1;

inline xla::ffi::Error TooManySubkeys() {
  return InvalidArgument("a key splits into fewer than 2**31 - 1 subkeys in the original layout");
}

inline int64_t Product(const int64_t* begin, const int64_t* end) {
  int64_t product = 1;
  for (; begin != end; ++begin) product *= *begin;
  return product;
}

inline bool SameDims(Dims a, Dims b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

// Is `prefix`, without its last `drop` dimensions, what `dims` begins with?
inline bool BeginsWith(Dims dims, Dims prefix, size_t drop) {
  const size_t rank = prefix.size() - drop;
  return dims.size() >= rank && std::equal(prefix.begin(), prefix.begin() + rank, dims.begin());
}

inline std::optional<Stream> ParseStream(int32_t stream) {
  if (stream == static_cast<int32_t>(Stream::kOriginal)) return Stream::kOriginal;
  if (stream == static_cast<int32_t>(Stream::kPartitionable)) return Stream::kPartitionable;
  return std::nullopt;
}

// What the handlers with a `stream` attribute know of their key operand.
struct KeyOperand {
  Stream stream;
  int64_t batch;
  xla::ffi::Error error;

  KeyOperand(const KeyBuffer& key, int32_t stream_attribute)
      : stream(Stream::kOriginal), batch(0), error(xla::ffi::Error::Success()) {
    const Dims dims = key.dimensions();
    if (dims.size() == 0 || dims.back() != 2) {
      error = InvalidArgument("the last dimension of a key must be 2");
      return;
    }
    const std::optional<Stream> parsed = ParseStream(stream_attribute);
    if (!parsed.has_value()) {
      error = InvalidArgument("stream must be 0 (original) or 1 (partitionable), got " +
                              std::to_string(stream_attribute));
      return;
    }
    stream = *parsed;
    batch = Product(dims.begin(), dims.end() - 1);
  }
};

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_CHECKS_H_
