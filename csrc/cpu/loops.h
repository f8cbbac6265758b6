// The inner loops of every Threefry kernel, and the table that finds them by kind of sample.
//
// A loop is a plain function on plain arrays, instantiated per kind of sample from the templates
// in loops_impl.h and compiled for several SIMD levels (simd.h).
#ifndef BRAINVAR_CPU_LOOPS_H_
#define BRAINVAR_CPU_LOOPS_H_

#include <cstdint>

#include "core/streams.h"

namespace brainvar::cpu {

enum class Draw {
  kBits8,
  kBits16,
  kBits32,
  kBits64,
  kUniformF16,
  kUniformBF16,
  kUniformF32,
  kUniformF64,
  kNormalF32,
  kNormalF64,
  kKeyPair,
};

// How many keys a tile holds: enough lanes for the widest vectors, few enough for the L1 cache.
constexpr int kTileKeys = 64;

// Up to kTileKeys keys, apart in two arrays so that a vector loads them at once.
struct KeyTile {
  uint32_t k0[kTileKeys];
  uint32_t k1[kTileKeys];
};

struct Loops {
  int width;          // random bits per element
  int elem_bytes;     // stored bytes per element
  float nanoseconds;  // rough cost of one element on one core, to decide about threads

  // Original layout, up to 32 bits. Lanes [begin, end) of a part, of which both words must be
  // wanted whole: the samples of word `lane` go to `low`, those of word `lane + half` to `high`
  // (both pointing at the place of lane `begin`).
  void (*lanes)(Pair key, uint64_t half, uint64_t begin, uint64_t end, void* low, void* high);

  // The same, of which the words `lane` alone are wanted, or (`high`) the words `lane + half`.
  void (*half_lanes)(Pair key, uint64_t half, uint64_t begin, uint64_t end, bool high, void* out);

  // The samples of one word of the original layout, at most `count` of them.
  void (*word)(uint32_t bits, int count, void* out);

  // Partitionable layout: elements [begin, end), written from `out` on.
  void (*elements)(Pair key, uint64_t begin, uint64_t end, void* out);

  // Original layout, 64 bits: element i is made of the words i and i + size. Elements
  // [begin, end) of a stream that is one part, written from `out` on.
  void (*wide)(Pair key, uint64_t size, uint64_t begin, uint64_t end, void* out);

  // Original layout, 64 bits, one element of its two words.
  void (*pair)(Pair words, void* out);

  // `count` elements at any positions of a stream of `size` elements, which in the original layout
  // is one part: for blocks whose runs are too short to fill a vector.
  void (*gather_original)(Pair key, uint64_t size, const uint64_t* positions, int count, void* out);
  void (*gather_partitionable)(Pair key, const uint64_t* positions, int count, void* out);

  // The whole streams of `count` (at most kTileKeys) keys of one part each, `size` elements per
  // key: the loop runs over the keys. `out` holds the keys' samples one after the other.
  void (*tile_original)(const KeyTile& keys, int count, uint64_t size, void* out);
  void (*tile_partitionable)(const KeyTile& keys, int count, uint64_t size, void* out);
};

extern const Loops kBits8Loops, kBits16Loops, kBits32Loops, kBits64Loops;
extern const Loops kUniformF16Loops, kUniformBF16Loops, kUniformF32Loops, kUniformF64Loops;
extern const Loops kNormalF32Loops, kNormalF64Loops;
extern const Loops kKeyPairLoops;

const Loops& FindLoops(Draw draw);

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_LOOPS_H_
