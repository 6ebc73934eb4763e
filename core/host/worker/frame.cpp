#include "core/host/worker/frame.h"

namespace plakar::host::worker {

const char* op_name(Op op) noexcept {
  switch (op) {
    case Op::none:
      return "no function";
    case Op::load:
      return "plk_entry_v1";
    case Op::shutdown:
      return "shutdown";
    case Op::config_check:
      return "config_check";
    case Op::config_choices:
      return "config_choices";
    case Op::config_migrate:
      return "config_migrate";
    case Op::open:
      return "open";
    case Op::location:
      return "location";
    case Op::ping:
      return "ping";
    case Op::interrupt:
      return "interrupt";
    case Op::close:
      return "close";
    case Op::scan_open:
      return "scan_open";
    case Op::scan_next:
      return "scan_next";
    case Op::record_open:
      return "record_open";
    case Op::scan_ack:
      return "scan_ack";
    case Op::scan_close:
      return "scan_close";
    case Op::estimate:
      return "estimate";
    case Op::read:
      return "reader.read";
    case Op::reader_close:
      return "reader.close";
    case Op::export_open:
      return "export_open";
    case Op::put_record:
      return "exporter.put";
    case Op::export_finish:
      return "export_finish";
    case Op::export_close:
      return "export_close";
    case Op::write:
      return "writer.write";
    case Op::write_zeros:
      return "writer.write_zeros";
    case Op::commit:
      return "writer.commit";
    case Op::abort:
      return "writer.abort";
    case Op::create:
      return "create";
    case Op::load_config:
      return "load";
    case Op::mode:
      return "mode";
    case Op::used_bytes:
      return "used_bytes";
    case Op::list_open:
      return "list_open";
    case Op::list_next:
      return "list_next";
    case Op::list_close:
      return "list_close";
    case Op::object_size:
      return "object_size";
    case Op::get:
      return "get";
    case Op::put:
      return "put";
    case Op::del:
      return "del";
    case Op::get_open:
      return "get_open";
    case Op::upload_open:
      return "upload_open";
    case Op::upload_write:
      return "upload_write";
    case Op::upload_commit:
      return "upload_commit";
    case Op::upload_abort:
      return "upload_abort";
    case Op::finish:
      return "finish";
    case Op::secret_get:
      return "secrets.get";
    case Op::resources_open:
      return "inventory.list_open";
    case Op::resources_next:
      return "inventory.list_next";
    case Op::resources_close:
      return "inventory.list_close";
    case Op::log:
      return "log";
    case Op::metric_define:
      return "metric_define";
    case Op::metric_record:
      return "metric_record";
    case Op::progress:
      return "progress";
    case Op::secret_refresh:
      return "secret_refresh";
    case Op::process_spawn:
      return "process.spawn";
    case Op::process_wait:
      return "process.wait";
    case Op::process_kill:
      return "process.kill";
    case Op::tempdir_path:
      return "tempdir.path";
    case Op::tempdir_remove:
      return "tempdir.remove";
  }
  return "unknown function";
}

bool is_clean_up(Op op) noexcept {
  return op == Op::close || op == Op::scan_close || op == Op::reader_close ||
         op == Op::export_close || op == Op::abort || op == Op::list_close ||
         op == Op::upload_abort || op == Op::resources_close || op == Op::shutdown;
}

}  // namespace plakar::host::worker
