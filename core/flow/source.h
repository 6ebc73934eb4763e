// Where a pipeline stage takes its items from. A stage knows its Source and its Sink, and
// neither who fills the one nor who drains the other.
//
//   Status drain(Source<Chunk>& in, Sink<Chunk>& out) {
//     for (Chunk chunk; PLK_TRY(in.next(chunk));) PLK_TRY(out.push(std::move(chunk)));
//     return {};
//   }
//
// For small things T is a batch: one virtual call, one lock, for many of them.
//
// Thread rule: one thread at a time, unless an implementation says otherwise.
#pragma once

#include "core/base/result.h"

namespace plakar::flow {

template <class T>
class Source {
 public:
  virtual ~Source() = default;

  // True with the next item in `item`; false, and `item` unchanged, at the end. After an
  // error or the end it is not called again.
  virtual Result<bool> next(T& item) = 0;
};

}  // namespace plakar::flow
