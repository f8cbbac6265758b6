// What the samplers that reject share: where their random words come from, and the elementary
// functions they compute with.
//
// Such a sampler takes as many words as it happens to need. Every element therefore has a stream
// of its own, which needs no state: block `number` of element `index` is the counter `index`
// (64 bits, high word first) enciphered under the key FoldIn(key, number). The cipher is a
// bijection for every key, so no two elements share a block of one number, and no two numbers a
// key. An element depends on the key and its index alone: neither on how many there are nor on how
// many attempts the others took, so any part of an array can be computed by itself. Both layouts
// of streams.h have these same streams: a layout only decides how the key came about.
//
// As in erfinv.h, the functions are additions, multiplications, divisions, square roots and integer
// operations, so that every SIMD level and every device takes the same decisions. None branches.
#ifndef BRAINVAR_CORE_REJECTION_H_
#define BRAINVAR_CORE_REJECTION_H_

#include <cmath>
#include <cstdint>

#include "core/bit_cast.h"
#include "core/erfinv.h"
#include "core/macros.h"
#include "core/streams.h"
#include "core/threefry.h"

namespace brainvar {

// The key of the blocks with this number, of all elements.
BRAINVAR_HD Pair BlockKey(Pair key, uint32_t number) { return FoldIn(key, number); }

BRAINVAR_HD Pair ElementBlock(Pair block_key, uint64_t index) {
  return Threefry2x32(block_key,
                      {static_cast<uint32_t>(index >> 32), static_cast<uint32_t>(index)});
}

// (word + 1/2) / 2^32, in (0, 1); as a float at most 1. Precise near 0, where word by word counts.
template <typename T>
BRAINVAR_HD T Unit(uint32_t word) {
  return (static_cast<T>(word) + T(0.5)) * T(2.3283064365386963e-10);
}

// (w + 1/2) / 2^52 of the upper 52 bits, in (0, 1) and exact.
BRAINVAR_HD double Unit52(Pair words) {
  const uint64_t bits = (static_cast<uint64_t>(words.x0) << 20) | (words.x1 >> 12);
  // The bits as the mantissa of a number in [1, 2): no conversion from 64-bit integers, which the
  // older SIMD levels do not have.
  return BitCast<double>(bits | 0x3FF0000000000000u) - 0.99999999999999988897769753748434596;
}

namespace internal {

// log(1 + x) for x > -1, relatively precise near 0: the logarithm of the rounded sum, corrected by
// what the rounding lost.
template <typename T>
BRAINVAR_HD T Log1p(T x) {
  const T sum = T(1) + x;
  return (x - (sum - T(1))) / sum - MinusLog(sum);
}

// exp(x) for x <= 0; 0 where that would not be a normal number. Taylor's polynomial after reduction
// to |r| <= log(2) / 2, whose remainder is below 6e-9 of the result in single and 5e-18 in double.
BRAINVAR_HD float Exp(float x) {
  const float cut = x > -87.0f ? x : -87.0f;
  const float k = std::floor(cut * 1.44269504f + 0.5f);
  const float r = (cut - k * 0.693359375f) - k * -2.12194440e-4f;
  const float y =
      Horner(r, 1.0f, 1.0f, 1.0f / 2, 1.0f / 6, 1.0f / 24, 1.0f / 120, 1.0f / 720, 1.0f / 5040);
  const float scale = BitCast<float>((static_cast<int32_t>(k) + 127) << 23);
  return x < -87.0f ? 0.0f : y * scale;
}

BRAINVAR_HD double Exp(double x) {
  const double cut = x > -708.0 ? x : -708.0;
  const double k = std::floor(cut * 1.4426950408889634 + 0.5);
  const double r = (cut - k * 6.93147180369123816490e-01) - k * 1.90821492927058770e-10;
  const double y =
      Horner(r, 1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
             1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800);
  const int64_t exponent = static_cast<int64_t>(static_cast<int32_t>(k)) + 1023;
  const double scale = BitCast<double>(static_cast<uint64_t>(exponent) << 52);
  return x < -708.0 ? 0.0 : y * scale;
}

}  // namespace internal

// Minus the logarithm of a uniform number made of a word, precise at both ends: the exponential
// distribution, from 2^-33 to 22.9.
BRAINVAR_HD float Exponential(uint32_t word) {
  const float above = internal::MinusLog(Unit<float>(word));
  const float below = -internal::Log1p(-Unit<float>(~word));
  return word < 0x80000000u ? above : below;
}

}  // namespace brainvar

#endif  // BRAINVAR_CORE_REJECTION_H_
