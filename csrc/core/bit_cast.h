#ifndef BRAINVAR_CORE_BIT_CAST_H_
#define BRAINVAR_CORE_BIT_CAST_H_

#include <cstring>
#include <type_traits>

#include "core/macros.h"

namespace brainvar {

// The bits of `from` read as a `To`: std::bit_cast, which C++17 does not have.
template <typename To, typename From>
BRAINVAR_HD To BitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "sizes differ");
  static_assert(std::is_trivially_copyable_v<To> && std::is_trivially_copyable_v<From>, "");
  To to;
  memcpy(&to, &from, sizeof(to));
  return to;
}

}  // namespace brainvar

#endif  // BRAINVAR_CORE_BIT_CAST_H_
