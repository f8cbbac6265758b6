#include "cpu/update_loops_impl.h"

namespace brainvar::cpu {

// Sums and products modulo a power of two are the same for signed and unsigned integers.
#define BRAINVAR_DEFINE_INTEGERS(BITS, NANOSECONDS)                                      \
  BRAINVAR_DEFINE_UPDATE(Add##BITS, Add, uint##BITS##_t, NANOSECONDS)                    \
  BRAINVAR_DEFINE_UPDATE(Multiply##BITS, Multiply, uint##BITS##_t, NANOSECONDS)          \
  BRAINVAR_DEFINE_UPDATE(MinimumS##BITS, Minimum, int##BITS##_t, NANOSECONDS)            \
  BRAINVAR_DEFINE_UPDATE(MaximumS##BITS, Maximum, int##BITS##_t, NANOSECONDS)            \
  BRAINVAR_DEFINE_UPDATE(MinimumU##BITS, Minimum, uint##BITS##_t, NANOSECONDS)           \
  BRAINVAR_DEFINE_UPDATE(MaximumU##BITS, Maximum, uint##BITS##_t, NANOSECONDS)           \
  const LoopsByOp kS##BITS##Updates = {&kSet##BITS##Loops, &kAdd##BITS##Loops,           \
                                       &kMultiply##BITS##Loops, &kMinimumS##BITS##Loops, \
                                       &kMaximumS##BITS##Loops};                         \
  const LoopsByOp kU##BITS##Updates = {&kSet##BITS##Loops, &kAdd##BITS##Loops,           \
                                       &kMultiply##BITS##Loops, &kMinimumU##BITS##Loops, \
                                       &kMaximumU##BITS##Loops};

BRAINVAR_DEFINE_INTEGERS(8, 0.1)
BRAINVAR_DEFINE_INTEGERS(16, 0.1)
BRAINVAR_DEFINE_INTEGERS(32, 0.2)
BRAINVAR_DEFINE_INTEGERS(64, 0.4)

}  // namespace brainvar::cpu
