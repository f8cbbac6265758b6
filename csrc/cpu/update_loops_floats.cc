#include "cpu/update_loops_impl.h"

namespace brainvar::cpu {

#define BRAINVAR_DEFINE_FLOATS(NAME, T, BITS, NANOSECONDS)                             \
  BRAINVAR_DEFINE_UPDATE(Add##NAME, Add, T, NANOSECONDS)                               \
  BRAINVAR_DEFINE_UPDATE(Multiply##NAME, Multiply, T, NANOSECONDS)                     \
  BRAINVAR_DEFINE_UPDATE(Minimum##NAME, Minimum, T, NANOSECONDS)                       \
  BRAINVAR_DEFINE_UPDATE(Maximum##NAME, Maximum, T, NANOSECONDS)                       \
  const LoopsByOp k##NAME##Updates = {&kSet##BITS##Loops, &kAdd##NAME##Loops,          \
                                      &kMultiply##NAME##Loops, &kMinimum##NAME##Loops, \
                                      &kMaximum##NAME##Loops};

BRAINVAR_DEFINE_FLOATS(F16, Float16, 16, 0.5)
BRAINVAR_DEFINE_FLOATS(BF16, BFloat16, 16, 0.3)
BRAINVAR_DEFINE_FLOATS(F32, float, 32, 0.2)
BRAINVAR_DEFINE_FLOATS(F64, double, 64, 0.4)
BRAINVAR_DEFINE_FLOATS(C64, Complex<float>, 64, 0.4)
BRAINVAR_DEFINE_FLOATS(C128, Complex<double>, 128, 0.8)

}  // namespace brainvar::cpu
