// A team of the threads of XLA's pool.
#ifndef BRAINVAR_CPU_POOL_TEAM_H_
#define BRAINVAR_CPU_POOL_TEAM_H_

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "cpu/team.h"

namespace brainvar::cpu {

// The calling thread and whoever of the pool is free. `Pool` is xla::ffi::ThreadPool, or a model
// of it: num_threads() and Schedule(f).
//
// A step cannot begin before the one before it is done, and a handler that has returned can
// schedule nothing more: so the calling thread stays, and takes part in every step. At the end of
// one it waits for the tasks that others have begun, and for nothing else: where the pool is busy,
// or where all its threads are in here, nobody has begun any and it does them all. A helper never
// waits.
template <typename Pool>
class PoolTeam final : public Team {
 public:
  PoolTeam(Pool& pool, int64_t threads) : pool_(pool), threads_(std::max<int64_t>(1, threads)) {}

  int64_t threads() const override { return threads_; }

 protected:
  void Run(int64_t tasks, Body body, const void* context) override {
    const int64_t helpers = std::min(threads_, tasks) - 1;
    if (helpers <= 0) {
      for (int64_t task = 0; task < tasks; ++task) body(context, task, 0);
      return;
    }
    auto step = std::make_shared<Step>(tasks, body, context);
    for (int64_t i = 0; i < helpers; ++i) {
      pool_.Schedule([step, slot = i + 1] { step->Work(slot); });
    }
    step->Work(0);
    step->Wait();
  }

 private:
  // A helper that comes late finds no task left, and does not touch `context`, which may be gone.
  struct Step {
    Step(int64_t all, Body body_of_step, const void* context_of_body)
        : tasks(all), body(body_of_step), context(context_of_body), left(all) {}

    void Work(int64_t slot) {
      int64_t task;
      while ((task = taken.fetch_add(1, std::memory_order_relaxed)) < tasks) {
        body(context, task, slot);
        if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) {
          const std::lock_guard<std::mutex> lock(mutex);
          done.notify_one();
        }
      }
    }

    void Wait() {
      // A task is some ten microseconds: most ends of steps need no sleep.
      for (int turn = 0; turn < kSpins; ++turn) {
        if (left.load(std::memory_order_acquire) == 0) return;
      }
      std::unique_lock<std::mutex> lock(mutex);
      done.wait(lock, [this] { return left.load(std::memory_order_acquire) == 0; });
    }

    static constexpr int kSpins = 10000;
    const int64_t tasks;
    const Body body;
    const void* const context;
    std::atomic<int64_t> taken{0};
    std::atomic<int64_t> left;
    std::mutex mutex;
    std::condition_variable done;
  };

  Pool& pool_;
  int64_t threads_;
};

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_POOL_TEAM_H_
