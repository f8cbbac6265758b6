#include "cpu/loops_impl.h"

namespace brainvar::cpu {

BRAINVAR_DEFINE_LOOPS(UniformF16, UniformF16, 0.5f)
BRAINVAR_DEFINE_LOOPS(UniformBF16, UniformBF16, 0.4f)
BRAINVAR_DEFINE_LOOPS(UniformF32, UniformF32, 0.5f)
BRAINVAR_DEFINE_WIDE_LOOPS(UniformF64, UniformF64, 1.0f)

}  // namespace brainvar::cpu
