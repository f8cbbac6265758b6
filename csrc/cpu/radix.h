// Sorting by random 32-bit words: the values of a vector in the order of their words.
//
// The words are as good as uniform, so their leading bits say almost where an element belongs. A
// vector is dealt into buckets of about a thousand by its leading digit, which is the only sweep
// that leaves the caches; each bucket is dealt once more, by as many of the next bits as give one
// element to a place; what is still out of order is put right by insertion. All three keep the
// order of equal words. For any other words the result is right too, only slower.
#ifndef BRAINVAR_CPU_RADIX_H_
#define BRAINVAR_CPU_RADIX_H_

#include <cstdint>

#include "cpu/scratch.h"
#include "cpu/team.h"

namespace brainvar::cpu {

// One vector: element i has the word words[i * stride] and the value from[i * stride], or i where
// `from` is null. The values of the first `wanted` elements of the order go to to[i * stride].
// `to` may be `from`.
template <typename Out>
struct WordSort {
  const uint32_t* words;
  const Out* from;
  Out* to;
  int64_t stride;
  int64_t count;
  int64_t wanted;
};

// An element on its way. `Value` holds any value and any count: uint32_t below 2^32 elements.
template <typename Value>
struct alignas(2 * sizeof(Value)) SortItem {
  Value value;
  uint32_t word;
};

// What sorting vectors of up to `count` elements needs, by a team of `threads`. `room` is how many
// elements of a bucket are dealt out of place, 0 for the usual; a bucket of more is sorted where
// it is, by comparisons. (It takes words that are far from uniform, or a test, to make one.)
template <typename Value>
class SortSpace {
 public:
  SortSpace(int64_t count, int64_t threads, int64_t room = 0);

  bool ok() const {
    return items_.data() != nullptr && room_.data() != nullptr && places_.data() != nullptr &&
           digits_.data() != nullptr;
  }

  // Sorts one vector of at most `count` elements with a team of at most `threads`. Does not throw.
  template <typename Out>
  void Sort(Team& team, const WordSort<Out>& vector) const;

 private:
  template <typename Out>
  void SortBucket(SortItem<Value>* items, int64_t count, int used_bits, int64_t slot, Out* to,
                  int64_t stride, int64_t wanted) const;

  int64_t parts_;  // of a vector, each of which counts its digits by itself
  int64_t room_count_;
  int64_t place_count_;
  Scratch<SortItem<Value>> items_;
  Scratch<SortItem<Value>> room_;  // per slot
  Scratch<uint32_t> places_;       // per slot
  Scratch<Value> digits_;          // per part, and the starts of the buckets
};

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_RADIX_H_
