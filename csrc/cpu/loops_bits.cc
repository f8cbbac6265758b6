#include "cpu/loops_impl.h"

namespace brainvar::cpu {

BRAINVAR_DEFINE_LOOPS(Bits8, RawBits<uint8_t>, 0.15f)
BRAINVAR_DEFINE_LOOPS(Bits16, RawBits<uint16_t>, 0.25f)
BRAINVAR_DEFINE_LOOPS(Bits32, RawBits<uint32_t>, 0.5f)
BRAINVAR_DEFINE_WIDE_LOOPS(Bits64, RawBits<uint64_t>, 1.0f)
BRAINVAR_DEFINE_WIDE_LOOPS(KeyPair, KeyPair, 1.0f)

const Loops& FindLoops(Draw draw) {
  switch (draw) {
    case Draw::kBits8:
      return kBits8Loops;
    case Draw::kBits16:
      return kBits16Loops;
    case Draw::kBits32:
      return kBits32Loops;
    case Draw::kBits64:
      return kBits64Loops;
    case Draw::kUniformF16:
      return kUniformF16Loops;
    case Draw::kUniformBF16:
      return kUniformBF16Loops;
    case Draw::kUniformF32:
      return kUniformF32Loops;
    case Draw::kUniformF64:
      return kUniformF64Loops;
    case Draw::kNormalF32:
      return kNormalF32Loops;
    case Draw::kNormalF64:
      return kNormalF64Loops;
    case Draw::kKeyPair:
      break;
  }
  return kKeyPairLoops;
}

}  // namespace brainvar::cpu
