// The module's side of each request: unpacks the arguments, calls the function of the module's
// table, packs the results. Handles of the module never leave the process: the host has numbers.
//
// Thread rule: run() from any number of lanes; which calls may overlap is decided by the host.
#pragma once

#include <plakar/connector.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/base/result.h"
#include "core/host/worker/frame.h"
#include "core/host/worker/internal/lane.h"
#include "core/host/worker/internal/services.h"
#include "core/host/worker/packer.h"
#include "core/host/worker/server.h"

namespace plakar::host::worker {

// One request being run.
struct Exchange {
  Op op;
  std::uint64_t handle;
  Unpacker in;
  std::span<const std::byte> data;
  std::span<std::byte> room;
  plk_call* call;
  plk_error* err;
  Packer& out;
  std::uint64_t room_bytes = 0;  // Of `room`, written by the function.
};

class Dispatcher {
 public:
  Dispatcher(Services& services, Lanes& lanes, Loader loader, Start start, Fd module_file);
  ~Dispatcher();

  plk_status run(Exchange& exchange);

 private:
  enum class Kind : std::uint8_t { instance, scan, reader, exported, writer, lister, upload };
  struct Handle;

  // Null, with `err` filled, for a number that is not of a handle of that kind.
  Handle* find(Exchange& exchange, Kind kind);
  std::uint64_t add(Kind kind, void* raw, const Handle& parent);
  void forget(std::uint64_t number);

  plk_status load(Exchange& exchange);
  plk_status shutdown(Exchange& exchange);
  const plk_connector* connector(Exchange& exchange, std::uint32_t index);

  plk_status run_connector(Exchange& exchange);
  plk_status open(Exchange& exchange);
  plk_status run_instance(Exchange& exchange);
  plk_status run_importer(Exchange& exchange);
  plk_status run_reader(Exchange& exchange);
  plk_status run_exporter(Exchange& exchange);
  plk_status run_writer(Exchange& exchange);
  plk_status run_storage(Exchange& exchange);
  plk_status run_object(Exchange& exchange);
  plk_status run_upload(Exchange& exchange);
  plk_status run_others(Exchange& exchange);

  Services& services_;
  Lanes& lanes_;
  Loader loader_;
  Start start_;
  Fd module_file_;  // Until it is loaded.
  const plk_plugin* plugin_ = nullptr;
  std::mutex mutex_;  // Guards what follows.
  std::unordered_map<std::uint64_t, std::unique_ptr<Handle>> handles_;
  std::uint64_t next_handle_ = std::uint64_t{1} << 32;  // Below: instances, numbered by the host.
};

}  // namespace plakar::host::worker
