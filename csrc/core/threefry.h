// The Threefry-2x32 block cipher with 20 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011): a keyed bijection of two 32-bit words.
#ifndef BRAINVAR_CORE_THREEFRY_H_
#define BRAINVAR_CORE_THREEFRY_H_

#include <cstdint>

#include "core/macros.h"

namespace brainvar {

// Two 32-bit words: a key, a counter or an output block.
struct Pair {
  uint32_t x0;
  uint32_t x1;
};

namespace internal {

template <int kDistance>
BRAINVAR_HD void Mix(Pair& x) {
  x.x0 += x.x1;
  x.x1 = ((x.x1 << kDistance) | (x.x1 >> (32 - kDistance))) ^ x.x0;
}

// Four rounds followed by the injection of the next two subkeys.
template <int kA, int kB, int kC, int kD>
BRAINVAR_HD void FourRounds(Pair& x, uint32_t subkey0, uint32_t subkey1, uint32_t group) {
  Mix<kA>(x);
  Mix<kB>(x);
  Mix<kC>(x);
  Mix<kD>(x);
  x.x0 += subkey0;
  x.x1 += subkey1 + group;
}

}  // namespace internal

// Enciphers `count` under `key`.
BRAINVAR_HD Pair Threefry2x32(Pair key, Pair count) {
  // The third subkey is the parity of the key; the constant is Skein's, cut to 32 bits.
  const uint32_t parity = key.x0 ^ key.x1 ^ 0x1BD11BDAu;
  Pair x = {count.x0 + key.x0, count.x1 + key.x1};
  internal::FourRounds<13, 15, 26, 6>(x, key.x1, parity, 1);
  internal::FourRounds<17, 29, 16, 24>(x, parity, key.x0, 2);
  internal::FourRounds<13, 15, 26, 6>(x, key.x0, key.x1, 3);
  internal::FourRounds<17, 29, 16, 24>(x, key.x1, parity, 4);
  internal::FourRounds<13, 15, 26, 6>(x, parity, key.x0, 5);
  return x;
}

}  // namespace brainvar

#endif  // BRAINVAR_CORE_THREEFRY_H_
