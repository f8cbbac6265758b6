// Filling one output array with samples: which loop writes which part of it.
#ifndef BRAINVAR_CPU_FILL_H_
#define BRAINVAR_CPU_FILL_H_

#include <cstdint>

#include "core/streams.h"
#include "cpu/loops.h"

namespace brainvar::cpu {

// `size` samples for each of `batch` keys. The work is a row of units, of which any range can be
// done by itself: threads share a job by taking ranges, and the result does not depend on how it
// was cut. A unit is a whole key where streams are short and keys are many, else a lane.
class FillJob {
 public:
  // `keys` holds batch * 2 words. With `next`, each key is first split in two: row 0 goes to
  // `next` and row 1 draws the samples. `max_part_words` is for tests.
  FillJob(Draw draw, Stream stream, int64_t batch, int64_t size, const uint32_t* keys,
          uint32_t* next, void* out, uint64_t max_part_words = kMaxPartWords);

  int64_t units() const { return units_; }
  double nanoseconds() const;
  int64_t bytes() const { return batch_ * static_cast<int64_t>(size_ * loops_.elem_bytes); }

  // Does the units [begin, end). Does not throw and does not allocate.
  void Run(int64_t begin, int64_t end) const;

 private:
  Pair LoadKey(int64_t index, bool write_next) const;
  void RunTiles(int64_t begin, int64_t end) const;
  void RunLanes(Pair key, char* out, uint64_t begin, uint64_t end) const;
  void RunPart(const Part& part, char* out, uint64_t first_word, uint64_t begin,
               uint64_t end) const;
  void RunWideParts(Pair key, char* out, uint64_t begin, uint64_t end) const;
  void StoreWord(char* out, uint64_t index, uint32_t bits) const;

  const Loops& loops_;
  Stream stream_;
  int64_t batch_;
  uint64_t size_;
  const uint32_t* keys_;
  uint32_t* next_;
  char* out_;
  uint64_t max_part_words_;
  uint64_t words_ = 0;  // of the original layout, per key
  uint64_t lanes_ = 0;  // per key
  bool tiled_ = false;  // a unit is a key
  int64_t units_ = 0;
};

// The next keys alone, for jobs without samples: the rest of the work is empty.
void WriteNextKeys(Stream stream, int64_t batch, const uint32_t* keys, uint32_t* next);

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_FILL_H_
