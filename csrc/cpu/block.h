// Filling the part of an array of samples that one device holds.
#ifndef BRAINVAR_CPU_BLOCK_H_
#define BRAINVAR_CPU_BLOCK_H_

#include <cstdint>

#include "core/blocks.h"
#include "core/streams.h"
#include "cpu/loops.h"

namespace brainvar::cpu {

// Any range of the stream of one key: what FillJob writes there, computed by itself. In the
// original layout a lane of which one word lies outside of the range is enciphered for the other.
class StreamRange {
 public:
  // A stream of `size` elements; `max_part_words` is for tests.
  StreamRange(Draw draw, Stream stream, uint64_t size, uint64_t max_part_words = kMaxPartWords);

  const Loops& loops() const { return loops_; }

  // Writes the elements [begin, end), which are within the stream.
  void Fill(Pair key, uint64_t begin, uint64_t end, char* out) const;

  // Writes the elements at these positions, unless the stream has several parts.
  bool has_gather() const { return words_ < max_part_words_; }
  void Gather(Pair key, const uint64_t* positions, int count, char* out) const;

 private:
  void FillWide(Pair key, uint64_t begin, uint64_t end, char* out) const;
  void FillPart(const Part& part, uint64_t begin, uint64_t end, char* out) const;

  const Loops& loops_;
  Stream stream_;
  uint64_t size_;
  uint64_t words_ = 0;  // of the original layout
  uint64_t max_part_words_;
};

// The block of the samples of each of `batch` keys; the padding becomes zero. A unit of work is
// an element.
class BlockJob {
 public:
  // `keys` holds batch * 2 words, `out` batch * block.LocalSize() elements.
  BlockJob(Draw draw, Stream stream, const Block& block, int64_t batch, const uint32_t* keys,
           void* out, uint64_t max_part_words = kMaxPartWords);

  int64_t units() const { return batch_ * static_cast<int64_t>(local_size_); }
  int64_t bytes() const { return units() * range_.loops().elem_bytes; }
  double nanoseconds() const;

  // Does the units [begin, end). Does not throw and does not allocate.
  void Run(int64_t begin, int64_t end) const;

 private:
  void RunElements(Pair key, uint64_t begin, uint64_t end, char* out) const;
  void GatherElements(Pair key, uint64_t begin, uint64_t end, char* out) const;

  Block block_;
  StreamRange range_;
  int64_t batch_;
  uint64_t local_size_;
  const uint32_t* keys_;
  char* out_;
  bool gathered_;  // the runs are short
};

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_BLOCK_H_
