// Sharing the work of one call among the threads of XLA's pool, without ever blocking one.
#ifndef BRAINVAR_CPU_PARALLEL_H_
#define BRAINVAR_CPU_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {

// What a handler returns: an error or success at once, or a future. Most calls are short and are
// done when the handler returns; for those a future would cost allocations and no more.
struct Completion {
  Completion(xla::ffi::Error result) : error(std::move(result)) {}  // NOLINT: implicit on purpose
  Completion(xla::ffi::Future result)                               // NOLINT
      : error(xla::ffi::Error::Success()), future(std::move(result)) {}

  xla::ffi::Error error;
  std::optional<xla::ffi::Future> future;
};

// Work of less than this is done by the calling thread alone: waking others costs about 10 us.
constexpr double kParallelNanoseconds = 40e3;
// A chunk is at least this much work, so that taking one costs nothing beside it.
constexpr double kChunkNanoseconds = 20e3;
constexpr int64_t kMaxChunks = 256;
// And at least so many bytes of output: threads that first touch the same huge page (2 MiB) both
// clear it, and one of the two is thrown away. The original layout writes to two places at once.
constexpr int64_t kChunkBytes = int64_t{4} << 20;

// Runs job.Run(begin, end) over all of [0, job.units()). `Job` is copied; Run must not throw.
template <typename Job>
Completion RunParallel(xla::ffi::ThreadPool& pool, const Job& job) {
  const int64_t units = job.units();
  if (units == 0) return xla::ffi::Error::Success();
  const double cost = job.nanoseconds();
  int64_t threads = 1;
  if (cost >= kParallelNanoseconds) threads = std::max<int64_t>(1, pool.num_threads());
  if (threads == 1) {
    job.Run(0, units);
    return xla::ffi::Error::Success();
  }

  // Chunks are taken in order from a counter by whoever is free, the calling thread included: if
  // the pool is busy, the calling thread ends up doing them all.
  struct State {
    State(const Job& shared_job, int64_t all_units, int64_t chunk_count)
        : job(shared_job), units(all_units), chunks(chunk_count), done(chunk_count) {}
    Job job;
    int64_t units;
    int64_t chunks;
    std::atomic<int64_t> taken{0};
    xla::ffi::CountDownPromise done;

    void Work() {
      int64_t chunk;
      while ((chunk = taken.fetch_add(1, std::memory_order_relaxed)) < chunks) {
        // Cut so that no product overflows.
        const int64_t base = units / chunks;
        const int64_t extra = units % chunks;
        const int64_t begin = base * chunk + std::min(chunk, extra);
        job.Run(begin, begin + base + (chunk < extra ? 1 : 0));
        done.CountDown();
      }
    }
  };
  const auto by_cost = static_cast<int64_t>(std::min(cost / kChunkNanoseconds, 1e6));
  const int64_t by_size = std::min(by_cost, job.bytes() / kChunkBytes);
  const int64_t chunks =
      std::min({units, std::max(threads, by_size), std::max(kMaxChunks, threads)});
  auto state = std::make_shared<State>(job, units, chunks);
  xla::ffi::Future future(state->done);
  const int64_t helpers = std::min(threads, chunks) - 1;
  for (int64_t i = 0; i < helpers; ++i) pool.Schedule([state] { state->Work(); });
  state->Work();
  return future;
}

}  // namespace brainvar::cpu

namespace xla::ffi {

template <ExecutionStage stage>
struct ResultEncoding<stage, brainvar::cpu::Completion> {
  static std::variant<XLA_FFI_Error*, XLA_FFI_Future*> Encode(const XLA_FFI_Api* api,
                                                              XLA_FFI_ExecutionContext* ctx,
                                                              brainvar::cpu::Completion result) {
    if (result.future.has_value()) {
      return ResultEncoding<stage, Future>::Encode(api, ctx, std::move(*result.future));
    }
    return ResultEncoding<stage, Error>::Encode(api, ctx, std::move(result.error));
  }
};

}  // namespace xla::ffi

#endif  // BRAINVAR_CPU_PARALLEL_H_
