#include "cpu/radix.h"

#include <algorithm>
#include <cstring>

#include "cpu/simd.h"

namespace brainvar::cpu {
namespace {

// Buckets of 2^10 elements, and at most 2^10 of them. Measured on one thread of a machine with
// caches of 32 KiB, 1 MiB and 32 MiB: at 1e5 and 1e6 elements buckets of 2^8 to 2^12 are equal
// within the noise (7.1 to 7.5 ns for each element of a round); more than 2^10 buckets are slower
// even where they are large: 8.9 ns at 1e7 elements with 2^10, 11.3 with 2^12; 9 and 13 at 5e7.
constexpr int kBucketBits = 10;
constexpr int kMaxFirstBits = 10;
// Up to here insertion alone is fastest.
constexpr int64_t kInsertionCount = 24;
// Parts of a vector per thread: so many that no thread waits long for another.
constexpr int64_t kPartsPerThread = 4;

int BitsFor(int64_t count) {  // the least b with 2^b >= count
  int bits = 0;
  while ((int64_t{1} << bits) < count) ++bits;
  return bits;
}

// How many leading bits choose the bucket.
int FirstBits(int64_t count) { return std::clamp(BitsFor(count) - kBucketBits, 0, kMaxFirstBits); }

// How many elements the buckets have: by far, as the words are uniform.
int64_t UsualRoom(int64_t count) { return (count >> FirstBits(count)) * 2 + 256; }

// How many of the bits that are left choose the place in a bucket.
int PlaceBits(int64_t count, int used_bits) {
  return std::clamp(BitsFor(count), 1, 32 - used_bits);
}

template <typename Item>
BRAINVAR_INLINE void InsertionSort(Item* items, int64_t count) {
  for (int64_t i = 1; i < count; ++i) {
    if (items[i].word >= items[i - 1].word) continue;
    const Item item = items[i];
    int64_t j = i;
    do {
      items[j] = items[j - 1];
      --j;
    } while (j > 0 && item.word < items[j - 1].word);
    items[j] = item;
  }
}

template <typename Item, typename Out>
void Store(const Item* items, int64_t count, Out* to, int64_t stride) {
  if (stride == 1) {
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<Out>(items[i].value);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i * stride] = static_cast<Out>(items[i].value);
  }
}

// Puts the elements [begin, end) of a vector where place(word) says.
template <typename Value, typename Out, typename Place>
BRAINVAR_INLINE void Deal(const WordSort<Out>& v, int64_t begin, int64_t end, const Place& place) {
  for (int64_t i = begin; i < end; ++i) {
    const uint32_t word = v.words[i * v.stride];
    SortItem<Value>* item = place(word);
    if (item == nullptr) continue;
    const auto value = static_cast<Value>(v.from == nullptr ? i : v.from[i * v.stride]);
    *item = {value, word};
  }
}

}  // namespace

template <typename Value>
SortSpace<Value>::SortSpace(int64_t count, int64_t threads, int64_t room)
    : parts_(threads == 1 ? 1 : threads * kPartsPerThread),
      room_count_(room == 0 ? UsualRoom(count) : room),
      place_count_(int64_t{1} << PlaceBits(room_count_, 0)),
      items_(count),
      room_(room_count_ * threads),
      places_(place_count_ * threads),
      digits_((parts_ + 1) << FirstBits(count)) {}

template <typename Value>
template <typename Out>
void SortSpace<Value>::SortBucket(SortItem<Value>* items, int64_t count, int used_bits,
                                  int64_t slot, Out* to, int64_t stride, int64_t wanted) const {
  using Item = SortItem<Value>;
  if (count <= kInsertionCount) {
    InsertionSort(items, count);
    Store(items, wanted, to, stride);
    return;
  }
  if (count > room_count_) {
    std::stable_sort(items, items + count,
                     [](const Item& a, const Item& b) { return a.word < b.word; });
    Store(items, wanted, to, stride);
    return;
  }
  Item* BRAINVAR_RESTRICT room = room_.data() + slot * room_count_;
  uint32_t* BRAINVAR_RESTRICT places = places_.data() + slot * place_count_;
  const int bits = PlaceBits(count, used_bits);
  const auto place_of = [used_bits, bits](uint32_t word) {
    return (word << used_bits) >> (32 - bits);
  };
  std::memset(places, 0, sizeof(uint32_t) << bits);
  for (int64_t i = 0; i < count; ++i) ++places[place_of(items[i].word)];
  uint32_t start = 0;
  for (int64_t p = 0; p < int64_t{1} << bits; ++p) {
    const uint32_t here = places[p];
    places[p] = start;
    start += here;
  }
  for (int64_t i = 0; i < count; ++i) room[places[place_of(items[i].word)]++] = items[i];
  InsertionSort(room, count);
  Store(room, wanted, to, stride);
}

template <typename Value>
template <typename Out>
void SortSpace<Value>::Sort(Team& team, const WordSort<Out>& vector) const {
  using Item = SortItem<Value>;
  const WordSort<Out> v = vector;
  Item* const items = items_.data();
  const int bits = FirstBits(v.count);
  if (bits == 0) {
    Item* next = items;
    Deal<Value>(v, 0, v.count, [&next](uint32_t) { return next++; });
    SortBucket(items, v.count, 0, 0, v.to, v.stride, v.wanted);
    return;
  }

  // Each part has a row of counters, which become the places of its next elements.
  const int64_t buckets = int64_t{1} << bits;
  const int shift = 32 - bits;
  const int64_t parts = std::min(parts_, v.count >> kBucketBits);
  Value* const rows = digits_.data();
  Value* const starts = rows + parts * buckets;
  const auto first_of = [&v, parts](int64_t part) {
    return v.count / parts * part + std::min(part, v.count % parts);
  };
  team.For(parts, [&](int64_t part, int64_t) {
    Value* row = rows + part * buckets;
    std::memset(row, 0, sizeof(Value) * buckets);
    const int64_t end = first_of(part + 1);
    for (int64_t i = first_of(part); i < end; ++i) ++row[v.words[i * v.stride] >> shift];
  });

  Value start = 0;
  int64_t used = 0;  // buckets that hold a wanted element
  for (int64_t b = 0; b < buckets; ++b) {
    starts[b] = start;
    if (static_cast<int64_t>(start) < v.wanted) used = b + 1;
    for (int64_t part = 0; part < parts; ++part) {
      const Value here = rows[part * buckets + b];
      rows[part * buckets + b] = start;
      start += here;
    }
  }
  const auto start_of = [&](int64_t b) {
    return b < buckets ? static_cast<int64_t>(starts[b]) : v.count;
  };

  team.For(parts, [&](int64_t part, int64_t) {
    Value* row = rows + part * buckets;
    const int64_t begin = first_of(part), end = first_of(part + 1);
    if (used == buckets) {
      Deal<Value>(v, begin, end, [=](uint32_t word) { return items + row[word >> shift]++; });
    } else {
      Deal<Value>(v, begin, end, [=](uint32_t word) -> Item* {
        return word >> shift < used ? items + row[word >> shift]++ : nullptr;
      });
    }
  });

  const int64_t groups = std::min(used, parts * 4);
  team.For(groups, [&](int64_t group, int64_t slot) {
    const int64_t last = used * (group + 1) / groups;
    for (int64_t b = used * group / groups; b < last; ++b) {
      const int64_t from = start_of(b), count = start_of(b + 1) - from;
      SortBucket(items + from, count, bits, slot, v.to + from * v.stride, v.stride,
                 std::min(count, v.wanted - from));
    }
  });
}

template class SortSpace<uint32_t>;
template class SortSpace<uint64_t>;
template void SortSpace<uint32_t>::Sort(Team&, const WordSort<int32_t>&) const;
template void SortSpace<uint32_t>::Sort(Team&, const WordSort<int64_t>&) const;
template void SortSpace<uint64_t>::Sort(Team&, const WordSort<int64_t>&) const;

}  // namespace brainvar::cpu
