// Where a pipeline stage puts its items; see source.h.
//
// A sink has no end-of-data call: whether what was pushed is complete is known to whoever
// runs the stage and sees its Status, and a stage that failed must not be able to look like
// one that finished.
//
// Thread rule: one thread at a time, unless an implementation says otherwise.
#pragma once

#include "core/base/result.h"

namespace plakar::flow {

template <class T>
class Sink {
 public:
  virtual ~Sink() = default;

  // Takes the item over, or fails and leaves it untouched. May wait: that is how a slow
  // stage slows those before it. After an error it is not called again.
  virtual Status push(T&& item) = 0;
};

}  // namespace plakar::flow
