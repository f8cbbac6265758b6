// Compiled, never run: shows that csrc/core is valid device code.
#include <cstdint>

#include "core/blocks.h"
#include "core/combine.h"
#include "core/distributions.h"
#include "core/indexing.h"
#include "core/rejection.h"
#include "core/rejection_counts.h"
#include "core/rejection_gamma.h"
#include "core/rejection_hypergeometric.h"
#include "core/streams.h"
#include "core/threefry.h"

namespace brainvar {

template <typename D>
__device__ void StoreElement(Pair key, uint64_t size, uint64_t i, Stream stream,
                             typename D::Elem* out) {
  using Word = std::conditional_t<D::kWidth == 64, uint64_t, uint32_t>;
  out[i] = D::Convert(static_cast<Word>(ElementBits(key, size, i, D::kWidth, stream)));
}

__global__ void Instantiate(Pair key, uint64_t size, Stream stream, void* out) {
  const uint64_t i = blockIdx.x * uint64_t{blockDim.x} + threadIdx.x;
  if (i >= size) return;
  StoreElement<RawBits<uint8_t>>(key, size, i, stream, static_cast<uint8_t*>(out));
  StoreElement<RawBits<uint16_t>>(key, size, i, stream, static_cast<uint16_t*>(out));
  StoreElement<RawBits<uint32_t>>(key, size, i, stream, static_cast<uint32_t*>(out));
  StoreElement<RawBits<uint64_t>>(key, size, i, stream, static_cast<uint64_t*>(out));
  StoreElement<UniformF16>(key, size, i, stream, static_cast<uint16_t*>(out));
  StoreElement<UniformBF16>(key, size, i, stream, static_cast<uint16_t*>(out));
  StoreElement<UniformF32>(key, size, i, stream, static_cast<float*>(out));
  StoreElement<UniformF64>(key, size, i, stream, static_cast<double*>(out));
  StoreElement<NormalF32>(key, size, i, stream, static_cast<float*>(out));
  StoreElement<NormalF64>(key, size, i, stream, static_cast<double*>(out));
  Pair* pairs = static_cast<Pair*>(out);
  pairs[i] = SplitRow(key, size, i, stream);
  Block block;
  block.Append({size, 2, i});
  pairs[i].x1 ^= static_cast<uint32_t>(block.GetRun(i).begin + block.RunLength() +
                                       block.LocalSize() + block.Size());
  const Advanced advanced = Advance(FoldIn(key, static_cast<uint32_t>(i)), stream);
  pairs[i] = advanced.next;
  pairs[i].x0 ^= advanced.subkey.x1 ^ ConvertWord<RawBits<uint8_t>>(pairs[i].x1) ^
                 ConvertPair<RawBits<uint32_t>>(pairs[i]);
}

template <typename T>
__device__ void CombineElement(int64_t i, const void* values, void* target) {
  const T value = static_cast<const T*>(values)[i];
  T& element = static_cast<T*>(target)[i];
  element = Set::Apply(element, value);
  element = Add::Apply(element, value);
  element = Multiply::Apply(element, value);
  element = Minimum::Apply(element, value);
  element = Maximum::Apply(element, value);
}

__global__ void InstantiateUpdate(const uint32_t* spec, const int64_t* dims, int64_t rank,
                                  int64_t size, const void* values, int64_t values_size,
                                  void* target) {
  Region region;
  AddSpec(spec, dims, rank, region);
  if (region.empty || !region.ValuesInside(values_size)) return;
  region.AddOuter({2, size, 0});
  region.Narrow(0, 0, 1);
  const int64_t i = region.base + region.span() + region.positions();
  const Interval inside = Intersect(Inside(i, 2, 1, size), Inside(i, 2, 1, values_size));
  if (inside.begin >= inside.end) return;
  CombineElement<uint8_t>(i, values, target);
  CombineElement<int16_t>(i, values, target);
  CombineElement<uint32_t>(i, values, target);
  CombineElement<int64_t>(i, values, target);
  CombineElement<Float16>(i, values, target);
  CombineElement<BFloat16>(i, values, target);
  CombineElement<float>(i, values, target);
  CombineElement<double>(i, values, target);
  CombineElement<Complex<float>>(i, values, target);
  CombineElement<Complex<double>>(i, values, target);
}

template <typename T, bool kLog>
__device__ T GammaElement(Pair key, uint64_t i, T alpha) {
  using D = Gamma<T>;
  const D constants = D::Make(alpha);
  T value = 0;
  for (uint32_t attempt = 0; attempt < 100; ++attempt) {
    const uint32_t number = D::FirstBlock(attempt);
    const Pair first = ElementBlock(BlockKey(key, number), i);
    const Pair last = ElementBlock(BlockKey(key, number + D::kBlocks - 1), i);
    if (constants.Try(first, last, value)) break;
  }
  return constants.template Finish<kLog>(alpha, value, ElementBlock(BlockKey(key, 0), i));
}

template <typename D>
__device__ double CountElement(Pair key, uint64_t i, const double (&parameters)[D::kParameters]) {
  const D constants = D::Make(parameters);
  Search at = constants.Start();
  const double uniform = Unit52(ElementBlock(BlockKey(key, 0), i));
  for (int k = 1; constants.search != 0.0 && at.Wants(uniform); ++k) {
    constants.Step(k, 1.0 / k, at);
    at.sum += at.probability;
    at.count += 1.0;
  }
  double value = at.count;
  for (uint32_t attempt = 0; constants.search == 0.0 && attempt < 100; ++attempt) {
    if (constants.Try(ElementBlock(BlockKey(key, CountBlock(attempt)), i), value)) break;
  }
  return D::Finish(parameters, value);
}

__global__ void InstantiateRejection(Pair key, float* singles, double* doubles) {
  const uint64_t i = blockIdx.x * uint64_t{blockDim.x} + threadIdx.x;
  singles[i] = GammaElement<float, false>(key, i, singles[i]) +
               GammaElement<float, true>(key, i, singles[i]);
  doubles[i] = GammaElement<double, false>(key, i, doubles[i]) +
               GammaElement<double, true>(key, i, doubles[i]);
  doubles[i] += CountElement<Poisson>(key, i, {doubles[i]});
  doubles[i] += CountElement<Binomial>(key, i, {doubles[i], 0.3});
  doubles[i] += CountElement<Hypergeometric>(key, i, {doubles[i], 30.0, 20.0});
}

}  // namespace brainvar
