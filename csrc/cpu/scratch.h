// Memory for the length of a call.
#ifndef BRAINVAR_CPU_SCRATCH_H_
#define BRAINVAR_CPU_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "cpu/pages.h"

namespace brainvar::cpu {

// An array of `count` elements without a value. data() is null where there is no memory for it:
// nothing is thrown.
template <typename T>
class Scratch {
 public:
  explicit Scratch(int64_t count) {
    if (count < 0 || static_cast<uint64_t>(count) > (SIZE_MAX - kLine) / sizeof(T)) return;
    const size_t bytes = (static_cast<size_t>(count) * sizeof(T) + kLine) / kLine * kLine;
    data_ = static_cast<T*>(std::aligned_alloc(kLine, bytes));
    if (data_ != nullptr) AdviseHugePages(data_, bytes);
  }
  ~Scratch() { std::free(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  T* data() const { return data_; }

 private:
  static constexpr size_t kLine = 64;
  T* data_ = nullptr;
};

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_SCRATCH_H_
