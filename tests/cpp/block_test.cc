// Blocks of arrays against the position-by-position functions of csrc/core: kinds of samples,
// layouts, ways of cutting an array and the work, streams of several parts, positions beyond 2^32.
#include "cpu/block.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "core/distributions.h"
#include "core/streams.h"

namespace brainvar {
namespace {

using cpu::BlockJob;
using cpu::Draw;

constexpr unsigned char kUnwritten = 0xA5;
constexpr uint32_t kKeys[] = {1, 2, 0xDEADBEEFu, 7};

struct Case {
  Stream stream;
  std::vector<uint64_t> shape;
  std::vector<uint64_t> local;
  std::vector<uint64_t> tile;
  uint64_t max_part_words = kMaxPartWords;

  std::string Describe() const {
    std::string text = "stream " + std::to_string(static_cast<int>(stream));
    for (size_t d = 0; d < shape.size(); ++d) {
      text += ", " + std::to_string(shape[d]) + "/" + std::to_string(local[d]) + "@" +
              std::to_string(tile[d]);
    }
    return text + ", part " + std::to_string(max_part_words);
  }
};

// The position of element `i` of the block, or false where it is padding.
bool Position(const Case& c, uint64_t i, uint64_t* position) {
  uint64_t stride = 1;
  *position = 0;
  for (size_t d = c.shape.size(); d-- > 0;) {
    const uint64_t p = c.tile[d] * c.local[d] + i % c.local[d];
    if (p >= c.shape[d]) return false;
    *position += p * stride;
    stride *= c.shape[d];
    i /= c.local[d];
  }
  return true;
}

template <typename D>
void TestCase(Draw draw, const Case& c) {
  using Elem = typename D::Elem;
  constexpr int64_t kBatch = 2;
  Block block;
  uint64_t size = 1;
  uint64_t count = 1;
  for (size_t d = 0; d < c.shape.size(); ++d) {
    size *= c.shape[d];
    count *= c.local[d];
    CHECK(block.Append({c.shape[d], c.local[d], c.tile[d] * c.local[d]}), c.Describe());
  }
  CHECK(block.Size() == size && block.LocalSize() == count, c.Describe());
  std::vector<unsigned char> wanted(kBatch * count * sizeof(Elem), 0);
  for (int64_t b = 0; b < kBatch; ++b) {
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t position;
      if (!Position(c, i, &position)) continue;
      const Elem element =
          D::Convert(static_cast<std::conditional_t<D::kWidth == 64, uint64_t, uint32_t>>(
              ElementBits({kKeys[2 * b], kKeys[2 * b + 1]}, size, position, D::kWidth, c.stream,
                          c.max_part_words)));
      std::memcpy(&wanted[(b * count + i) * sizeof(Elem)], &element, sizeof(Elem));
    }
  }
  constexpr size_t kGuard = 64;
  for (const int64_t pieces : {1, 3, 8}) {
    std::vector<unsigned char> out(wanted.size() + 2 * kGuard, kUnwritten);
    const BlockJob job(draw, c.stream, block, kBatch, kKeys, out.data() + kGuard, c.max_part_words);
    for (int64_t p = pieces - 1; p >= 0; --p) {
      job.Run(job.units() * p / pieces, job.units() * (p + 1) / pieces);
    }
    const std::string where = c.Describe() + ", draw " + std::to_string(static_cast<int>(draw)) +
                              ", pieces " + std::to_string(pieces);
    CHECK(std::equal(wanted.begin(), wanted.end(), out.begin() + kGuard), where);
    bool guarded = true;
    for (size_t i = 0; i < kGuard; ++i) {
      guarded = guarded && out[i] == kUnwritten && out[out.size() - 1 - i] == kUnwritten;
    }
    CHECK(guarded, where);
  }
}

void TestAllDraws(const Case& c) {
  TestCase<RawBits<uint8_t>>(Draw::kBits8, c);
  TestCase<RawBits<uint16_t>>(Draw::kBits16, c);
  TestCase<RawBits<uint32_t>>(Draw::kBits32, c);
  TestCase<RawBits<uint64_t>>(Draw::kBits64, c);
  TestCase<UniformF16>(Draw::kUniformF16, c);
  TestCase<UniformBF16>(Draw::kUniformBF16, c);
  TestCase<UniformF32>(Draw::kUniformF32, c);
  TestCase<UniformF64>(Draw::kUniformF64, c);
  TestCase<NormalF32>(Draw::kNormalF32, c);
  TestCase<NormalF64>(Draw::kNormalF64, c);
}

// Every block of an array that is cut into so many tiles in each dimension.
void TestTiles(Stream stream, const std::vector<uint64_t>& shape,
               const std::vector<uint64_t>& counts, uint64_t max_part_words = kMaxPartWords) {
  uint64_t blocks = 1;
  std::vector<uint64_t> local;
  for (size_t d = 0; d < shape.size(); ++d) {
    blocks *= counts[d];
    local.push_back((shape[d] + counts[d] - 1) / counts[d]);
  }
  for (uint64_t b = 0; b < blocks; ++b) {
    std::vector<uint64_t> tile(shape.size());
    uint64_t rest = b;
    for (size_t d = shape.size(); d-- > 0; rest /= counts[d]) tile[d] = rest % counts[d];
    TestAllDraws({stream, shape, local, tile, max_part_words});
  }
}

void TestBounds() {
  Block block;
  CHECK(block.Size() == 1 && block.LocalSize() == 1 && block.GetRun(0).count == 1, "a scalar");
  for (int d = 0; d < Block::kMaxDims; ++d) CHECK(block.Append({4, 2, 2}), "dimensions");
  CHECK(!block.Append({4, 2, 2}), "one dimension too many");
  CHECK(block.Append({4, 4, 0}), "a whole dimension is merged");
}

}  // namespace
}  // namespace brainvar

int main() {
  using brainvar::Stream;
  for (const Stream stream : {Stream::kOriginal, Stream::kPartitionable}) {
    for (const uint64_t size : {1, 2, 7, 8, 31, 96, 1000}) {
      for (const uint64_t count : {1, 2, 3, 8}) brainvar::TestTiles(stream, {size}, {count});
    }
    brainvar::TestTiles(stream, {6, 10}, {2, 1});
    brainvar::TestTiles(stream, {6, 10}, {1, 2});
    brainvar::TestTiles(stream, {6, 70}, {3, 4});
    brainvar::TestTiles(stream, {7, 9}, {4, 2});
    brainvar::TestTiles(stream, {6, 301}, {2, 2});
    brainvar::TestTiles(stream, {5, 3, 7}, {2, 3, 2});
    brainvar::TestTiles(stream, {5, 6, 7}, {2, 1, 2});
    brainvar::TestTiles(stream, {5, 6, 7}, {1, 2, 1});
    for (const uint64_t part : {7, 15, 101}) {
      brainvar::TestTiles(stream, {203}, {3}, part);
      brainvar::TestTiles(stream, {11, 13}, {2, 3}, part);
    }
    // Corners of arrays of more elements than a word has values.
    constexpr uint64_t kSide = uint64_t{1} << 17;
    for (const uint64_t row : {uint64_t{0}, uint64_t{16383}, uint64_t{16384}, kSide / 2 - 1}) {
      brainvar::TestAllDraws({stream, {kSide, kSide}, {2, 40}, {row, kSide / 40 - 1}});
    }
    brainvar::TestAllDraws({stream, {0x1'0000'0007u}, {100}, {0x1'0000'0007u / 100}});
  }
  brainvar::TestBounds();
  return brainvar::test::Report("block");
}
