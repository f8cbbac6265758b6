// Random orders: the positions of vectors, sorted by random words in rounds.
#ifndef BRAINVAR_CPU_PERMUTATION_H_
#define BRAINVAR_CPU_PERMUTATION_H_

#include <cstdint>

#include "core/streams.h"
#include "cpu/team.h"

namespace brainvar::cpu {

// What to draw for each of `batch` keys: an order along the middle axis of an array [outer,
// length, inner], for every position of the other two by itself; of each order the first `wanted`
// (which is `length` unless outer and inner are 1).
//
// In every round the key is split in two, row 1 draws a word for each element of the array, and
// the vectors are sorted by their words, equal ones in the order that they have. Row 0 is the key
// of the next round.
struct PermutationTask {
  Stream stream;
  int64_t batch;
  int64_t outer;
  int64_t length;
  int64_t inner;
  int64_t wanted;
  int64_t rounds;

  int64_t Size() const { return outer * length * inner; }
  double Nanoseconds() const;
};

// Draws into `orders`, [batch, outer, wanted, inner]. False where there is no memory for it; then
// nothing useful was written. Does not throw.
template <typename Out>
bool DrawOrders(Team& team, const PermutationTask& task, const uint32_t* keys, Out* orders);

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_PERMUTATION_H_
