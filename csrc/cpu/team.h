// Several threads that do the steps of one call one after the other.
#ifndef BRAINVAR_CPU_TEAM_H_
#define BRAINVAR_CPU_TEAM_H_

#include <cstdint>

namespace brainvar::cpu {

// Threads that share out the tasks of a step. `For` returns when all of them are done, so the next
// step sees all that they wrote.
class Team {
 public:
  virtual ~Team() = default;

  // How many threads there may be; a slot is a number below it.
  virtual int64_t threads() const = 0;

  // Calls run(task, slot) for every task in [0, tasks). No two calls at one time have the same
  // slot. `run` must not throw.
  template <typename F>
  void For(int64_t tasks, const F& run) {
    Run(
        tasks,
        [](const void* body, int64_t task, int64_t slot) {
          (*static_cast<const F*>(body))(task, slot);
        },
        &run);
  }

 protected:
  using Body = void (*)(const void* body, int64_t task, int64_t slot);
  virtual void Run(int64_t tasks, Body body, const void* context) = 0;
};

// The calling thread alone.
class SoloTeam final : public Team {
 public:
  int64_t threads() const override { return 1; }

 protected:
  void Run(int64_t tasks, Body body, const void* context) override {
    for (int64_t task = 0; task < tasks; ++task) body(context, task, 0);
  }
};

}  // namespace brainvar::cpu

#endif  // BRAINVAR_CPU_TEAM_H_
