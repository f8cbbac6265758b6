#include "cpu/update_loops_impl.h"

namespace brainvar::cpu {

BRAINVAR_DEFINE_UPDATE(Set8, Set, uint8_t, 0.05)
BRAINVAR_DEFINE_UPDATE(Set16, Set, uint16_t, 0.1)
BRAINVAR_DEFINE_UPDATE(Set32, Set, uint32_t, 0.2)
BRAINVAR_DEFINE_UPDATE(Set64, Set, uint64_t, 0.4)
BRAINVAR_DEFINE_UPDATE(Set128, Set, Bits128, 0.8)

const UpdateLoops& FindUpdateLoops(UpdateOp op, Element element) {
  const LoopsByOp* found = nullptr;
  switch (element) {
    case Element::kBool:
      if (op == UpdateOp::kAdd) op = UpdateOp::kMaximum;
      if (op == UpdateOp::kMultiply) op = UpdateOp::kMinimum;
      found = &kU8Updates;
      break;
    case Element::kS8:
      found = &kS8Updates;
      break;
    case Element::kS16:
      found = &kS16Updates;
      break;
    case Element::kS32:
      found = &kS32Updates;
      break;
    case Element::kS64:
      found = &kS64Updates;
      break;
    case Element::kU8:
      found = &kU8Updates;
      break;
    case Element::kU16:
      found = &kU16Updates;
      break;
    case Element::kU32:
      found = &kU32Updates;
      break;
    case Element::kU64:
      found = &kU64Updates;
      break;
    case Element::kF16:
      found = &kF16Updates;
      break;
    case Element::kBF16:
      found = &kBF16Updates;
      break;
    case Element::kF32:
      found = &kF32Updates;
      break;
    case Element::kF64:
      found = &kF64Updates;
      break;
    case Element::kC64:
      found = &kC64Updates;
      break;
    case Element::kC128:
      found = &kC128Updates;
      break;
  }
  return *(*found)[static_cast<int>(op)];
}

}  // namespace brainvar::cpu
