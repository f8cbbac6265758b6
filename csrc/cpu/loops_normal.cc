#include "cpu/loops_impl.h"

namespace brainvar::cpu {

BRAINVAR_DEFINE_LOOPS(NormalF32, NormalF32, 2.5f)
BRAINVAR_DEFINE_WIDE_LOOPS(NormalF64, NormalF64, 8.0f)

}  // namespace brainvar::cpu
