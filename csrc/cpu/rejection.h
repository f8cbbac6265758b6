// Filling an output array with samples of a distribution that rejects.
#ifndef BRAINVAR_CPU_REJECTION_H_
#define BRAINVAR_CPU_REJECTION_H_

#include <cstdint>

#include "core/blocks.h"
#include "core/threefry.h"

namespace brainvar::cpu {

enum class Distribution {
  kGammaF32,
  kGammaF64,
  kLogGammaF32,
  kLogGammaF64,
  kPoisson,
  kBinomial,
  kHypergeometric
};

// How many elements are worked on together: enough for vectors, few enough for the L1 cache.
constexpr int kBlockElements = 256;

// Where the random words of a block of elements come from: one key and consecutive indices, or a
// key and an index for each element.
struct BlockSource {
  // The keys of the blocks 0, 1, ... of one key; the rest is rarely needed.
  static constexpr uint32_t kReady = 8;

  bool one_key;
  Pair key;
  Pair ready[kReady];
  uint32_t high;  // of the first index; the same for all elements
  uint32_t low;

  uint32_t k0[kBlockElements];
  uint32_t k1[kBlockElements];
  uint32_t highs[kBlockElements];
  uint32_t lows[kBlockElements];
};

// Draws `count` elements. `parameters` has kBlockElements values per parameter of the
// distribution, or one, `shared` by all elements; `values` takes the samples. Both are of the
// distribution's real type.
using BlockLoop = void (*)(const BlockSource& source, int count, const void* parameters,
                           bool shared, void* values);

void GammaF32Block(const BlockSource&, int, const void*, bool, void*);
void GammaF64Block(const BlockSource&, int, const void*, bool, void*);
void LogGammaF32Block(const BlockSource&, int, const void*, bool, void*);
void LogGammaF64Block(const BlockSource&, int, const void*, bool, void*);
void PoissonBlock(const BlockSource&, int, const void*, bool, void*);
void BinomialBlock(const BlockSource&, int, const void*, bool, void*);
void HypergeometricBlock(const BlockSource&, int, const void*, bool, void*);

enum class Number { kF32, kF64, kS32, kS64 };

// A parameter array in row-major order, each value for `group` consecutive elements.
struct Parameter {
  const void* data;
  Number type;
  int64_t group;
};

constexpr int kMaxParameters = 3;

// The block of the samples of each of `batch` keys; its padding is of no distribution. The units of
// work are the elements, so threads may share a job in any way.
class RejectionJob {
 public:
  RejectionJob(Distribution distribution, const Block& block, int64_t batch, const uint32_t* keys,
               const Parameter* parameters, Number type, void* out);

  int64_t units() const { return batch_ * size_; }
  double nanoseconds() const;
  int64_t bytes() const;

  // Does the units [begin, end). Does not throw and does not allocate.
  void Run(int64_t begin, int64_t end) const;

 private:
  template <typename Real>
  void RunAs(int64_t begin, int64_t end) const;
  int SourceOf(int64_t begin, int64_t end, BlockSource& source) const;
  int OneKey(Pair key, const brainvar::Run& run, int64_t offset, int64_t left,
             BlockSource& source) const;
  template <typename Real>
  bool Load(int64_t begin, int count, Real* values) const;
  template <typename Real>
  void Store(int64_t begin, int count, const Real* values) const;

  Distribution distribution_;
  Block block_;
  int64_t batch_;
  int64_t size_;  // of the block
  int64_t run_;   // how many of its elements are consecutive
  const uint32_t* keys_;
  int parameter_count_;
  Parameter parameters_[kMaxParameters];
  Number type_;
  void* out_;
};

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_REJECTION_H_
