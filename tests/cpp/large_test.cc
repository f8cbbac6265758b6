// Streams longer than the counters of one key, around the places where 31, 32 and 33 bits end. Few
// units are run, into memory that is reserved only: pages that nothing writes do not exist.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "check.h"
#include "core/distributions.h"
#include "core/streams.h"
#include "cpu/fill.h"

namespace brainvar {
namespace {

using cpu::Draw;
using cpu::FillJob;

constexpr int kSkipped = 77;
constexpr int64_t kAround = 3;

// The elements that a unit writes: in the original layout, the two words of a lane.
template <typename D>
std::vector<uint64_t> ElementsOf(Stream stream, uint64_t size, uint64_t lane) {
  if (stream == Stream::kPartitionable || D::kWidth == 64) return {lane};
  const PartList parts = {{0, 0}, size, kMaxPartWords};
  const uint64_t index = lane / parts.FullPartLanes();
  const Part part = parts.Get(index);
  const uint64_t first = lane % parts.FullPartLanes();
  std::vector<uint64_t> elements = {index * kMaxPartWords + first};
  if (first + part.half < part.words) elements.push_back(elements[0] + part.half);
  return elements;
}

template <typename D>
void TestCase(Draw draw, Stream stream, int64_t batch, uint64_t size) {
  using Elem = typename D::Elem;
  const std::string where = "draw " + std::to_string(static_cast<int>(draw)) + ", stream " +
                            std::to_string(static_cast<int>(stream)) + ", batch " +
                            std::to_string(batch) + ", size " + std::to_string(size);
  const size_t bytes = batch * size * sizeof(Elem);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::printf("skipped: %zu bytes of address space cannot be reserved\n", bytes);
    std::exit(kSkipped);
  }
  const uint32_t keys[] = {7, 8, 9, 10};
  const FillJob job(draw, stream, batch, static_cast<int64_t>(size), keys, nullptr, memory);
  const int64_t lanes = job.units() / batch;
  for (const int64_t place : {int64_t{0}, lanes / 2, lanes, job.units(), int64_t{1} << 31,
                              int64_t{1} << 32, int64_t{1} << 33, lanes + (int64_t{1} << 31)}) {
    const int64_t begin = std::max<int64_t>(0, place - kAround);
    const int64_t end = std::min(job.units(), place + kAround);
    if (begin >= end) continue;
    job.Run(begin, end);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t b = unit / lanes;
      for (const uint64_t i : ElementsOf<D>(stream, size, unit % lanes)) {
        const Elem wanted = static_cast<Elem>(
            ElementBits({keys[2 * b], keys[2 * b + 1]}, size, i, D::kWidth, stream));
        CHECK(static_cast<Elem*>(memory)[b * size + i] == wanted,
              where + ", element " + std::to_string(i));
      }
    }
  }
  munmap(memory, bytes);
}

}  // namespace
}  // namespace brainvar

int main() {
  using brainvar::Stream;
  using brainvar::cpu::Draw;
  constexpr uint64_t kWords = uint64_t{1} << 32;
  for (const Stream stream : {Stream::kOriginal, Stream::kPartitionable}) {
    for (const int64_t batch : {1, 2}) {
      for (const uint64_t size : {kWords - 2, kWords - 1, kWords, kWords + 7, 2 * kWords - 1}) {
        brainvar::TestCase<brainvar::RawBits<uint32_t>>(Draw::kBits32, stream, batch, size);
        brainvar::TestCase<brainvar::RawBits<uint64_t>>(Draw::kBits64, stream, batch, size);
      }
    }
  }
  return brainvar::test::Report("large");
}
