// What an update does, in the plainest words, and random cases of it.
#ifndef BRAINVAR_TESTS_UPDATE_MODEL_H_
#define BRAINVAR_TESTS_UPDATE_MODEL_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <type_traits>
#include <vector>

#include "core/combine.h"
#include "core/indexing.h"
#include "cpu/update_loops.h"

namespace brainvar::test {

using cpu::UpdateOp;

inline std::mt19937_64 random_source(7);  // NOLINT: the same cases in each run

inline int64_t Draw(int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random_source);
}
inline bool Chance(double p) { return std::bernoulli_distribution(p)(random_source); }

// Exactly as long as asked for, so that the sanitizer sees the end.
template <typename T>
struct Array {
  explicit Array(int64_t n) : size(n), data(new T[n]) {}
  int64_t size;
  std::unique_ptr<T[]> data;
  T& operator[](int64_t i) { return data[i]; }
};

template <typename T>
T Make(int64_t number) {
  if constexpr (std::is_same_v<T, bool>) {
    return number > 0;
  } else if constexpr (kIsHalf<T>) {
    return T::Round(static_cast<float>(number));
  } else if constexpr (IsComplex<T>::value) {
    using Real = decltype(T::re);
    return {static_cast<Real>(number), static_cast<Real>(Draw(-2, 2))};
  } else {
    return static_cast<T>(number);
  }
}

template <typename T>
T Combine(UpdateOp op, T old, T value) {
  if constexpr (std::is_same_v<T, bool>) {
    if (op == UpdateOp::kSet) return value;
    const bool any = op == UpdateOp::kAdd || op == UpdateOp::kMaximum;
    return any ? old || value : old && value;
  } else {
    switch (op) {
      case UpdateOp::kSet:
        return value;
      case UpdateOp::kAdd:
        return Add::Apply(old, value);
      case UpdateOp::kMultiply:
        return Multiply::Apply(old, value);
      case UpdateOp::kMinimum:
        return Minimum::Apply(old, value);
      case UpdateOp::kMaximum:
        break;
    }
    return Maximum::Apply(old, value);
  }
}

using Row = SpecRow;

// A row for a dimension of `size`, mostly near it, sometimes far out. Values that no memory could
// hold are not for comparing: their indices are computed modulo 2^64.
inline Row MakeRow(int64_t size, bool* compare) {
  static const int64_t kFar[] = {INT64_MIN,     INT64_MIN + 1,       INT64_MAX,
                                 INT64_MAX - 1, -(int64_t{1} << 40), int64_t{1} << 62};
  const auto far = [] { return kFar[Draw(0, 5)]; };
  Row row = {Draw(-2, size), Draw(0, size + 2), Draw(-3, 3), Draw(-1, 4)};
  if (Chance(0.5)) row = {0, size, 1, Draw(0, 1) * Draw(1, 8)};
  if (Chance(0.02)) row.start = far();
  if (Chance(0.02)) row.count = far();
  if (Chance(0.02)) row.step = far();
  if (Chance(0.02)) {
    row.value_stride = far();
    *compare = false;
  }
  return row;
}

// Calls visit(position in the flat target, index of the value) for what the rows address.
template <typename Visit>
void Walk(const std::vector<Row>& rows, const std::vector<int64_t>& dims, size_t d,
          int64_t position, __int128 value, const Visit& visit) {
  if (d == rows.size()) {
    visit(position, value);
    return;
  }
  const Row& row = rows[d];
  for (int64_t p = 0; p < dims[d]; ++p) {
    const __int128 distance = static_cast<__int128>(p) - row.start;
    __int128 q = 0;
    if (row.step == 0 ? distance != 0 : distance % row.step != 0) continue;
    if (row.step != 0) q = distance / row.step;
    if (q < 0 || q >= row.count) continue;
    Walk(rows, dims, d + 1, position * dims[d] + p, value + q * row.value_stride, visit);
  }
}

inline void Encode(const std::vector<Row>& rows, uint32_t* words) {
  static_assert(sizeof(Row) == 4 * kSpecRowWords, "four numbers of two words");
  if (!rows.empty()) std::memcpy(words, rows.data(), rows.size() * sizeof(Row));
}

}  // namespace brainvar::test

#endif  // BRAINVAR_TESTS_UPDATE_MODEL_H_
