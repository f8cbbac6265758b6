// Searching masks.
#ifndef BRAINVAR_CPU_MASKS_H_
#define BRAINVAR_CPU_MASKS_H_

#include <cstdint>

namespace brainvar::cpu {

// How many elements are searched at once.
constexpr int64_t kMaskPiece = 512;

// The true elements among mask[begin, end), at most kMaskPiece of them, written to `found` except
// where all are true: then it is enough to know how many.
int64_t FindTrue(const bool* mask, int64_t begin, int64_t end, int64_t* found);

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_MASKS_H_
