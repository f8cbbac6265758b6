#include "cpu/fill.h"

#include <algorithm>

#include "cpu/simd.h"

namespace brainvar::cpu {
namespace {

// Streams of fewer lanes than this are drawn for many keys at once: a loop over the lanes of one
// key hardly fills a vector. Measured for 32-bit samples: 0.9 ns each instead of 3.2 at 16 lanes,
// and about equal at 64.
constexpr uint64_t kTileMaxLanes = 64;
constexpr int64_t kTileMinKeys = 8;

Pair KeyAt(const uint32_t* keys, int64_t index) { return {keys[2 * index], keys[2 * index + 1]}; }

void StoreKey(uint32_t* keys, int64_t index, Pair key) {
  keys[2 * index] = key.x0;
  keys[2 * index + 1] = key.x1;
}

// Replaces the keys of a tile by their first subkeys and gives the keys that follow.
BRAINVAR_CLONES void AdvanceTile(Stream stream, KeyTile& keys, KeyTile& next) {
  if (stream == Stream::kPartitionable) {
    for (int k = 0; k < kTileKeys; ++k) {
      const Advanced a = Advance({keys.k0[k], keys.k1[k]}, Stream::kPartitionable);
      next.k0[k] = a.next.x0;
      next.k1[k] = a.next.x1;
      keys.k0[k] = a.subkey.x0;
      keys.k1[k] = a.subkey.x1;
    }
  } else {
    for (int k = 0; k < kTileKeys; ++k) {
      const Advanced a = Advance({keys.k0[k], keys.k1[k]}, Stream::kOriginal);
      next.k0[k] = a.next.x0;
      next.k1[k] = a.next.x1;
      keys.k0[k] = a.subkey.x0;
      keys.k1[k] = a.subkey.x1;
    }
  }
}

}  // namespace

FillJob::FillJob(Draw draw, Stream stream, int64_t batch, int64_t size, const uint32_t* keys,
                 uint32_t* next, void* out, uint64_t max_part_words)
    : loops_(FindLoops(draw)),
      stream_(stream),
      batch_(batch),
      size_(static_cast<uint64_t>(size)),
      keys_(keys),
      next_(next),
      out_(static_cast<char*>(out)),
      max_part_words_(max_part_words) {
  if (batch == 0 || size == 0) return;
  bool one_part = true;
  if (stream == Stream::kPartitionable) {
    lanes_ = size_;
  } else {
    words_ = WordsFor(size_, loops_.width);
    one_part = words_ < max_part_words;
    lanes_ = loops_.width == 64 ? size_ : PartList{{0, 0}, words_, max_part_words}.Lanes();
  }
  tiled_ = one_part && lanes_ < kTileMaxLanes && batch >= kTileMinKeys;
  units_ = tiled_ ? batch : batch * static_cast<int64_t>(lanes_);
}

double FillJob::nanoseconds() const {
  return static_cast<double>(batch_) * static_cast<double>(size_) * loops_.nanoseconds;
}

void FillJob::Run(int64_t begin, int64_t end) const {
  if (tiled_) {
    RunTiles(begin, end);
    return;
  }
  const auto lanes = static_cast<int64_t>(lanes_);
  while (begin < end) {
    const int64_t index = begin / lanes;
    const int64_t first = begin - index * lanes;
    const int64_t last = std::min(lanes, first + (end - begin));
    const Pair key = LoadKey(index, first == 0);
    RunLanes(key, out_ + static_cast<uint64_t>(index) * size_ * loops_.elem_bytes, first, last);
    begin += last - first;
  }
}

Pair FillJob::LoadKey(int64_t index, bool write_next) const {
  const Pair key = KeyAt(keys_, index);
  if (next_ == nullptr) return key;
  const Advanced advanced = Advance(key, stream_);
  if (write_next) StoreKey(next_, index, advanced.next);
  return advanced.subkey;
}

void FillJob::RunTiles(int64_t begin, int64_t end) const {
  const auto run_tile =
      stream_ == Stream::kOriginal ? loops_.tile_original : loops_.tile_partitionable;
  for (; begin < end; begin += kTileKeys) {
    const int count = static_cast<int>(std::min<int64_t>(kTileKeys, end - begin));
    KeyTile tile = {};
    for (int k = 0; k < count; ++k) {
      const Pair key = KeyAt(keys_, begin + k);
      tile.k0[k] = key.x0;
      tile.k1[k] = key.x1;
    }
    if (next_ != nullptr) {
      KeyTile next;
      AdvanceTile(stream_, tile, next);
      for (int k = 0; k < count; ++k) StoreKey(next_, begin + k, {next.k0[k], next.k1[k]});
    }
    run_tile(tile, count, size_, out_ + static_cast<uint64_t>(begin) * size_ * loops_.elem_bytes);
  }
}

void FillJob::RunLanes(Pair key, char* out, uint64_t begin, uint64_t end) const {
  if (stream_ == Stream::kPartitionable) {
    loops_.elements(key, begin, end, out + begin * loops_.elem_bytes);
    return;
  }
  const PartList parts = {key, words_, max_part_words_};
  if (loops_.width == 64) {
    if (parts.FullParts() == 0) {
      loops_.wide(key, size_, begin, end, out + begin * loops_.elem_bytes);
    } else {
      RunWideParts(key, out, begin, end);
    }
    return;
  }
  const uint64_t part_lanes = parts.FullPartLanes();
  while (begin < end) {
    const uint64_t index = begin / part_lanes;
    const Part part = parts.Get(index);
    const uint64_t first = begin - index * part_lanes;
    const uint64_t last = std::min(part.half, first + (end - begin));
    RunPart(part, out, index * max_part_words_, first, last);
    begin += last - first;
  }
}

// Lanes [begin, end) of a part whose first word is word `first_word` of the stream.
void FillJob::RunPart(const Part& part, char* out, uint64_t first_word, uint64_t begin,
                      uint64_t end) const {
  // The last two lanes may hold the padding and a word that is wanted in part only.
  const uint64_t plain_end = std::min(end, part.half - std::min<uint64_t>(part.half, 2));
  if (begin < plain_end) {
    const uint64_t word_bytes = static_cast<uint64_t>(32 / loops_.width) * loops_.elem_bytes;
    char* low = out + (first_word + begin) * word_bytes;
    loops_.lanes(part.key, part.half, begin, plain_end, low, low + part.half * word_bytes);
    begin = plain_end;
  }
  for (; begin < end; ++begin) {
    const Pair words = part.Lane(begin);
    StoreWord(out, first_word + begin, words.x0);
    if (begin + part.half < part.words) StoreWord(out, first_word + begin + part.half, words.x1);
  }
}

// 64-bit elements of a stream of several parts (16 GiB and more): the two words of an element
// lie in different parts, so each is looked up by itself.
void FillJob::RunWideParts(Pair key, char* out, uint64_t begin, uint64_t end) const {
  const PartList parts = {key, words_, max_part_words_};
  for (; begin < end; ++begin) {
    const Pair words = {parts.Word(begin), parts.Word(size_ + begin)};
    loops_.pair(words, out + begin * loops_.elem_bytes);
  }
}

void FillJob::StoreWord(char* out, uint64_t index, uint32_t bits) const {
  const uint64_t per_word = 32 / loops_.width;
  const uint64_t first = index * per_word;
  const auto count = static_cast<int>(std::min(per_word, size_ - first));
  loops_.word(bits, count, out + first * loops_.elem_bytes);
}

void WriteNextKeys(Stream stream, int64_t batch, const uint32_t* keys, uint32_t* next) {
  for (int64_t b = 0; b < batch; ++b) StoreKey(next, b, Advance(KeyAt(keys, b), stream).next);
}

}  // namespace brainvar::cpu
