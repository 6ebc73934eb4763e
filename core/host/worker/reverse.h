// What a worker asks of the host or tells it: the functions of plk_host_api, called with the
// host's own handles in place of the worker's numbers. The host's table may be any: that of
// core/host, or of a test.
//
// Thread rule: any thread may call. serve() waits as long as the host's function does.
#pragma once

#include <plakar/connector.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/fd.h"
#include "core/base/result.h"
#include "core/host/worker/channel.h"
#include "core/host/worker/packer.h"

namespace plakar::host::worker {

class ReverseServices {
 public:
  ReverseServices(const plk_host_api& host, plk_ctx* module_ctx) noexcept
      : host_(host), module_ctx_(module_ctx) {}
  // Kills what children are left.
  ~ReverseServices();

  std::int32_t log_level() const;
  std::uint32_t extensions() const;

  // The number under which the worker knows the context of an instance.
  std::uint64_t add_instance(plk_ctx* ctx);
  void remove_instance(std::uint64_t instance);

  // Errc::corrupt for what no worker of ours sends: it has to be ended.
  Status event(const Frame& frame, plk_call* call);
  struct Reply {
    plk_status status = PLK_OK;
    Packer payload;
    std::vector<Fd> descriptors;  // To be sent along.
  };
  Result<Reply> serve(const Frame& frame, plk_call* call);
  // The worker has ended: nobody is interested in its children. One that is waited for is killed
  // when that returns: at its end, or when the call is cancelled.
  void kill_children();

 private:
  static constexpr std::size_t children_max = 64;
  static constexpr std::size_t metrics_max = 1024;

  plk_ctx* context(std::uint64_t instance);
  Reply spawn(Unpacker& arguments, plk_call* call);
  Reply wait(Unpacker& arguments, plk_call* call);
  Reply refresh(Unpacker& arguments, plk_call* call);
  Reply tempdir_path(Unpacker& arguments);
  void kill_child(std::uint64_t number);
  const plk_process_ops* processes() const;
  const plk_tempdir_ops* tempdirs() const;

  const plk_host_api& host_;
  plk_ctx* module_ctx_;
  std::mutex mutex_;  // Guards what follows.
  std::map<std::uint64_t, plk_ctx*> instances_;
  std::uint64_t next_instance_ = 1;
  struct Child {
    plk_process* process = nullptr;
    bool waited_for = false;  // The host's wait() is under way: it must not be freed.
    bool doomed = false;      // To be killed as soon as it is not.
  };
  std::map<std::uint64_t, Child> children_;
  std::uint64_t next_child_ = 1;
  std::map<std::uint32_t, std::uint32_t> metrics_;  // The worker's number to the host's.
};

}  // namespace plakar::host::worker
