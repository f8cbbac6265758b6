// Compares cipher, layouts, samples and their loops with the file of known answers.
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "check.h"
#include "core/streams.h"
#include "cpu/fill.h"
#include "cpu/keys.h"
#include "cpu/simd.h"

namespace brainvar {
namespace {

using cpu::Draw;
using cpu::FillJob;

Stream ParseStream(const std::string& name) {
  return name == "original" ? Stream::kOriginal : Stream::kPartitionable;
}

// What is left of a line, as the little-endian bytes of numbers of `width` bytes.
std::vector<unsigned char> ReadElements(std::istream& line, int width) {
  std::vector<unsigned char> bytes;
  uint64_t value;
  while (line >> std::hex >> value) {
    for (int i = 0; i < width; ++i) bytes.push_back(static_cast<unsigned char>(value >> (8 * i)));
  }
  return bytes;
}

std::vector<unsigned char> Fill(Draw draw, Stream stream, int64_t size, Pair key, int width) {
  const uint32_t words[2] = {key.x0, key.x1};
  std::vector<unsigned char> out(size * width);
  const FillJob job(draw, stream, 1, size, words, nullptr, out.data());
  job.Run(0, job.units());
  return out;
}

uint64_t Fnv1a(const std::vector<unsigned char>& bytes) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001B3u;
  return hash;
}

Pair ReadPair(std::istream& line) {
  Pair pair;
  line >> std::hex >> pair.x0 >> pair.x1 >> std::dec;
  return pair;
}

bool Equal(Pair a, Pair b) { return a.x0 == b.x0 && a.x1 == b.x1; }

const std::map<std::string, std::pair<Draw, int>>& DrawsByName() {
  static const std::map<std::string, std::pair<Draw, int>> draws = {
      {"8", {Draw::kBits8, 1}},
      {"16", {Draw::kBits16, 2}},
      {"32", {Draw::kBits32, 4}},
      {"64", {Draw::kBits64, 8}},
      {"float16", {Draw::kUniformF16, 2}},
      {"bfloat16", {Draw::kUniformBF16, 2}},
      {"float32", {Draw::kUniformF32, 4}},
      {"float64", {Draw::kUniformF64, 8}},
      {"uniform_float32", {Draw::kUniformF32, 4}},
      {"uniform_float64", {Draw::kUniformF64, 8}},
      {"normal_float32", {Draw::kNormalF32, 4}},
      {"normal_float64", {Draw::kNormalF64, 8}},
  };
  return draws;
}

void TestSplit(std::istream& line, const std::string& where) {
  std::string stream_name;
  int64_t rows;
  line >> stream_name >> rows;
  const Stream stream = ParseStream(stream_name);
  const Pair key = ReadPair(line);
  const uint32_t words[2] = {key.x0, key.x1};
  std::vector<uint32_t> next(2), subkeys(2 * rows - 2);
  const cpu::AdvanceJob job(stream, 1, rows - 1, words, next.data(), subkeys.data());
  job.Run(0, job.units());
  for (int64_t row = 0; row < rows; ++row) {
    const Pair wanted = ReadPair(line);
    CHECK(Equal(SplitRow(key, rows, row, stream), wanted), where);
    const uint32_t* got = row == 0 ? next.data() : subkeys.data() + 2 * (row - 1);
    CHECK(Equal({got[0], got[1]}, wanted), where);
    if (rows == 2) {
      const Advanced advanced = Advance(key, stream);
      CHECK(Equal(row == 0 ? advanced.next : advanced.subkey, wanted), where);
    }
  }
}

void TestLine(const std::string& text) {
  std::istringstream line(text);
  std::string kind;
  line >> kind;
  if (kind == "threefry") {
    const Pair key = ReadPair(line);
    const Pair count = ReadPair(line);
    CHECK(Equal(Threefry2x32(key, count), ReadPair(line)), text);
  } else if (kind == "fold_in") {
    const Pair key = ReadPair(line);
    uint32_t data;
    line >> std::hex >> data;
    CHECK(Equal(FoldIn(key, data), ReadPair(line)), text);
  } else if (kind == "split") {
    TestSplit(line, text);
  } else if (kind == "bits" || kind == "uniform") {
    std::string stream_name, name;
    int64_t size;
    line >> stream_name >> name >> size;
    const auto [draw, width] = DrawsByName().at(name);
    const Pair key = ReadPair(line);
    CHECK(Fill(draw, ParseStream(stream_name), size, key, width) == ReadElements(line, width),
          text);
  } else if (kind == "digest") {
    std::string stream_name, name;
    int64_t size;
    line >> name >> stream_name >> size;
    const auto [draw, width] = DrawsByName().at(name);
    const Pair key = ReadPair(line);
    uint64_t hash;
    line >> std::hex >> hash;
    CHECK(Fnv1a(Fill(draw, ParseStream(stream_name), size, key, width)) == hash, text);
  } else {
    CHECK(false && "a known kind of line", text);
  }
}

}  // namespace
}  // namespace brainvar

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ifstream file(argv[1]);
  std::string line;
  while (std::getline(file, line)) {
    if (!line.empty() && line[0] != '#') brainvar::TestLine(line);
  }
  std::printf("SIMD level: %s\n", brainvar::cpu::SimdLevel());
  return brainvar::test::Report("known answers");
}
