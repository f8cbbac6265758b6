#include "cpu/permutation.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "cpu/fill.h"
#include "cpu/radix.h"
#include "cpu/scratch.h"

namespace brainvar::cpu {
namespace {

// Of one element in one round, on one thread.
constexpr double kElementNanoseconds = 8;
// More than any memory holds: below it no count of words or bytes overflows.
constexpr int64_t kMaxElements = int64_t{1} << 56;
// Tasks of a step for each thread, so that none waits long for another.
constexpr int64_t kTasksPerThread = 4;

// Replaces each key by row 0 of its split and gives row 1.
void AdvanceKeys(Stream stream, int64_t batch, uint32_t* keys, uint32_t* subkeys) {
  for (int64_t b = 0; b < batch; ++b) {
    const Advanced advanced = Advance({keys[2 * b], keys[2 * b + 1]}, stream);
    keys[2 * b] = advanced.next.x0;
    keys[2 * b + 1] = advanced.next.x1;
    subkeys[2 * b] = advanced.subkey.x0;
    subkeys[2 * b + 1] = advanced.subkey.x1;
  }
}

// Calls run(begin, end) on pieces of [0, units).
template <typename F>
void Share(Team& team, int64_t units, const F& run) {
  const int64_t threads = team.threads();
  const int64_t tasks = threads == 1 ? 1 : std::min(units, threads * kTasksPerThread);
  team.For(tasks, [&](int64_t task, int64_t) {
    const auto first = [&](int64_t t) { return units / tasks * t + std::min(t, units % tasks); };
    run(first(task), first(task + 1));
  });
}

template <typename Out>
void FillPositions(const PermutationTask& t, Out* orders) {
  for (int64_t b = 0; b < t.batch * t.outer; ++b) {
    for (int64_t p = 0; p < t.wanted; ++p) {
      for (int64_t i = 0; i < t.inner; ++i) *orders++ = static_cast<Out>(p);
    }
  }
}

template <typename Value, typename Out>
bool DrawOrdersBy(Team& team, const PermutationTask& t, const uint32_t* first_keys, Out* orders) {
  const int64_t vectors = t.batch * t.outer * t.inner;
  // A thread to a vector, or all threads to one vector after the other.
  const bool apart = team.threads() > 1 && vectors >= team.threads();
  // Where only a part of the last order is wanted, the ones before need a place of their own.
  const bool in_part = t.wanted < t.length && t.rounds > 1;
  const Scratch<Out> before(in_part ? t.batch * t.length : 0);
  const Scratch<uint32_t> words(t.batch * t.Size());
  const Scratch<uint32_t> keys(4 * t.batch);
  const SortSpace<Value> shared(apart ? 0 : t.length, team.threads());
  if (before.data() == nullptr || words.data() == nullptr || keys.data() == nullptr ||
      !shared.ok()) {
    return false;
  }
  std::copy_n(first_keys, 2 * t.batch, keys.data());
  uint32_t* const subkeys = keys.data() + 2 * t.batch;
  std::atomic<bool> failed{false};

  for (int64_t round = 0; round < t.rounds; ++round) {
    AdvanceKeys(t.stream, t.batch, keys.data(), subkeys);
    const FillJob fill(Draw::kBits32, t.stream, t.batch, t.Size(), subkeys, nullptr, words.data());
    Share(team, fill.units(), [&](int64_t begin, int64_t end) { fill.Run(begin, end); });

    const bool last = round + 1 == t.rounds;
    Out* const kept = in_part ? before.data() : orders;
    const auto vector = [&](int64_t index) {
      const int64_t row = index / t.inner, column = index % t.inner;
      const int64_t place = row * t.length * t.inner + column;
      WordSort<Out> v;
      v.words = words.data() + place;
      v.from = round == 0 ? nullptr : kept + place;
      v.to = last ? orders + row * t.wanted * t.inner + column : kept + place;
      v.stride = t.inner;
      v.count = t.length;
      v.wanted = last ? t.wanted : t.length;
      return v;
    };
    if (apart) {
      Share(team, vectors, [&](int64_t begin, int64_t end) {
        const SortSpace<Value> own(t.length, 1);
        if (!own.ok()) {
          failed.store(true, std::memory_order_relaxed);
          return;
        }
        SoloTeam solo;
        for (int64_t index = begin; index < end; ++index) own.Sort(solo, vector(index));
      });
    } else {
      for (int64_t index = 0; index < vectors; ++index) shared.Sort(team, vector(index));
    }
    if (failed.load(std::memory_order_relaxed)) return false;
  }
  return true;
}

}  // namespace

double PermutationTask::Nanoseconds() const {
  return kElementNanoseconds * static_cast<double>(rounds) * static_cast<double>(batch) *
         static_cast<double>(Size());
}

template <typename Out>
bool DrawOrders(Team& team, const PermutationTask& task, const uint32_t* keys, Out* orders) {
  if (task.batch == 0 || task.Size() == 0 || task.wanted == 0) return true;
  if (task.Size() > kMaxElements / task.batch) return false;
  if (task.rounds == 0) {  // of one element
    FillPositions(task, orders);
    return true;
  }
  if constexpr (sizeof(Out) > sizeof(uint32_t)) {
    if (task.length > std::numeric_limits<uint32_t>::max()) {
      return DrawOrdersBy<uint64_t>(team, task, keys, orders);
    }
  }
  return DrawOrdersBy<uint32_t>(team, task, keys, orders);
}

template bool DrawOrders(Team&, const PermutationTask&, const uint32_t*, int32_t*);
template bool DrawOrders(Team&, const PermutationTask&, const uint32_t*, int64_t*);

}  // namespace brainvar::cpu
