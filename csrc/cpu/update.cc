#include "cpu/update.h"

#include <algorithm>

#include "cpu/masks.h"
#include "cpu/update_regions.h"

namespace brainvar::cpu {
namespace {

// Elements that lie apart cost about as much as a line of the cache each, and as one out of it.
constexpr double kApartNanoseconds = 1.0;
constexpr double kScatterNanoseconds = 1.0;
constexpr double kMaskNanoseconds = 0.05;
// Dimensions of fewer positions than this are not shared among threads if there is a longer one.
constexpr int64_t kSplitPositions = 64;
constexpr int64_t kSelectBlock = 1 << 14;

Arrays LaneArrays(const UpdateBatch& update, int64_t lane) {
  return {*update.loops, update.Target(lane), update.size, update.values.Get(lane),
          update.values_size};
}

// The dimension of a region to share among threads: the outermost, if it has enough positions.
int SplitOf(const Region& region) {
  int split = std::max(region.rank - 1, 0);
  for (int d = split; d >= 0 && region.rank > 0; --d) {
    if (region.extents[split].count >= kSplitPositions) break;
    if (region.extents[d].count > region.extents[split].count) split = d;
  }
  return split;
}

double RegionNanoseconds(const UpdateLoops& loops, const Region& region) {
  const bool apart = region.rank > 0 && region.extents[0].stride != 1;
  return static_cast<double>(region.positions()) * (apart ? kApartNanoseconds : loops.nanoseconds);
}

}  // namespace

SlicesJob::SlicesJob(const UpdateBatch& update) : update_(update) {
  if (update.batch == 0 || update.size == 0 || update.values_size == 0) return;
  AddSpec(update.spec.Get<uint32_t>(0), update.dims, update.rank, region_);
  const bool shared = update.batch == 1 || update.spec.bytes == 0;
  if (shared && region_.empty) return;
  if (shared && region_.ValuesInside(update.values_size)) {
    // One spec for all lanes: the batch is one more dimension.
    region_.AddOuter({update.batch, update.size, update.values.bytes / update.loops->elem_bytes});
    positions_ = region_.positions();
    nanoseconds_ = RegionNanoseconds(*update.loops, region_);
    split_ = SplitOf(region_);
    units_ = region_.rank == 0 ? 1 : region_.extents[split_].count;
    return;
  }
  units_ = update.batch;
  for (int64_t lane = 0; lane < update.batch; ++lane) {
    Region region;
    AddSpec(update.spec.Get<uint32_t>(lane), update.dims, update.rank, region);
    positions_ += region.positions();
    nanoseconds_ += RegionNanoseconds(*update.loops, region);
  }
}

void SlicesJob::Run(int64_t begin, int64_t end) const {
  if (split_ >= 0) {
    const Arrays arrays = {*update_.loops, update_.Target(0), 0, update_.values.Get(0), 0};
    if (end - begin == units_) {
      RunRegion(arrays, region_, true);
    } else {
      Region part = region_;
      part.Narrow(split_, begin, end);
      RunRegion(arrays, part, true);
    }
    return;
  }
  for (int64_t lane = begin; lane < end; ++lane) {
    Region region;
    AddSpec(update_.spec.Get<uint32_t>(lane), update_.dims, update_.rank, region);
    if (region.empty) continue;
    RunRegion(LaneArrays(update_, lane), region, region.ValuesInside(update_.values_size));
  }
}

// The rows of an update of one lane are in order and cannot be shared among threads, but their
// elements can: if the region has enough, the units run over one of its dimensions.
RowUnits::RowUnits(const UpdateBatch& update)
    : units(update.size == 0 || update.values_size == 0 ? 0 : update.batch) {}

RowUnits::RowUnits(const UpdateBatch& update, const Region& region) : RowUnits(update) {
  if (units != 1 || region.empty || region.rank == 0) return;
  const int longest = SplitOf(region);
  if (region.extents[longest].count < kSplitPositions) return;
  split = longest;
  units = region.extents[split].count;
}

// Are rows either the same elements or none in common? Offsets to rows of whole trailing dimensions
// are; others might let the elements of one part of the rows be those of another part.
template <typename Offset>
bool Aligned(const UpdateBatch& update, const Region& region, const Offset* offsets,
             int64_t count) {
  int64_t pace = 1;
  for (int64_t d = update.rank - 1; d >= 0 && pace <= region.base + region.span(); --d) {
    pace *= update.dims[d];
  }
  for (int64_t k = 0; k < count; ++k) {
    const auto offset = static_cast<int64_t>(offsets[k]);
    if (offset > 0 && offset % pace != 0) return false;  // negative ones are dropped
  }
  return true;
}

OffsetsJob::OffsetsJob(const UpdateBatch& update, Lanes offsets, int64_t count, bool wide)
    : update_(update), offsets_(offsets), count_(count), wide_(wide) {
  if (update.batch == 0) return;
  Region region;
  AddSpec(update.spec.Get<uint32_t>(0) + kSpecRowWords, update.dims, update.rank, region);
  rows_ = RowUnits(update, region);
  if (rows_.split >= 0 && !(wide ? Aligned(update, region, offsets.Get<int64_t>(0), count)
                                 : Aligned(update, region, offsets.Get<int32_t>(0), count))) {
    rows_ = RowUnits(update);
  }
  nanoseconds_ = static_cast<double>(update.batch) * static_cast<double>(count) *
                 (kScatterNanoseconds + RegionNanoseconds(*update.loops, region));
}

void OffsetsJob::Run(int64_t begin, int64_t end) const {
  for (int64_t lane = rows_.FirstLane(begin); lane < rows_.LastLane(end); ++lane) {
    const auto* spec = update_.spec.Get<uint32_t>(lane);
    const SpecRow list = ReadSpecRow(spec, 0);
    const int64_t count = std::min(count_, list.count);
    Region region;
    AddSpec(spec + kSpecRowWords, update_.dims, update_.rank, region);
    if (region.empty || count <= 0) continue;
    if (rows_.split >= 0) region.Narrow(rows_.split, begin, end);
    const Arrays arrays = LaneArrays(update_, lane);
    const Rows rows(arrays, region, count, list.value_stride);
    if (wide_) {
      rows.Run(offsets_.Get<int64_t>(lane), count, 0);
    } else {
      rows.Run(offsets_.Get<int32_t>(lane), count, 0);
    }
  }
}

MaskedJob::MaskedJob(const UpdateBatch& update, Lanes mask, int64_t mask_rank)
    : update_(update), mask_(mask), mask_rank_(mask_rank) {
  for (int64_t d = 0; d < update.rank; ++d) {
    (d < mask_rank ? mask_size_ : trailing_) *= update.dims[d];
  }
  if (update.batch == 0 || update.size == 0 || update.values_size == 0) return;
  select_ = trailing_ == 1;
  const int64_t specs = update.spec.bytes == 0 ? 1 : update.batch;
  for (int64_t lane = 0; lane < specs && select_; ++lane) {
    const SpecRow list = ReadSpecRow(update.spec.Get<uint32_t>(lane), 0);
    const Region region = LaneRegion(lane);
    select_ = !region.empty && list.value_stride == 0 && list.count >= mask_size_ &&
              region.ValuesInside(update.values_size);
  }
  const auto places = static_cast<double>(update.batch) * static_cast<double>(mask_size_);
  if (select_) {
    rows_.units = update.batch * ((mask_size_ + kSelectBlock - 1) / kSelectBlock);
    nanoseconds_ = places * (kMaskNanoseconds + update.loops->nanoseconds);
  } else {
    const Region region = LaneRegion(0);
    rows_ = RowUnits(update, region);
    nanoseconds_ = places * (kScatterNanoseconds + RegionNanoseconds(*update.loops, region));
  }
}

Region MaskedJob::LaneRegion(int64_t lane) const {
  Region region;
  AddSpec(update_.spec.Get<uint32_t>(lane) + kSpecRowWords, update_.dims + mask_rank_,
          update_.rank - mask_rank_, region);
  return region;
}

void MaskedJob::Run(int64_t begin, int64_t end) const {
  if (select_) {
    const int64_t blocks = rows_.units / update_.batch;  // per lane
    for (; begin < end; ++begin) SelectBlock(begin / blocks, begin % blocks);
    return;
  }
  for (int64_t lane = rows_.FirstLane(begin); lane < rows_.LastLane(end); ++lane) {
    const auto* mask = mask_.Get<bool>(lane);
    const SpecRow list = ReadSpecRow(update_.spec.Get<uint32_t>(lane), 0);
    const int64_t count = std::min(list.count, mask_size_);
    Region region = LaneRegion(lane);
    if (region.empty || count <= 0) continue;
    if (rows_.split >= 0) region.Narrow(rows_.split, begin, end);
    const Arrays arrays = LaneArrays(update_, lane);
    const Rows rows(arrays, region, count, list.value_stride);
    int64_t found[kMaskPiece];
    int64_t row = 0;
    for (int64_t first = 0; first < mask_size_ && row < count; first += kMaskPiece) {
      const int64_t last = std::min(first + kMaskPiece, mask_size_);
      const int64_t all = FindTrue(mask, first, last, found);
      const int64_t here = std::min(all, count - row);
      if (all == last - first) {
        rows.RunDense(first * trailing_, trailing_, here, row);
      } else {
        for (int64_t k = 0; k < here && trailing_ != 1; ++k) found[k] *= trailing_;
        rows.Run(found, here, row);
      }
      row += here;
    }
  }
}

void MaskedJob::SelectBlock(int64_t lane, int64_t block) const {
  const int64_t first = block * kSelectBlock;
  const int64_t bytes = update_.loops->elem_bytes;
  update_.loops->select(update_.Target(lane) + first * bytes, mask_.Get<bool>(lane) + first,
                        std::min(kSelectBlock, mask_size_ - first),
                        update_.values.Get(lane) + LaneRegion(lane).value_base * bytes);
}

}  // namespace brainvar::cpu
