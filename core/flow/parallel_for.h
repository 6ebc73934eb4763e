// A loop over independent items, its turns spread over a pool and the calling thread.
//
//   return parallel_for(pool, blobs.size(), cancel, [&](std::size_t first, std::size_t last) {
//     return hash_many(std::span(blobs).subspan(first, last - first));
//   });
//
// The caller works too, so the loop goes on, only slower, when the pool is busy; for the same
// reason it may be called from a task of that pool.
#pragma once

#include <cstddef>
#include <type_traits>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/flow/thread_pool.h"

namespace plakar::flow {

struct ParallelForOptions {
  std::size_t chunk = 0;  // items per call of the body; 0: about four calls a thread
};

namespace detail {

// A reference to the caller's body: valid until run_parallel_for returns.
struct ChunkBody {
  void* object;
  Status (*call)(void* object, std::size_t first, std::size_t last);
};
Status run_parallel_for(ThreadPool& pool, std::size_t count, const CancelToken& cancel,
                        ChunkBody body, ParallelForOptions options);

}  // namespace detail

// Calls `body(first, last)` for ranges that cover [0, count) once, several at a time and in
// no particular order, and returns when none is running. The first error, by time, or the
// token ends the loop before ranges not yet begun, and is returned. Exceptions become
// Errc::internal.
template <class Body>
Status parallel_for(ThreadPool& pool, std::size_t count, const CancelToken& cancel, Body&& body,
                    ParallelForOptions options = {}) {
  using Object = std::remove_reference_t<Body>;
  return detail::run_parallel_for(pool, count, cancel,
                                  {const_cast<std::remove_const_t<Object>*>(&body),
                                   [](void* object, std::size_t first, std::size_t last) -> Status {
                                     return (*static_cast<Object*>(object))(first, last);
                                   }},
                                  options);
}

}  // namespace plakar::flow
