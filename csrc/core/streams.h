// The two layouts that turn a key into a stream of words, subkeys or samples.
//
// kOriginal: a key enciphers the counters 0..n-1 in blocks of two, the block of lane i being
//   (i, i + half) with half = ceil(n / 2); its two outputs are the words i and i + half. An odd n
//   is padded with one counter of zero whose output is dropped. Half a cipher block per word.
// kPartitionable: element i has the 64-bit counter i, a whole cipher block to itself. No element
//   depends on how many there are.
//
// Everything here computes single words or rows from their position; it is the reference for the
// loops of csrc/cpu and the building stone of device kernels.
#ifndef BRAINVAR_CORE_STREAMS_H_
#define BRAINVAR_CORE_STREAMS_H_

#include <cstdint>

#include "core/macros.h"
#include "core/threefry.h"

namespace brainvar {

enum class Stream : int32_t { kOriginal = 0, kPartitionable = 1 };

// The most words that one key yields in the original layout: its counters have 32 bits. A longer
// stream is cut into parts of this many words, each under a subkey of its own.
constexpr uint64_t kMaxPartWords = 0xFFFFFFFFu;

// One run of consecutive counters under one key, in the original layout.
struct Part {
  Pair key;
  uint64_t words;  // how many counters
  uint64_t half;   // how many lanes, and the distance between the two words of a lane

  BRAINVAR_HD Part(Pair part_key, uint64_t part_words)
      : key(part_key), words(part_words), half((part_words + 1) / 2) {}

  // The words `lane` and `lane + half`. The second counter of the last lane is the padding zero
  // when `words` is odd, and its output is not part of the stream.
  BRAINVAR_HD Pair Lane(uint64_t lane) const {
    const uint64_t second = lane + half;
    return Threefry2x32(
        key, {static_cast<uint32_t>(lane), second < words ? static_cast<uint32_t>(second) : 0u});
  }

  BRAINVAR_HD uint32_t Word(uint64_t index) const {
    return index < half ? Lane(index).x0 : Lane(index - half).x1;
  }
};

// Row `row` of the split of `key` into `rows` subkeys.
BRAINVAR_HD Pair SplitRow(Pair key, uint64_t rows, uint64_t row, Stream stream) {
  if (stream == Stream::kPartitionable) {
    return Threefry2x32(key, {static_cast<uint32_t>(row >> 32), static_cast<uint32_t>(row)});
  }
  const Part part(key, 2 * rows);
  return {part.Word(2 * row), part.Word(2 * row + 1)};
}

// The key that follows `key` and the one subkey handed out: rows 0 and 1 of a split into two.
struct Advanced {
  Pair next;
  Pair subkey;
};

BRAINVAR_HD Advanced Advance(Pair key, Stream stream) {
  if (stream == Stream::kPartitionable) {
    return {Threefry2x32(key, {0, 0}), Threefry2x32(key, {0, 1})};
  }
  const Pair lane0 = Threefry2x32(key, {0, 2});
  const Pair lane1 = Threefry2x32(key, {1, 3});
  return {{lane0.x0, lane1.x0}, {lane0.x1, lane1.x1}};
}

// Mixes one word of data into a key.
BRAINVAR_HD Pair FoldIn(Pair key, uint32_t data) { return Threefry2x32(key, {0, data}); }

// A stream of `words` words in the original layout, cut into parts where it is longer than
// `max_part_words` (kMaxPartWords except in tests).
struct PartList {
  Pair key;
  uint64_t words;
  uint64_t max_part_words;

  BRAINVAR_HD uint64_t FullParts() const { return words / max_part_words; }

  // Lanes of a full part, and of the whole stream.
  BRAINVAR_HD uint64_t FullPartLanes() const { return (max_part_words + 1) / 2; }
  BRAINVAR_HD uint64_t Lanes() const {
    return FullParts() * FullPartLanes() + (words % max_part_words + 1) / 2;
  }

  BRAINVAR_HD Part Get(uint64_t index) const {
    const uint64_t full = FullParts();
    if (full == 0) return Part(key, words);
    return Part(SplitRow(key, full + 1, index, Stream::kOriginal),
                index < full ? max_part_words : words % max_part_words);
  }

  BRAINVAR_HD uint32_t Word(uint64_t index) const {
    return Get(index / max_part_words).Word(index % max_part_words);
  }
};

// How many words of the original layout hold `size` elements of `width` bits.
BRAINVAR_HD uint64_t WordsFor(uint64_t size, int width) {
  return width == 64 ? 2 * size : (size * (width / 8) + 3) / 4;
}

// The bits of element `index` among `size` elements of `width` (8, 16, 32 or 64) bits.
BRAINVAR_HD uint64_t ElementBits(Pair key, uint64_t size, uint64_t index, int width, Stream stream,
                                 uint64_t max_part_words = kMaxPartWords) {
  const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  if (stream == Stream::kPartitionable) {
    const Pair x =
        Threefry2x32(key, {static_cast<uint32_t>(index >> 32), static_cast<uint32_t>(index)});
    if (width == 64) return (static_cast<uint64_t>(x.x0) << 32) | x.x1;
    return (x.x0 ^ x.x1) & mask;
  }
  const PartList parts = {key, WordsFor(size, width), max_part_words};
  if (width == 64) {
    return (static_cast<uint64_t>(parts.Word(index)) << 32) | parts.Word(size + index);
  }
  // Narrow elements are taken from each word beginning at its low end.
  const uint64_t per_word = 32 / width;
  return (parts.Word(index / per_word) >> (width * (index % per_word))) & mask;
}

}  // namespace brainvar

#endif  // BRAINVAR_CORE_STREAMS_H_
