// Event-driven accumulation: adding the weights of the active rows of a connection table.
#ifndef BRAINVAR_CPU_EVENTS_H_
#define BRAINVAR_CPU_EVENTS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cpu/simd.h"

namespace brainvar::cpu {

// a + b and a * b; integers wrap around, as they do in XLA.
template <typename T>
BRAINVAR_INLINE T WrapAdd(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
  } else {
    return a + b;
  }
}
template <typename T>
BRAINVAR_INLINE T WrapMultiply(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
  } else {
    return a * b;
  }
}

// The indices of the nonzero values among values[begin, end), written to `found`; how many.
// `found` holds end - begin indices.
int FindActive(const bool* values, int64_t begin, int64_t end, int64_t* found);
int FindActive(const float* values, int64_t begin, int64_t end, int64_t* found);
int FindActive(const double* values, int64_t begin, int64_t end, int64_t* found);
int FindActive(const int32_t* values, int64_t begin, int64_t end, int64_t* found);
int FindActive(const int64_t* values, int64_t begin, int64_t end, int64_t* found);

// Which table entries belong to a row. The bounds always lie within [0, entries].
struct FixedRows {
  int64_t fanout;

  BRAINVAR_INLINE int64_t Begin(int64_t row) const { return row * fanout; }
  BRAINVAR_INLINE int64_t End(int64_t row) const { return (row + 1) * fanout; }
};

template <typename Index>
struct CsrRows {
  const Index* indptr;
  int64_t entries;

  BRAINVAR_INLINE int64_t Begin(int64_t row) const { return Clamp(indptr[row]); }
  BRAINVAR_INLINE int64_t End(int64_t row) const { return Clamp(indptr[row + 1]); }
  // A malformed table must not lead outside the arrays.
  BRAINVAR_INLINE int64_t Clamp(int64_t value) const {
    return std::min(std::max<int64_t>(value, 0), entries);
  }
};

// The weights of a table: one for all entries, or one each.
template <typename T>
struct Weights {
  const T* values;
  bool scalar;
};

// target[t] += weight for the entries [begin, end). An index outside [0, size), negative ones
// included, is dropped by the one unsigned comparison. Unrolled, a row costs two thirds.
template <typename T>
BRAINVAR_INLINE void AddRow(T* target, uint32_t size, const int32_t* targets, const T* weights,
                            bool scalar, bool scaled, T scale, int64_t begin, int64_t end) {
  const auto add = [&](auto weight) {
#pragma GCC unroll 8
    for (int64_t k = begin; k < end; ++k) {
      const auto index = static_cast<uint32_t>(targets[k]);
      if (index < size) target[index] = WrapAdd(target[index], weight(k));
    }
  };
  if (scalar) {
    const T weight = scaled ? WrapMultiply(*weights, scale) : *weights;
    add([=](int64_t) { return weight; });
  } else if (scaled) {
    add([=](int64_t k) { return WrapMultiply(weights[k], scale); });
  } else {
    add([=](int64_t k) { return weights[k]; });
  }
}

// For each of the `rows` spikes that is not zero, adds its row of the table into `target`, in the
// order of the rows. A bool spike counts 1, another one multiplies the weights by its value.
template <typename T, typename Spike, typename Rows>
void AddEvents(T* target, int64_t size, const Spike* spikes, int64_t rows, const Rows& table,
               const int32_t* targets, Weights<T> weights) {
  // The search runs ahead in pieces, so that the next active row can be fetched while one is
  // added: tables are larger than the inner caches. The hardware follows rows that are longer.
  constexpr int64_t kPiece = 512;
  constexpr int64_t kFetched = 128;
  constexpr int64_t kCacheLine = 16;  // entries
  // A negative index is at least 2^31 as an unsigned number.
  const auto limit = static_cast<uint32_t>(std::min<int64_t>(size, int64_t{1} << 31));
  int64_t active[kPiece];
  for (int64_t first = 0; first < rows; first += kPiece) {
    const int count = FindActive(spikes, first, std::min(first + kPiece, rows), active);
    for (int i = 0; i < count; ++i) {
      if (i + 1 < count) {
        const int64_t next = table.Begin(active[i + 1]);
        const int64_t fetched = std::min(table.End(active[i + 1]), next + kFetched);
        for (int64_t k = next; k < fetched; k += kCacheLine) {
          __builtin_prefetch(targets + k);
          if (!weights.scalar) __builtin_prefetch(weights.values + k);
        }
      }
      const int64_t row = active[i];
      constexpr bool kScaled = !std::is_same_v<Spike, bool>;
      T scale = T{1};
      if constexpr (kScaled) scale = spikes[row];
      AddRow(target, limit, targets, weights.values, weights.scalar, kScaled, scale,
             table.Begin(row), table.End(row));
    }
  }
}

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_EVENTS_H_
