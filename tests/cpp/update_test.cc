// Updates through specs, offsets and masks against a naive model: random shapes, strides and
// batches, specs that reach outside the arrays or hold nonsense, work cut at random places.
#include "cpu/update.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "update_model.h"

namespace brainvar::test {
namespace {

using cpu::Element;
using cpu::Lanes;
using cpu::UpdateBatch;

template <typename Job>
void RunCut(const Job& job) {
  std::vector<int64_t> cuts = {0, job.units()};
  for (int64_t n = Draw(0, 3); n > 0 && job.units() > 0; --n) cuts.push_back(Draw(0, job.units()));
  std::sort(cuts.begin(), cuts.end());
  std::vector<size_t> order(cuts.size() - 1);
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random_source);
  for (const size_t i : order) {
    if (cuts[i] < cuts[i + 1]) job.Run(cuts[i], cuts[i + 1]);
  }
}

enum class Kind { kSlices, kOffsets, kWideOffsets, kMask };

template <typename T>
void TestOne(Kind kind, UpdateOp op, Element element, bool large) {
  const int64_t rank = Draw(0, 4);
  const int64_t batch = Chance(0.5) ? 1 : Draw(0, 3);
  std::vector<int64_t> dims(rank);
  int64_t size = 1;
  for (int64_t& dim : dims) {
    dim = Draw(Chance(0.05) ? 0 : 1, large && size < 10 ? 200 : 5);
    size *= dim;
  }
  const int64_t spec_batch = Chance(0.6) ? 1 : batch;
  const int64_t value_batch = Chance(0.6) ? 1 : batch;
  const int64_t list_batch = Chance(0.6) ? 1 : batch;
  const int64_t values_size = Chance(0.05) ? 0 : Draw(1, 2 * size + 2);
  const int64_t covered = kind == Kind::kMask ? Draw(0, rank) : 0;
  const bool has_list = kind != Kind::kSlices;
  const int64_t rows_count = rank - covered + (has_list ? 1 : 0);

  Array<T> target(batch * size), values(value_batch * values_size);
  for (int64_t i = 0; i < target.size; ++i) target[i] = Make<T>(Draw(-9, 9));
  for (int64_t i = 0; i < values.size; ++i) values[i] = Make<T>(Draw(-9, 9));
  int64_t mask_size = 1;
  for (int64_t d = 0; d < covered; ++d) mask_size *= dims[d];
  const int64_t list_size = kind == Kind::kMask ? mask_size : has_list ? Draw(0, 200) : 0;
  Array<bool> mask(kind == Kind::kMask ? list_batch * list_size : 0);
  const double density = Chance(0.5) ? 0.5 : 0.01;
  for (int64_t i = 0; i < mask.size; ++i) mask[i] = Chance(density);
  Array<int32_t> narrow(kind == Kind::kOffsets ? list_batch * list_size : 0);
  Array<int64_t> wide(kind == Kind::kWideOffsets ? list_batch * list_size : 0);
  for (int64_t i = 0; i < narrow.size; ++i) {
    narrow[i] = static_cast<int32_t>(Chance(0.01) ? INT32_MIN : Draw(-2, size + 1));
  }
  for (int64_t i = 0; i < wide.size; ++i) wide[i] = Chance(0.02) ? INT64_MAX : Draw(-2, size + 1);

  bool compare = true;
  Array<uint32_t> spec(spec_batch * rows_count * kSpecRowWords);
  std::vector<std::vector<Row>> rows(spec_batch);
  for (int64_t s = 0; s < spec_batch; ++s) {
    const std::vector<int64_t> left(dims.begin() + covered, dims.end());
    for (const int64_t dim : left) {
      rows[s].push_back(MakeRow(dim, &compare));
      if (kind != Kind::kMask && has_list && Chance(0.5)) rows[s].back() = {0, 1, 1, 0};
    }
    if (has_list) {
      const int64_t count = Chance(0.8) ? list_size : Draw(-1, list_size + 1);
      rows[s].insert(rows[s].begin(), {0, count, 0, Chance(0.4) ? 0 : Draw(-1, 3)});
    }
    Encode(rows[s], spec.data.get() + s * rows_count * kSpecRowWords);
  }

  Array<T> expected(target.size);
  std::copy_n(target.data.get(), target.size, expected.data.get());
  for (int64_t b = 0; b < batch; ++b) {
    std::vector<Row> mine = rows[spec_batch == 1 ? 0 : b];
    const Row list = has_list ? mine.front() : Row{0, 1, 0, 0};
    if (has_list) mine.erase(mine.begin());
    const std::vector<int64_t> left(dims.begin() + covered, dims.end());
    const int64_t trailing = mask_size == 0 ? 0 : size / mask_size;
    int64_t k = 0;
    for (int64_t i = 0; i < (has_list ? list_size : 1) && k < list.count; ++i) {
      const int64_t at = (list_batch == 1 ? 0 : b) * list_size + i;
      int64_t offset = 0;
      if (kind == Kind::kMask && !mask[at]) continue;
      if (kind == Kind::kMask) offset = i * trailing;
      if (kind == Kind::kOffsets) offset = narrow[at];
      if (kind == Kind::kWideOffsets) offset = wide[at];
      const __int128 first = static_cast<__int128>(k++) * list.value_stride;
      Walk(mine, left, 0, 0, first, [&](int64_t position, __int128 value) {
        if (offset < 0 || offset >= size || offset + position >= size) return;
        if (value < 0 || value >= values_size) return;
        T& old = expected[b * size + offset + position];
        const int64_t lane = value_batch == 1 ? 0 : b;
        old = Combine(op, old, values[lane * values_size + static_cast<int64_t>(value)]);
      });
    }
  }

  UpdateBatch update;
  update.loops = &cpu::FindUpdateLoops(op, element);
  update.batch = batch;
  update.rank = rank;
  std::copy(dims.begin(), dims.end(), update.dims);
  update.size = size;
  update.target = target.data.get();
  const auto lanes = [](const auto& array, int64_t parts) {
    const int64_t bytes = array.size * static_cast<int64_t>(sizeof(array.data[0]));
    return Lanes{array.data.get(), parts == 1 ? 0 : bytes / std::max<int64_t>(parts, 1)};
  };
  update.values = lanes(values, value_batch);
  update.values_size = values_size;
  update.spec = lanes(spec, spec_batch);
  if (kind == Kind::kSlices) RunCut(cpu::SlicesJob(update));
  if (kind == Kind::kMask) RunCut(cpu::MaskedJob(update, lanes(mask, list_batch), covered));
  if (kind == Kind::kOffsets) {
    RunCut(cpu::OffsetsJob(update, lanes(narrow, list_batch), list_size, false));
  }
  if (kind == Kind::kWideOffsets) {
    RunCut(cpu::OffsetsJob(update, lanes(wide, list_batch), list_size, true));
  }
  bool same = true;
  for (int64_t i = 0; i < target.size && compare; ++i) {
    same = same && std::memcmp(&target[i], &expected[i], sizeof(T)) == 0;
  }
  CHECK(same, "kind " + std::to_string(static_cast<int>(kind)) + ", op " +
                  std::to_string(static_cast<int>(op)) + ", element " +
                  std::to_string(static_cast<int>(element)) + ", size " + std::to_string(size));
}

template <typename T>
void TestElement(Element element) {
  for (int op = 0; op < cpu::kUpdateOps; ++op) {
    for (const Kind kind : {Kind::kSlices, Kind::kOffsets, Kind::kWideOffsets, Kind::kMask}) {
      for (int i = 0; i < 40; ++i) TestOne<T>(kind, static_cast<UpdateOp>(op), element, i % 8 == 0);
    }
  }
}

}  // namespace
}  // namespace brainvar::test

int main() {
  using brainvar::cpu::Element;
  using brainvar::test::TestElement;
  TestElement<bool>(Element::kBool);
  TestElement<int8_t>(Element::kS8);
  TestElement<int16_t>(Element::kS16);
  TestElement<int32_t>(Element::kS32);
  TestElement<int64_t>(Element::kS64);
  TestElement<uint8_t>(Element::kU8);
  TestElement<uint16_t>(Element::kU16);
  TestElement<uint32_t>(Element::kU32);
  TestElement<uint64_t>(Element::kU64);
  TestElement<brainvar::Float16>(Element::kF16);
  TestElement<brainvar::BFloat16>(Element::kBF16);
  TestElement<float>(Element::kF32);
  TestElement<double>(Element::kF64);
  TestElement<brainvar::Complex<float>>(Element::kC64);
  TestElement<brainvar::Complex<double>>(Element::kC128);
  return brainvar::test::Report("update");
}
