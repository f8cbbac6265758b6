// The loops against the position-by-position functions of csrc/core, over kinds of samples,
// layouts, sizes, batches, ways of cutting the work, and streams of several parts.
#include "cpu/fill.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "core/distributions.h"
#include "core/streams.h"
#include "cpu/keys.h"

namespace brainvar {
namespace {

using cpu::Draw;
using cpu::FillJob;

constexpr unsigned char kUnwritten = 0xA5;

std::vector<uint32_t> MakeKeys(int64_t batch) {
  std::vector<uint32_t> keys;
  for (int64_t b = 0; b < batch; ++b) {
    const Pair key = Threefry2x32({1, 2}, {static_cast<uint32_t>(b), 0});
    keys.push_back(key.x0);
    keys.push_back(key.x1);
  }
  return keys;
}

struct Case {
  Stream stream;
  int64_t batch;
  int64_t size;
  bool advance;
  uint64_t max_part_words;

  std::string Describe() const {
    return "stream " + std::to_string(static_cast<int>(stream)) + ", batch " +
           std::to_string(batch) + ", size " + std::to_string(size) + ", advance " +
           std::to_string(advance) + ", part " + std::to_string(max_part_words);
  }
};

template <typename D>
std::vector<unsigned char> Reference(const Case& c, const std::vector<uint32_t>& keys) {
  using Elem = typename D::Elem;
  std::vector<unsigned char> out(c.batch * c.size * sizeof(Elem));
  for (int64_t b = 0; b < c.batch; ++b) {
    Pair key = {keys[2 * b], keys[2 * b + 1]};
    if (c.advance) key = SplitRow(key, 2, 1, c.stream);
    for (int64_t i = 0; i < c.size; ++i) {
      const Elem element =
          D::Convert(static_cast<std::conditional_t<D::kWidth == 64, uint64_t, uint32_t>>(
              ElementBits(key, c.size, i, D::kWidth, c.stream, c.max_part_words)));
      std::memcpy(&out[(b * c.size + i) * sizeof(Elem)], &element, sizeof(Elem));
    }
  }
  return out;
}

template <typename D>
void TestCase(Draw draw, const Case& c) {
  const std::vector<uint32_t> keys = MakeKeys(c.batch);
  const std::vector<unsigned char> wanted = Reference<D>(c, keys);
  // Bytes around the output must stay as they are.
  constexpr size_t kGuard = 64;
  for (int64_t pieces : {1, 2, 3, 7}) {
    std::vector<unsigned char> out(wanted.size() + 2 * kGuard, kUnwritten);
    std::vector<uint32_t> next(2 * c.batch, 0);
    const FillJob job(draw, c.stream, c.batch, c.size, keys.data(),
                      c.advance ? next.data() : nullptr, out.data() + kGuard, c.max_part_words);
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
    if (c.advance && c.size > 0) {
      for (int64_t b = 0; b < c.batch; ++b) {
        const Pair row = SplitRow({keys[2 * b], keys[2 * b + 1]}, 2, 0, c.stream);
        CHECK(next[2 * b] == row.x0 && next[2 * b + 1] == row.x1, where);
      }
    }
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

void TestAdvance(Stream stream, int64_t batch, int64_t count, int64_t pieces) {
  const std::vector<uint32_t> keys = MakeKeys(batch);
  std::vector<uint32_t> next(2 * batch), subkeys(2 * batch * count);
  const cpu::AdvanceJob job(stream, batch, count, keys.data(), next.data(), subkeys.data());
  for (int64_t p = 0; p < pieces; ++p) {
    job.Run(job.units() * p / pieces, job.units() * (p + 1) / pieces);
  }
  const std::string where =
      "advance, batch " + std::to_string(batch) + ", count " + std::to_string(count);
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t row = 0; row <= count; ++row) {
      const Pair wanted = SplitRow({keys[2 * b], keys[2 * b + 1]}, count + 1, row, stream);
      const uint32_t* got = row == 0 ? &next[2 * b] : &subkeys[2 * (b * count + row - 1)];
      CHECK(got[0] == wanted.x0 && got[1] == wanted.x1, where);
    }
  }
}

void TestFoldIn() {
  const std::vector<uint32_t> keys = MakeKeys(70);
  std::vector<uint32_t> data(70), out(140);
  for (uint32_t i = 0; i < 70; ++i) data[i] = i * 0x9E3779B9u;
  cpu::FoldInRange(keys.data(), data.data(), 0, 70, out.data());
  for (int b = 0; b < 70; ++b) {
    const Pair wanted = FoldIn({keys[2 * b], keys[2 * b + 1]}, data[b]);
    CHECK(out[2 * b] == wanted.x0 && out[2 * b + 1] == wanted.x1, "fold_in " + std::to_string(b));
  }
}

}  // namespace
}  // namespace brainvar

int main() {
  using brainvar::Stream;
  for (const Stream stream : {Stream::kOriginal, Stream::kPartitionable}) {
    for (const int64_t batch : {0, 1, 3, 8, 67}) {
      for (const int64_t size : {0, 1, 2, 3, 4, 5, 7, 16, 31, 64, 101, 259}) {
        for (const bool advance : {false, true}) {
          brainvar::TestAllDraws({stream, batch, size, advance, brainvar::kMaxPartWords});
        }
      }
      for (const int64_t count : {0, 1, 2, 3, 33, 100}) {
        brainvar::TestAdvance(stream, batch, count, 1);
        brainvar::TestAdvance(stream, batch, count, 3);
      }
    }
  }
  // The rule for streams of more words than one key has counters, with a small limit.
  for (const int64_t size : {6, 7, 14, 15, 20, 21, 100, 203}) {
    for (const uint64_t max_part_words : {7, 15, 101}) {
      for (const int64_t batch : {1, 9}) {
        brainvar::TestAllDraws({Stream::kOriginal, batch, size, false, max_part_words});
      }
    }
  }
  brainvar::TestFoldIn();
  return brainvar::test::Report("fill");
}
