// The handler that draws random orders.
#include <algorithm>
#include <limits>

#include "cpu/checks.h"
#include "cpu/handlers.h"
#include "cpu/pages.h"
#include "cpu/parallel.h"
#include "cpu/permutation.h"
#include "cpu/pool_team.h"
#include "xla/ffi/api/ffi.h"

namespace brainvar::cpu {
namespace {

namespace ffi = xla::ffi;

template <typename Out>
ffi::Error Draw(ffi::ThreadPool& pool, const PermutationTask& task, const KeyBuffer& key,
                ffi::AnyBuffer& orders) {
  if (task.length - 1 > std::numeric_limits<Out>::max()) {
    return InvalidArgument("the positions do not fit in the dtype of the orders");
  }
  const double nanoseconds = task.Nanoseconds();
  int64_t threads = 1;
  if (nanoseconds >= kParallelNanoseconds) {
    const auto by_cost = static_cast<int64_t>(std::min(nanoseconds / kChunkNanoseconds, 1e6));
    threads = std::clamp<int64_t>(by_cost, 1, std::max<int64_t>(1, pool.num_threads()));
  }
  AdviseHugePages(orders.untyped_data(), orders.size_bytes());
  PoolTeam<ffi::ThreadPool> team(pool, threads);
  if (!DrawOrders(team, task, key.typed_data(), static_cast<Out*>(orders.untyped_data()))) {
    return {ffi::ErrorCode::kResourceExhausted,
            "brainvar: out of memory: a random order needs 12 bytes for each element beside the "
            "result"};
  }
  return ffi::Error::Success();
}

ffi::Error Permutation(ffi::ThreadPool pool, KeyBuffer key, ffi::Result<ffi::AnyBuffer> orders,
                       int32_t stream, int64_t rounds, int64_t axis, int64_t length) {
  KeyOperand operand(key, stream);
  if (operand.error.failure()) return operand.error;
  const Dims dims = orders->dimensions();
  if (!BeginsWith(dims, key.dimensions(), 1)) {
    return InvalidArgument("the orders' shape must begin with the key's batch dimensions");
  }
  const auto rank = static_cast<int64_t>(key.dimensions().size()) - 1;
  const auto own_rank = static_cast<int64_t>(dims.size()) - rank;
  if (axis < 0 || axis >= own_rank) return InvalidArgument("axis is not one of the orders'");
  const int64_t* const middle = dims.begin() + rank + axis;
  PermutationTask task;
  task.stream = operand.stream;
  task.batch = operand.batch;
  task.outer = Product(dims.begin() + rank, middle);
  task.length = length;
  task.inner = Product(middle + 1, dims.end());
  task.wanted = *middle;
  task.rounds = rounds;
  if (task.wanted > length || (task.wanted < length && own_rank != 1)) {
    return InvalidArgument("the orders must be whole, or the beginning of one order per key");
  }
  if (rounds < 0 || (rounds == 0 && task.Size() > 1)) {
    return InvalidArgument("an order of several elements takes at least one round");
  }
  switch (orders->element_type()) {
    case ffi::S32:
      return Draw<int32_t>(pool, task, key, *orders);
    case ffi::S64:
      return Draw<int64_t>(pool, task, key, *orders);
    default:
      return InvalidArgument("orders are int32 or int64");
  }
}

}  // namespace

XLA_FFI_Error* ThreefryPermutation(XLA_FFI_CallFrame* frame) noexcept {
  static const auto* handler = ffi::Ffi::Bind()
                                   .Ctx<ffi::ThreadPool>()
                                   .Arg<KeyBuffer>()
                                   .Ret<ffi::AnyBuffer>()
                                   .Attr<int32_t>("stream")
                                   .Attr<int64_t>("rounds")
                                   .Attr<int64_t>("axis")
                                   .Attr<int64_t>("length")
                                   .To(Permutation)
                                   .release();
  return handler->Call(frame);
}

}  // namespace brainvar::cpu
