#include "cpu/block.h"

#include <algorithm>
#include <cstring>

namespace brainvar::cpu {
namespace {

// Elements of shorter runs are computed at positions that are listed one by one. Measured for
// 32-bit samples on two cores: 15 ns each instead of 100 in runs of one element, and 7 instead of
// 38 in runs of five; equal at about 50.
constexpr uint64_t kGatherMaxRun = 64;
constexpr int kGathered = 128;

}  // namespace

StreamRange::StreamRange(Draw draw, Stream stream, uint64_t size, uint64_t max_part_words)
    : loops_(FindLoops(draw)), stream_(stream), size_(size), max_part_words_(max_part_words) {
  if (stream == Stream::kOriginal) words_ = WordsFor(size, loops_.width);
}

void StreamRange::Fill(Pair key, uint64_t begin, uint64_t end, char* out) const {
  if (begin >= end) return;
  if (stream_ == Stream::kPartitionable) {
    loops_.elements(key, begin, end, out);
    return;
  }
  if (loops_.width == 64) {
    FillWide(key, begin, end, out);
    return;
  }
  // Words that are wanted in part, at either end, are converted whole and cut.
  const PartList parts = {key, words_, max_part_words_};
  const uint64_t per_word = 32 / loops_.width;
  const uint64_t elem_bytes = loops_.elem_bytes;
  const auto cut_word = [&](uint64_t from, uint64_t to) {
    char pack[sizeof(uint64_t)];
    const uint64_t skipped = from % per_word;
    loops_.word(parts.Word(from / per_word), static_cast<int>(skipped + to - from), pack);
    std::memcpy(out, pack + skipped * elem_bytes, (to - from) * elem_bytes);
    out += (to - from) * elem_bytes;
  };
  if (begin % per_word != 0) {
    const uint64_t to = std::min(end, begin + per_word - begin % per_word);
    cut_word(begin, to);
    begin = to;
  }
  uint64_t word = begin / per_word;
  const uint64_t last_word = end / per_word;
  while (begin < end && word < last_word) {
    const uint64_t index = word / max_part_words_;
    const uint64_t first = index * max_part_words_;
    const Part part = parts.Get(index);
    const uint64_t stop = std::min(last_word, first + part.words);
    FillPart(part, word - first, stop - first, out);
    out += (stop - word) * per_word * elem_bytes;
    word = stop;
    begin = word * per_word;
  }
  if (begin < end) cut_word(begin, end);
}

void StreamRange::Gather(Pair key, const uint64_t* positions, int count, char* out) const {
  if (stream_ == Stream::kPartitionable) {
    loops_.gather_partitionable(key, positions, count, out);
  } else {
    loops_.gather_original(key, size_, positions, count, out);
  }
}

// 64-bit elements of the original layout; see FillJob for streams of several parts.
void StreamRange::FillWide(Pair key, uint64_t begin, uint64_t end, char* out) const {
  const PartList parts = {key, words_, max_part_words_};
  if (parts.FullParts() == 0) {
    loops_.wide(key, size_, begin, end, out);
    return;
  }
  for (; begin < end; ++begin, out += loops_.elem_bytes) {
    loops_.pair({parts.Word(begin), parts.Word(size_ + begin)}, out);
  }
}

// The words [begin, end) of a part, each wanted whole.
void StreamRange::FillPart(const Part& part, uint64_t begin, uint64_t end, char* out) const {
  const uint64_t word_bytes = static_cast<uint64_t>(32 / loops_.width) * loops_.elem_bytes;
  const uint64_t half = part.half;
  const auto place = [&](uint64_t word) { return out + (word - begin) * word_bytes; };
  // The lanes whose lower words are wanted, and those whose upper ones are. Where there are both,
  // the lower ones go up to the last lane and the upper ones begin with the first.
  const uint64_t low_begin = std::min(begin, half);
  uint64_t low_end = std::min(end, half);
  const uint64_t high_begin = std::max(begin, half) - half;
  const uint64_t high_end = std::max(end, half) - half;
  if (part.words % 2 != 0 && low_begin < low_end && low_end == half) {  // a padded lane
    --low_end;
    loops_.word(part.Word(low_end), 32 / loops_.width, place(low_end));
  }
  const uint64_t both_end = std::max(low_begin, std::min(low_end, high_end));
  if (low_begin < both_end) {
    loops_.lanes(part.key, half, low_begin, both_end, place(low_begin), place(low_begin + half));
  }
  if (both_end < low_end) {
    loops_.half_lanes(part.key, half, both_end, low_end, false, place(both_end));
  }
  const uint64_t high_only_end = std::min(high_end, low_begin);
  if (high_begin < high_only_end) {
    loops_.half_lanes(part.key, half, high_begin, high_only_end, true, place(high_begin + half));
  }
}

BlockJob::BlockJob(Draw draw, Stream stream, const Block& block, int64_t batch,
                   const uint32_t* keys, void* out, uint64_t max_part_words)
    : block_(block),
      range_(draw, stream, block.Size(), max_part_words),
      batch_(batch),
      local_size_(block.LocalSize()),
      keys_(keys),
      out_(static_cast<char*>(out)),
      gathered_(block.RunLength() < kGatherMaxRun && range_.has_gather()) {}

double BlockJob::nanoseconds() const {
  return static_cast<double>(units()) * range_.loops().nanoseconds;
}

void BlockJob::Run(int64_t begin, int64_t end) const {
  const auto size = static_cast<int64_t>(local_size_);
  while (begin < end) {
    const int64_t index = begin / size;
    const int64_t first = begin - index * size;
    const int64_t last = std::min(size, first + (end - begin));
    const Pair key = {keys_[2 * index], keys_[2 * index + 1]};
    char* out = out_ + begin * range_.loops().elem_bytes;
    if (gathered_) {
      GatherElements(key, first, last, out);
    } else {
      RunElements(key, first, last, out);
    }
    begin += last - first;
  }
}

// The elements [begin, end) of the block of one key, written from `out` on.
void BlockJob::RunElements(Pair key, uint64_t begin, uint64_t end, char* out) const {
  const uint64_t length = block_.RunLength();
  const uint64_t elem_bytes = range_.loops().elem_bytes;
  while (begin < end) {
    const uint64_t index = begin / length;
    const uint64_t first = begin - index * length;
    const uint64_t last = std::min(length, first + (end - begin));
    const brainvar::Run run = block_.GetRun(index);
    const uint64_t valid = std::max(first, std::min(last, run.count));
    range_.Fill(key, run.begin + first, run.begin + valid, out);
    std::memset(out + (valid - first) * elem_bytes, 0, (last - valid) * elem_bytes);
    out += (last - first) * elem_bytes;
    begin += last - first;
  }
}

// The same where runs are short.
void BlockJob::GatherElements(Pair key, uint64_t begin, uint64_t end, char* out) const {
  const uint64_t length = block_.RunLength();
  const uint64_t elem_bytes = range_.loops().elem_bytes;
  uint64_t positions[kGathered];
  int count = 0;
  const auto flush = [&] {
    range_.Gather(key, positions, count, out);
    out += count * elem_bytes;
    count = 0;
  };
  uint64_t index = begin / length;
  uint64_t first = begin - index * length;
  for (; begin < end; ++index, first = 0) {
    const uint64_t last = std::min(length, first + (end - begin));
    const brainvar::Run run = block_.GetRun(index);
    const uint64_t valid = std::max(first, std::min(last, run.count));
    for (uint64_t i = first; i < valid; ++i) {
      positions[count++] = run.begin + i;
      if (count == kGathered) flush();
    }
    if (valid < last) {
      flush();
      std::memset(out, 0, (last - valid) * elem_bytes);
      out += (last - valid) * elem_bytes;
    }
    begin += last - first;
  }
  flush();
}

}  // namespace brainvar::cpu
