// Content on its way into a module, in blocks that are the host's: one is filled while the module
// has the other. For writers of exports and uploads of stores alike, which differ in the functions
// they call.
//
// For one thread at a time. Ends once: by commit() or, destroyed before, by the module's abort.
#pragma once

#include <plakar/connector.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/host/instance.h"

namespace plakar::host {

// How much is handed over at once.
inline constexpr std::size_t transfer_block_bytes = std::size_t{1} << 20;

class BlockWriter {
 public:
  using Write = std::function<plk_status(plk_call*, const void*, std::uint64_t, plk_error*)>;
  using Zeros = std::function<plk_status(plk_call*, std::uint64_t, plk_error*)>;
  using Commit = std::function<plk_status(plk_call*, plk_error*)>;  // frees the module's handle
  using Abort = std::function<void(plk_call*)>;                     // this too

  // Functions that own all they use: they may outlive the writer in a call that does not return.
  struct Functions {
    const char* write_name;
    const char* commit_name;
    const char* abort_name;
    Write write;
    Zeros zeros;  // empty: zeros are written
    Abort abort;
  };

  BlockWriter(std::shared_ptr<Instance> instance, Functions functions);
  ~BlockWriter();
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  Status write(BytesView bytes);
  Status write_zeros(std::uint64_t size);
  // Hands over what is left, and calls `commit`, which frees the handle whatever it returns.
  Status commit(Commit commit);

  std::uint64_t written() const noexcept { return written_; }

 private:
  Status check() const;
  Status hand_over();
  Status settle();
  Status fail(Status status);

  const std::shared_ptr<Instance> instance_;
  const std::shared_ptr<const Functions> functions_;
  std::shared_ptr<Bytes> block_;  // being filled
  std::shared_ptr<Bytes> spare_;  // with the module, while `pending_`
  std::unique_ptr<PendingCall> pending_;
  std::uint64_t written_ = 0;
  bool failed_ = false;
  bool ended_ = false;
};

}  // namespace plakar::host
