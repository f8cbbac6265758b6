// Sorting by words and random orders, against std::stable_sort of the words by their definition:
// over lengths around the thresholds, layouts, batches, axes, beginnings, words that are far from
// uniform, and teams whose threads come at once, late, or not at all.
#include "cpu/permutation.h"

#include <algorithm>
#include <functional>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "core/streams.h"
#include "cpu/pool_team.h"
#include "cpu/radix.h"

namespace brainvar {
namespace {

using cpu::PermutationTask;
using cpu::SoloTeam;
using cpu::SortSpace;
using cpu::Team;
using cpu::WordSort;

// A pool with a thread for each task, or one that begins nothing before it ends.
class ModelPool {
 public:
  explicit ModelPool(bool busy) : busy_(busy) {}
  ~ModelPool() {
    for (auto& task : waiting_) task();
    for (auto& thread : threads_) thread.join();
  }
  template <typename F>
  void Schedule(F&& task) {
    if (busy_) {
      waiting_.emplace_back(std::forward<F>(task));
    } else {
      threads_.emplace_back(std::forward<F>(task));
    }
  }

 private:
  bool busy_;
  std::vector<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
};

template <typename F>
void WithTeams(const F& run) {
  SoloTeam solo;
  run(solo, "alone");
  for (const bool busy : {false, true}) {
    ModelPool pool(busy);
    cpu::PoolTeam<ModelPool> team(pool, 3);
    run(team, busy ? "busy pool" : "pool");
  }
}

// --- sorting by given words ---------------------------------------------------------------------

using MakeWord = uint32_t (*)(uint32_t);
uint32_t Uniform(uint32_t i) { return Threefry2x32({1, 2}, {i, 0}).x0; }
uint32_t Equal(uint32_t) { return 0xFFFFFFFFu; }
uint32_t Few(uint32_t i) { return Uniform(i) & 0x80000001u; }
uint32_t Narrow(uint32_t i) { return 0x12340000u | (Uniform(i) & 0xFFFFu); }
uint32_t Falling(uint32_t i) { return ~i << 12; }

template <typename Value, typename Out>
void TestSort(MakeWord make, int64_t count, int64_t stride, int64_t wanted, int64_t room,
              bool given, Team& team, const std::string& where) {
  constexpr Out kUnwritten = -7;
  std::vector<uint32_t> words(count * stride + 1);
  std::vector<Out> values(count * stride + 1, kUnwritten);
  for (int64_t i = 0; i < count; ++i) {
    words[i * stride] = make(static_cast<uint32_t>(i));
    if (given) values[i * stride] = static_cast<Out>((i * 7 + 3) % (count + 5));
  }
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return words[a * stride] < words[b * stride]; });
  std::vector<Out> expected(count * stride + 1, kUnwritten);
  for (int64_t i = 0; i < wanted; ++i) {
    expected[i * stride] = given ? values[order[i] * stride] : static_cast<Out>(order[i]);
  }

  const SortSpace<Value> space(count, team.threads(), room);
  CHECK(space.ok(), where);
  std::vector<Out> apart(count * stride + 1, kUnwritten);
  WordSort<Out> sort = {words.data(), given ? values.data() : nullptr, apart.data(), stride, count,
                        wanted};
  space.Sort(team, sort);
  CHECK(apart == expected, where);
  if (given && wanted == count) {  // in place
    sort.to = values.data();
    space.Sort(team, sort);
    CHECK(values == expected, where + ", in place");
  }
}

void TestSorts() {
  const MakeWord kinds[] = {Uniform, Equal, Few, Narrow, Falling};
  for (int kind = 0; kind < 5; ++kind) {
    for (const int64_t count : {1, 2, 24, 25, 1024, 1025, 5000}) {
      for (const int64_t wanted : {count, (count + 2) / 3, count / 100}) {
        WithTeams([&](Team& team, const std::string& name) {
          const std::string where = "words " + std::to_string(kind) + ", " + std::to_string(count) +
                                    " elements, wanted " + std::to_string(wanted) + ", " + name;
          const MakeWord make = kinds[kind];
          for (const bool given : {false, true}) {
            TestSort<uint32_t, int32_t>(make, count, 1, wanted, 0, given, team, where);
            TestSort<uint32_t, int64_t>(make, count, 3, wanted, 0, given, team, where);
            TestSort<uint32_t, int32_t>(make, count, 1, wanted, 30, given, team, where + ", room");
            TestSort<uint64_t, int64_t>(make, count, 1, wanted, 0, given, team, where + ", wide");
          }
        });
      }
    }
  }
}

// --- random orders ------------------------------------------------------------------------------

template <typename Out>
std::vector<Out> Reference(const PermutationTask& t, const std::vector<uint32_t>& keys) {
  std::vector<Out> result;
  const auto size = static_cast<uint64_t>(t.Size());
  for (int64_t b = 0; b < t.batch; ++b) {
    Pair key = {keys[2 * b], keys[2 * b + 1]};
    std::vector<Out> orders(size);
    for (uint64_t i = 0; i < size; ++i) {
      orders[i] = static_cast<Out>(static_cast<int64_t>(i) / t.inner % t.length);
    }
    for (int64_t round = 0; round < t.rounds; ++round) {
      const Pair subkey = SplitRow(key, 2, 1, t.stream);
      key = SplitRow(key, 2, 0, t.stream);
      std::vector<uint32_t> words(size);
      for (uint64_t i = 0; i < size; ++i) {
        words[i] = static_cast<uint32_t>(ElementBits(subkey, size, i, 32, t.stream));
      }
      for (int64_t v = 0; v < t.outer * t.inner; ++v) {
        const int64_t first = v / t.inner * t.length * t.inner + v % t.inner;
        std::vector<std::pair<uint32_t, Out>> items(t.length);
        for (int64_t i = 0; i < t.length; ++i) {
          items[i] = {words[first + i * t.inner], orders[first + i * t.inner]};
        }
        std::stable_sort(items.begin(), items.end(),
                         [](const auto& x, const auto& y) { return x.first < y.first; });
        for (int64_t i = 0; i < t.length; ++i) orders[first + i * t.inner] = items[i].second;
      }
    }
    if (t.wanted < t.length) orders.resize(t.wanted);
    result.insert(result.end(), orders.begin(), orders.end());
  }
  return result;
}

template <typename Out>
void TestOrders(PermutationTask t) {
  std::vector<uint32_t> keys;
  for (int64_t b = 0; b < t.batch; ++b) {
    const Pair key = Threefry2x32({3, 4}, {static_cast<uint32_t>(b), 0});
    keys.insert(keys.end(), {key.x0, key.x1});
  }
  for (const Stream stream : {Stream::kOriginal, Stream::kPartitionable}) {
    t.stream = stream;
    const std::vector<Out> expected = Reference<Out>(t, keys);
    WithTeams([&](Team& team, const std::string& name) {
      const std::string where = "orders [" + std::to_string(t.batch) + ", " +
                                std::to_string(t.outer) + ", " + std::to_string(t.length) + ", " +
                                std::to_string(t.inner) + "], wanted " + std::to_string(t.wanted) +
                                ", rounds " + std::to_string(t.rounds) + ", stream " +
                                std::to_string(static_cast<int>(stream)) + ", " + name;
      constexpr Out kGuard = -7;
      std::vector<Out> orders(expected.size() + 1, kGuard);
      CHECK(cpu::DrawOrders(team, t, keys.data(), orders.data()), where);
      CHECK(std::equal(expected.begin(), expected.end(), orders.begin()), where);
      CHECK(orders.back() == kGuard, where);
    });
  }
}

void TestAllOrders() {
  for (const int64_t length : {0, 1, 2, 3, 10, 24, 25, 100, 1024, 1025, 2049, 6000}) {
    for (const int64_t batch : {0, 1, 2, 9}) {
      const int64_t rounds = length < 2 ? 0 : length < 1626 ? 1 : 2;
      PermutationTask t = {Stream::kOriginal, batch, 1, length, 1, length, rounds};
      TestOrders<int32_t>(t);
      t.wanted = length / 3;
      TestOrders<int32_t>(t);
      TestOrders<int64_t>(t);
    }
  }
  for (const int64_t rounds : {1, 2, 3}) {
    TestOrders<int32_t>({Stream::kOriginal, 1, 1, 37, 5, 37, rounds});
    TestOrders<int32_t>({Stream::kOriginal, 2, 3, 30, 4, 30, rounds});
    TestOrders<int64_t>({Stream::kOriginal, 1, 2, 2100, 1, 2100, rounds});
    TestOrders<int32_t>({Stream::kOriginal, 1, 1, 1, 5, 1, rounds});
  }
}

// Counts of words or bytes that do not fit in 64 bits are too much memory, not a little.
void TestHuge() {
  const std::vector<uint32_t> keys(8, 1);
  int64_t orders[4] = {-7, -7, -7, -7};
  SoloTeam solo;
  for (const int64_t length : {int64_t{1} << 60, int64_t{1} << 62, INT64_MAX}) {
    const PermutationTask task = {Stream::kPartitionable, 4, 1, length, 1, 1, 1};
    CHECK(!cpu::DrawOrders(solo, task, keys.data(), orders), std::to_string(length));
  }
  CHECK(orders[0] == -7 && orders[3] == -7, "");
}

// --- teams --------------------------------------------------------------------------------------

void TestTeams() {
  WithTeams([](Team& team, const std::string& name) {
    for (const int64_t tasks : {0, 1, 2, 3, 100}) {
      std::vector<int> done(tasks);
      std::vector<std::mutex> slots(team.threads());
      bool alone = true;
      std::mutex mutex;
      team.For(tasks, [&](int64_t task, int64_t slot) {
        const std::unique_lock<std::mutex> mine(slots[slot], std::try_to_lock);
        const std::lock_guard<std::mutex> lock(mutex);
        alone = alone && mine.owns_lock();
        ++done[task];
      });
      CHECK(std::all_of(done.begin(), done.end(), [](int n) { return n == 1; }), name);
      CHECK(alone, name + ": a slot to a thread");
    }
  });
}

}  // namespace
}  // namespace brainvar

int main() {
  brainvar::TestTeams();
  brainvar::TestSorts();
  brainvar::TestAllOrders();
  brainvar::TestHuge();
  return brainvar::test::Report("permutation");
}
