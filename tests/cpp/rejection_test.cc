// The block loops of the samplers that reject against the model: over distributions, parameters,
// batches, and ways of cutting the work.
#include "cpu/rejection.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "check.h"
#include "core/blocks.h"
#include "rejection_model.h"

namespace brainvar {
namespace {

using cpu::Parameter;
using cpu::RejectionJob;
using test::CountCase;
using test::Distribution;
using test::GammaCase;

// Every parameter array is read from the lists in turn; `group` elements share a value.
template <typename C>
void TestCase(const std::vector<std::vector<double>>& lists, int64_t batch, int64_t size,
              int64_t group) {
  const int64_t total = batch * size;
  std::vector<uint32_t> keys;
  for (int64_t b = 0; b < batch; ++b) {
    const Pair key = Threefry2x32({5, 6}, {static_cast<uint32_t>(b), 0});
    keys.push_back(key.x0);
    keys.push_back(key.x1);
  }
  std::vector<typename C::Stored> stored[C::kParameters];
  Parameter parameters[cpu::kMaxParameters];
  for (int p = 0; p < C::kParameters; ++p) {
    for (int64_t i = 0; i * group < total; ++i) {
      stored[p].push_back(static_cast<typename C::Stored>(lists[p][i % lists[p].size()]));
    }
    parameters[p] = {stored[p].data(), C::kStored, group};
  }

  std::vector<typename C::Out> wanted;
  for (int64_t i = 0; i < total; ++i) {
    double x[C::kParameters];
    for (int p = 0; p < C::kParameters; ++p) x[p] = stored[p][i / group];
    const int64_t b = i / size;
    wanted.push_back(C::Element({keys[2 * b], keys[2 * b + 1]}, i % size, x));
  }
  for (const int64_t pieces : {1, 3, 7}) {
    std::vector<typename C::Out> out(total);
    Block whole;
    whole.Append({static_cast<uint64_t>(size), static_cast<uint64_t>(size), 0});
    const RejectionJob job(C::kDistribution, whole, batch, keys.data(), parameters, C::kOut,
                           out.data());
    for (int64_t p = 0; p < pieces; ++p) {
      job.Run(job.units() * p / pieces, job.units() * (p + 1) / pieces);
    }
    const std::string where = "distribution " + std::to_string(static_cast<int>(C::kDistribution)) +
                              ", batch " + std::to_string(batch) + ", size " +
                              std::to_string(size) + ", group " + std::to_string(group) +
                              ", pieces " + std::to_string(pieces);
    CHECK(std::memcmp(out.data(), wanted.data(), total * sizeof(typename C::Out)) == 0, where);
  }
}

template <typename C>
void TestAll(const std::vector<std::vector<double>>& lists) {
  for (const int64_t batch : {1, 3, 40}) {
    for (const int64_t size : {1, 2, 63, 64, 300, 1025}) {
      TestCase<C>(lists, batch, size, 1);             // one value per element
      TestCase<C>(lists, batch, size, size);          // per key
      TestCase<C>(lists, batch, size, batch * size);  // in all
      if (size % 5 == 0) TestCase<C>(lists, batch, size, 5);
    }
  }
  for (const double first : lists[0]) {  // each value in all
    std::vector<std::vector<double>> one = lists;
    one[0] = {first};
    TestCase<C>(one, 1, 700, 700);
  }
}

// Blocks of two dimensions: each element is that of the whole at its place.
template <typename C>
void TestBlocks(const std::vector<std::vector<double>>& lists) {
  constexpr int64_t kRows = 7, kColumns = 300, kBatch = 3;
  double x[C::kParameters];
  typename C::Stored stored[C::kParameters];
  Parameter parameters[cpu::kMaxParameters];
  std::vector<uint32_t> keys;
  for (uint32_t b = 0; b < 2 * kBatch; ++b) keys.push_back(b + 1);
  for (const std::vector<int64_t>& local :
       {std::vector<int64_t>{2, 300}, {7, 10}, {4, 100}, {7, 140}}) {
    const int64_t size = local[0] * local[1];
    for (int p = 0; p < C::kParameters; ++p) {
      stored[p] = static_cast<typename C::Stored>(lists[p][0]);
      x[p] = stored[p];
      parameters[p] = {&stored[p], C::kStored, kBatch * size};
    }
    for (int64_t row = 0; row < kRows; row += local[0]) {
      for (int64_t column = 0; column < kColumns; column += local[1]) {
        Block block;
        block.Append({kRows, static_cast<uint64_t>(local[0]), static_cast<uint64_t>(row)});
        block.Append({kColumns, static_cast<uint64_t>(local[1]), static_cast<uint64_t>(column)});
        std::vector<typename C::Out> out(kBatch * size);
        const RejectionJob job(C::kDistribution, block, kBatch, keys.data(), parameters, C::kOut,
                               out.data());
        job.Run(0, job.units() / 3);
        job.Run(job.units() / 3, job.units());
        bool same = true;
        for (int64_t i = 0; i < kBatch * size; ++i) {
          const int64_t r = row + i % size / local[1], c = column + i % local[1], b = i / size;
          if (r >= kRows || c >= kColumns) continue;  // padding
          const auto wanted = C::Element({keys[2 * b], keys[2 * b + 1]}, r * kColumns + c, x);
          same = same && std::memcmp(&wanted, &out[i], sizeof(wanted)) == 0;
        }
        CHECK(same, "block at " + std::to_string(row) + ", " + std::to_string(column));
      }
    }
  }
}

void TestElementaryFunctions() {
  double worst = 0, worst_single = 0;
  for (double x = -700; x < 0; x += 0.37) {
    worst = std::fmax(worst, std::fabs(internal::Exp(x) / std::exp(x) - 1));
    const double single = std::exp(static_cast<double>(static_cast<float>(x)));
    if (x > -87) {
      worst_single =
          std::fmax(worst_single, std::fabs(internal::Exp(static_cast<float>(x)) / single - 1));
    }
  }
  CHECK(worst < 1e-15, "Exp, double: " + std::to_string(worst));
  CHECK(worst_single < 3e-7, "Exp, float: " + std::to_string(worst_single));
  CHECK(internal::Exp(-1e9) == 0.0 && internal::Exp(-1e9f) == 0.0f, "Exp far below");
  CHECK(internal::Exp(0.0) == 1.0 && internal::Exp(0.0f) == 1.0f, "Exp of 0");
  worst = 0;
  for (double x = 1e-18; x < 1e6; x *= 1.07) {
    worst = std::fmax(worst, std::fabs(internal::Log1p(x) / std::log1p(x) - 1));
    if (x < 1) worst = std::fmax(worst, std::fabs(internal::Log1p(-x) / std::log1p(-x) - 1));
  }
  CHECK(worst < 2e-15, "Log1p: " + std::to_string(worst));
  for (const double mean : {10.0, 31.5, 1e4, 1e9}) {
    const double deviation = std::sqrt(mean);
    for (double k = std::fmax(0, std::floor(mean - 6 * deviation)); k < mean + 6 * deviation;
         k += std::ceil(deviation / 5)) {
      const PoissonTerm term(k, mean);
      const double exact = k * std::log(mean) - mean - std::lgamma(k + 1);
      // lgamma itself rounds: relative to its size.
      const double tolerance = 1e-9 + 1e-15 * mean * std::log(mean);
      CHECK(std::fabs(std::log(term.scale) - term.rest - exact) < tolerance,
            "PoissonTerm " + std::to_string(k) + " of " + std::to_string(mean));
    }
  }
  CHECK(Unit52({0, 0}) > 0.0 && Unit52({~0u, ~0u}) < 1.0, "Unit52 is open");
  CHECK(Exponential(0u) > 22.0f && Exponential(~0u) > 0.0f, "Exponential");
}

}  // namespace
}  // namespace brainvar

int main() {
  using namespace brainvar;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  TestElementaryFunctions();
  const std::vector<std::vector<double>> shapes = {
      {0.5, 3.0, 1e-6, 1.0, 1e8, 0.0, 2.0, -1.0, 17.0, nan, 0.999, infinity, 1e-38, 3e38}};
  TestAll<GammaCase<float, false>>(shapes);
  TestAll<GammaCase<float, true>>(shapes);
  TestAll<GammaCase<double, false>>(shapes);
  TestAll<GammaCase<double, true>>(shapes);
  const std::vector<std::vector<double>> rates = {
      {0.0, 5.0, 1e-8, 10.0, 1e9, 9.999, 50.0, nan, 1e30, -1.0, 1e15, infinity}};
  TestAll<CountCase<Poisson, Distribution::kPoisson, int32_t>>(rates);
  TestAll<CountCase<Poisson, Distribution::kPoisson, int64_t>>(rates);
  const std::vector<std::vector<double>> trials = {
      {10.0, 0.0, 1000.0, 2147483647.0, 50.0, -1.0, 9e15, 21.0},
      {0.5, 0.0, 1.0, 1e-9, 0.25, 0.999, nan, 1.5, 0.4, 1e-3, 0.6}};
  TestAll<CountCase<Binomial, Distribution::kBinomial, int32_t>>(trials);
  TestAll<CountCase<Binomial, Distribution::kBinomial, int64_t>>(trials);
  const std::vector<std::vector<double>> urns = {
      {20.0, 5.0, 0.0, 100.0, 1e9, 2147483647.0, 3.0, -1.0, 11.0},
      {30.0, 5.0, 7.0, 1e6, 40.0, 11.0, 2147483647.0},
      {15.0, 3.0, 0.0, 60.0, 1.0, 5e5, 18.0, 11.0}};
  TestAll<CountCase<Hypergeometric, Distribution::kHypergeometric, int32_t>>(urns);
  TestAll<CountCase<Hypergeometric, Distribution::kHypergeometric, int64_t>>(urns);
  TestBlocks<GammaCase<float, false>>(shapes);
  TestBlocks<CountCase<Poisson, Distribution::kPoisson, int32_t>>({{40.0}});
  TestBlocks<CountCase<Binomial, Distribution::kBinomial, int32_t>>(trials);
  return test::Report("rejection");
}
