#include <algorithm>
#include <limits>

#include "core/rejection.h"
#include "cpu/rejection.h"

namespace brainvar::cpu {
namespace {

struct Properties {
  BlockLoop loop;
  bool single;  // whether the real type is float
  int parameters;
  float nanoseconds;  // rough cost of one element on one core, to decide about threads
};

const Properties& Of(Distribution distribution) {
  static constexpr Properties kProperties[] = {
      {GammaF32Block, true, 1, 6.0f},         {GammaF64Block, false, 1, 15.0f},
      {LogGammaF32Block, true, 1, 6.0f},      {LogGammaF64Block, false, 1, 15.0f},
      {PoissonBlock, false, 1, 12.0f},        {BinomialBlock, false, 2, 15.0f},
      {HypergeometricBlock, false, 3, 30.0f},
  };
  return kProperties[static_cast<int>(distribution)];
}

// Shorter runs of elements share their blocks with others.
constexpr int64_t kMinRun = 64;

template <typename Stored, typename Real>
void LoadRange(const Parameter& parameter, int64_t begin, int count, Real* values) {
  const auto* data = static_cast<const Stored*>(parameter.data);
  if (parameter.group == 1) {
    for (int i = 0; i < count; ++i) values[i] = static_cast<Real>(data[begin + i]);
    return;
  }
  int64_t at = begin / parameter.group;
  int64_t left = parameter.group - begin % parameter.group;
  for (int i = 0; i < count; ++i) {
    values[i] = static_cast<Real>(data[at]);
    if (--left == 0) {
      ++at;
      left = parameter.group;
    }
  }
}

// The integer nearest to a count, which is one except where the type has no room for it.
template <typename Int>
Int ToInteger(double value) {
  constexpr double kEnd = sizeof(Int) == 4 ? 2147483648.0 : 9223372036854775808.0;
  if (value >= kEnd) return std::numeric_limits<Int>::max();
  return static_cast<Int>(value);
}

}  // namespace

RejectionJob::RejectionJob(Distribution distribution, const Block& block, int64_t batch,
                           const uint32_t* keys, const Parameter* parameters, Number type,
                           void* out)
    : distribution_(distribution),
      block_(block),
      batch_(batch),
      size_(static_cast<int64_t>(block.LocalSize())),
      run_(static_cast<int64_t>(block.RunLength())),
      keys_(keys),
      parameter_count_(Of(distribution).parameters),
      parameters_{},
      type_(type),
      out_(out) {
  std::copy_n(parameters, parameter_count_, parameters_);
}

double RejectionJob::nanoseconds() const {
  return static_cast<double>(units()) * Of(distribution_).nanoseconds;
}

int64_t RejectionJob::bytes() const {
  return units() * (type_ == Number::kF32 || type_ == Number::kS32 ? 4 : 8);
}

void RejectionJob::Run(int64_t begin, int64_t end) const {
  if (Of(distribution_).single) {
    RunAs<float>(begin, end);
  } else {
    RunAs<double>(begin, end);
  }
}

template <typename Real>
void RejectionJob::RunAs(int64_t begin, int64_t end) const {
  const BlockLoop loop = Of(distribution_).loop;
  BlockSource source;
  source.one_key = false;
  Real parameters[kMaxParameters * kBlockElements];
  Real values[kBlockElements];
  while (begin < end) {
    const int count = SourceOf(begin, end, source);
    const bool shared = Load(begin, count, parameters);
    loop(source, count, parameters, shared, values);
    Store(begin, count, values);
    begin += count;
  }
}

// Says where the next elements from `begin` on come from, and how many they are.
int RejectionJob::SourceOf(int64_t begin, int64_t end, BlockSource& source) const {
  int64_t key = begin / size_;
  int64_t run = begin % size_ / run_;
  int64_t offset = begin % size_ % run_;
  const auto key_at = [this](int64_t k) { return Pair{keys_[2 * k], keys_[2 * k + 1]}; };
  brainvar::Run place = block_.GetRun(static_cast<uint64_t>(run));
  if (run_ >= kMinRun) return OneKey(key_at(key), place, offset, end - begin, source);
  source.one_key = false;
  Pair own = key_at(key);
  const auto count = static_cast<int>(std::min<int64_t>(kBlockElements, end - begin));
  for (int i = 0;;) {
    const uint64_t index = place.begin + static_cast<uint64_t>(offset);
    source.k0[i] = own.x0;
    source.k1[i] = own.x1;
    source.highs[i] = static_cast<uint32_t>(index >> 32);
    source.lows[i] = static_cast<uint32_t>(index);
    if (++i == count) return count;
    if (++offset == run_) {
      offset = 0;
      if (++run == size_ / run_) {
        run = 0;
        own = key_at(++key);
      }
      place = block_.GetRun(static_cast<uint64_t>(run));
    }
  }
}

// The same within a run, at most `left` elements. The padding at its end goes on like the rest.
int RejectionJob::OneKey(Pair key, const brainvar::Run& run, int64_t offset, int64_t left,
                         BlockSource& source) const {
  if (!source.one_key || key.x0 != source.key.x0 || key.x1 != source.key.x1) {
    source.one_key = true;
    source.key = key;
    for (uint32_t n = 0; n < BlockSource::kReady; ++n) source.ready[n] = BlockKey(key, n);
  }
  const uint64_t index = run.begin + static_cast<uint64_t>(offset);
  source.high = static_cast<uint32_t>(index >> 32);
  source.low = static_cast<uint32_t>(index);
  const int64_t same_high = (int64_t{1} << 32) - source.low;
  return static_cast<int>(std::min({int64_t{kBlockElements}, left, run_ - offset, same_high}));
}

template <typename Real>
bool RejectionJob::Load(int64_t begin, int count, Real* values) const {
  bool shared = true;
  for (int p = 0; p < parameter_count_; ++p) {
    const int64_t group = parameters_[p].group;
    shared = shared && begin / group == (begin + count - 1) / group;
  }
  for (int p = 0; p < parameter_count_; ++p) {
    Real* row = values + p * kBlockElements;
    const int wanted = shared ? 1 : count;
    switch (parameters_[p].type) {
      case Number::kF32:
        LoadRange<float>(parameters_[p], begin, wanted, row);
        break;
      case Number::kF64:
        LoadRange<double>(parameters_[p], begin, wanted, row);
        break;
      case Number::kS32:
        LoadRange<int32_t>(parameters_[p], begin, wanted, row);
        break;
      case Number::kS64:
        LoadRange<int64_t>(parameters_[p], begin, wanted, row);
        break;
    }
  }
  return shared;
}

template <typename Real>
void RejectionJob::Store(int64_t begin, int count, const Real* values) const {
  switch (type_) {
    case Number::kF32:
      std::copy_n(values, count, static_cast<float*>(out_) + begin);
      break;
    case Number::kF64:
      std::copy_n(values, count, static_cast<double*>(out_) + begin);
      break;
    case Number::kS32:
      std::transform(values, values + count, static_cast<int32_t*>(out_) + begin,
                     ToInteger<int32_t>);
      break;
    case Number::kS64:
      std::transform(values, values + count, static_cast<int64_t*>(out_) + begin,
                     ToInteger<int64_t>);
      break;
  }
}

}  // namespace brainvar::cpu
