// The trial module through the tables of connector.h: in this process and in a worker, with the
// same answers.
#include "core/host/worker/module.h"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "core/host/worker/testing/trial_host.h"
#include "core/host/worker/testing/trial_subject.h"

extern "C" plk_status plk_entry_v1_trial(const plk_entry_args* args, const plk_plugin** plugin,
                                         plk_error* err);

namespace plakar::host::worker {
namespace {

using namespace std::chrono_literals;
using namespace testing;

void in_both_modes(const std::function<void(const Subject&)>& test) {
  SUBCASE("in this process") {
    TrialHost host;
    const plk_entry_args args = host.entry_args();
    const plk_plugin* plugin = nullptr;
    REQUIRE(plk_entry_v1_trial(&args, &plugin, nullptr) == PLK_OK);
    test({host, *plugin});
  }
  SUBCASE("in a worker") {
    TrialHost host;
    auto supervisor = Supervisor::create();
    REQUIRE(supervisor);
    auto module =
        WorkerModule::create(**supervisor, system_clock(), trial_settings(), host.entry_args());
    REQUIRE_MESSAGE(module, (module ? "" : module.error().message()));
    test({host, (*module)->plugin()});
    (*module)->plugin().shutdown();
  }
}

TEST_CASE("a module describes itself, and its instances where they are") {
  in_both_modes([](const Subject& subject) {
    CHECK(std::string(subject.plugin.name) == "trial");
    CHECK(std::string(subject.plugin.version) == "1.2.3");
    REQUIRE(subject.plugin.connector_count == 6);
    const plk_connector& connector = subject.connector("trial-importer");
    CHECK(connector.kind == PLK_KIND_IMPORTER);
    CHECK(connector.max_concurrency == 16);

    Opened opened(subject, "trial-importer");
    REQUIRE(opened.status == PLK_OK);
    for (int i = 0; i < 2; ++i) {
      plk_location location{};
      location.struct_size = sizeof location;
      CHECK(connector.location(opened.instance, &location, &opened.error.err) == PLK_OK);
      CHECK(text(location.root) == "trial://here");
      CHECK(location.origin.len == 5);
    }
  });
}

TEST_CASE("an error arrives with all its details") {
  in_both_modes([](const Subject& subject) {
    Opened opened(subject, "trial-storage", TrialConfig().set("at", "mode").set("fault", "error"));
    REQUIRE(opened.status == PLK_OK);
    std::uint32_t mode = 0;
    CHECK(opened.ops<plk_storage_ops>().mode(opened.instance, opened.call.handle(), &mode,
                                             &opened.error.err) == PLK_E_THROTTLED);
    CHECK(opened.error.text() == "too many requests");
    CHECK(opened.error.err.code == PLK_E_THROTTLED);
    CHECK(opened.error.err.flags == PLK_ERRF_RETRYABLE);
    CHECK(opened.error.err.retry_after_ms == 250);
    CHECK(opened.error.err.sys_errno == 11);
    CHECK(std::string(opened.error.err.vendor) == "SlowDown");
    CHECK(opened.ops<plk_storage_ops>().mode(opened.instance, nullptr, &mode, nullptr) ==
          PLK_E_THROTTLED);
  });
}

TEST_CASE("the functions of a configuration answer without an instance") {
  in_both_modes([](const Subject& subject) {
    const plk_connector& connector = subject.connector("trial-importer");
    TrialError error;
    TrialConfig config;
    config.set("count", std::int64_t{1} << 40);
    CHECK(connector.config_check(subject.host.ctx(), config.config(), &error.err) == PLK_E_CONFIG);
    CHECK(error.text() == "count: too many");
    TrialConfig fine;
    CHECK(connector.config_check(subject.host.ctx(), fine.config(), &error.err) == PLK_OK);

    TrialSink choices;
    TrialCall call;
    CHECK(connector.config_choices(subject.host.ctx(), call.handle(), fine.config(), str("region"),
                                   choices.handle(), &error.err) == PLK_OK);
    CHECK(choices.content == "[\"region\"]");
    TrialSink migrated;
    CHECK(connector.config_migrate(subject.host.ctx(), 1, 2, octets("{}"), migrated.handle(),
                                   &error.err) == PLK_OK);
    CHECK(migrated.content == "12{}");
  });
}

void check_import(const Subject& subject, const char* id) {
  const std::int64_t size = 3 * (1 << 20) + 17;
  Opened opened(subject, id, TrialConfig().set("count", 2500).set("size", size));
  REQUIRE(opened.status == PLK_OK);
  const auto& ops = opened.ops<plk_importer_ops>();
  plk_call* call = opened.call.handle();
  plk_error* err = &opened.error.err;
  plk_scan_args args{};
  args.struct_size = sizeof args;
  args.max_batch = 1024;
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
  CHECK(ops.estimate(opened.instance, call, &args, &items, &bytes, err) == PLK_OK);
  CHECK(items == 2500);
  plk_scan* scan = nullptr;
  REQUIRE(ops.scan_open(opened.instance, call, &args, &scan, err) == PLK_OK);
  std::uint64_t seen = 0;
  for (;;) {
    plk_record_batch batch{};
    batch.struct_size = sizeof batch;
    const plk_status status = ops.scan_next(scan, call, &batch, err);
    if (status == PLK_END) break;
    REQUIRE(status == PLK_OK);
    REQUIRE(batch.count <= 1024);
    for (std::uint64_t i = 0; i < batch.count; ++i, ++seen) {
      const auto* record = PLK_AT(plk_record, batch.records, batch.record_stride, i);
      REQUIRE(record->id == seen);
      REQUIRE(text(record->path) == "/directory/file-" + std::to_string(seen));
      REQUIRE(record->xattr_count == 1);
    }
  }
  CHECK(seen == 2500);

  // Two readers in turn, one of which is left before its end.
  plk_reader* left = nullptr;
  plk_reader* reader = nullptr;
  REQUIRE(ops.record_open(scan, call, 1, 0, &left, err) == PLK_OK);
  REQUIRE(ops.record_open(scan, call, 2, 5, &reader, err) == PLK_OK);
  std::vector<char> buffer(1 << 20);
  std::uint64_t got = 0;
  std::uint64_t total = 0;
  for (int turn = 0;; ++turn) {
    if (turn < 3) {
      CHECK(ops.reader->read(left, call, buffer.data(), buffer.size(), &got, err) == PLK_OK);
    }
    // An odd size, so that what was read ahead does not fit.
    const std::uint64_t cap = turn % 2 == 0 ? buffer.size() : 300'001;
    const plk_status status = ops.reader->read(reader, call, buffer.data(), cap, &got, err);
    if (status == PLK_END) break;
    REQUIRE(status == PLK_OK);
    REQUIRE(got <= cap);
    total += got;
  }
  CHECK(got == 0);
  CHECK(ops.reader->read(reader, call, buffer.data(), 10, &got, err) == PLK_END);
  CHECK(total == static_cast<std::uint64_t>(size) - 5);
  CHECK(ops.record_open(scan, call, 9999, 0, &reader, err) == PLK_E_NOT_FOUND);
  TrialCall fresh;
  ops.reader->close(left, fresh.handle());
  ops.reader->close(reader, fresh.handle());

  const std::uint64_t ids[] = {1, 2};
  const plk_status statuses[] = {PLK_OK, PLK_E_IO};
  CHECK(ops.scan_ack(scan, call, ids, statuses, 2, err) == PLK_OK);
  const std::uint64_t unseen[] = {5000};
  CHECK(ops.scan_ack(scan, call, unseen, statuses, 1, err) == PLK_E_INVALID_ARG);
  ops.scan_close(scan, fresh.handle());
}

TEST_CASE("an import gives every record and every byte") {
  in_both_modes([](const Subject& subject) { check_import(subject, "trial-importer"); });
}

TEST_CASE("an import with one call at a time does, too") {
  in_both_modes([](const Subject& subject) { check_import(subject, "trial-importer-serial"); });
}

TEST_CASE("an export takes every byte, and gives its failures in the end") {
  in_both_modes([](const Subject& subject) {
    Opened opened(subject, "trial-exporter");
    REQUIRE(opened.status == PLK_OK);
    const auto& ops = opened.ops<plk_exporter_ops>();
    plk_call* call = opened.call.handle();
    plk_error* err = &opened.error.err;
    plk_export_args args{};
    args.struct_size = sizeof args;
    plk_export* exported = nullptr;
    REQUIRE(ops.export_open(opened.instance, call, &args, &exported, err) == PLK_OK);
    plk_record record{};
    record.type = PLK_R_DIR;
    record.path = octets("/directory");
    plk_writer* writer = reinterpret_cast<plk_writer*>(&record);
    CHECK(ops.put(exported, call, &record, sizeof record, &writer, err) == PLK_OK);
    CHECK(writer == nullptr);
    record.type = PLK_R_FILE;
    record.flags = PLK_RF_HAS_DATA;
    REQUIRE(ops.put(exported, call, &record, sizeof record, &writer, err) == PLK_OK);
    const std::string block((std::size_t{5} << 20) + 3, 'y');
    CHECK(ops.writer->write(writer, call, block.data(), block.size(), err) == PLK_OK);
    CHECK(ops.writer->write_zeros(writer, call, 1000, err) == PLK_OK);
    CHECK(ops.writer->write(writer, call, block.data(), 7, err) == PLK_OK);
    std::uint64_t bytes = 0;
    CHECK(ops.writer->commit(writer, call, &bytes, err) == PLK_OK);
    CHECK(bytes == block.size() + 1007);
    REQUIRE(ops.put(exported, call, &record, sizeof record, &writer, err) == PLK_OK);
    CHECK(ops.writer->write(writer, call, block.data(), block.size(), err) == PLK_OK);
    TrialCall fresh;
    ops.writer->abort(writer, fresh.handle());

    plk_record_batch failures{};
    failures.struct_size = sizeof failures;
    REQUIRE(ops.export_finish(exported, call, &failures, err) == PLK_OK);
    REQUIRE(failures.count == 1);
    const auto* failure = PLK_AT(plk_record, failures.records, failures.record_stride, 0);
    CHECK(failure->error_code == PLK_E_PERMISSION);
    CHECK(ops.export_finish(exported, call, &failures, err) == PLK_END);
    ops.export_close(exported, fresh.handle());
  });
}

TEST_CASE("a write that fails is told at the latest with the commit, which frees the writer") {
  in_both_modes([](const Subject& subject) {
    Opened opened(subject, "trial-exporter",
                  TrialConfig().set("at", "writer.write").set("fault", "error"));
    const auto& ops = opened.ops<plk_exporter_ops>();
    plk_call* call = opened.call.handle();
    plk_error* err = &opened.error.err;
    plk_export_args args{};
    args.struct_size = sizeof args;
    plk_export* exported = nullptr;
    REQUIRE(ops.export_open(opened.instance, call, &args, &exported, err) == PLK_OK);
    plk_record record{};
    record.type = PLK_R_FILE;
    record.flags = PLK_RF_HAS_DATA;
    record.path = octets("/file");
    plk_writer* writer = nullptr;
    REQUIRE(ops.put(exported, call, &record, sizeof record, &writer, err) == PLK_OK);
    const std::string block(std::size_t{1} << 20, 'y');
    TrialCall fresh;
    if (ops.writer->write(writer, call, block.data(), block.size(), err) == PLK_OK) {
      std::uint64_t bytes = 0;
      CHECK(ops.writer->commit(writer, call, &bytes, err) == PLK_E_THROTTLED);
    } else {
      ops.writer->abort(writer, fresh.handle());
    }
    CHECK(opened.error.text() == "too many requests");
    ops.export_close(exported, fresh.handle());
  });
}

TEST_CASE("a store keeps what is put, in one go and in pieces") {
  in_both_modes([](const Subject& subject) {
    Opened opened(subject, "trial-storage");
    REQUIRE(opened.status == PLK_OK);
    const auto& ops = opened.ops<plk_storage_ops>();
    plk_instance* store = opened.instance;
    plk_call* call = opened.call.handle();
    plk_error* err = &opened.error.err;
    TrialSink config;
    CHECK(ops.load(store, call, config.handle(), err) == PLK_E_NOT_FOUND);
    const std::string configuration(32 * 1024, 'c');
    CHECK(ops.create(store, call, octets(configuration), err) == PLK_OK);
    CHECK(ops.create(store, call, octets(configuration), err) == PLK_E_EXISTS);
    CHECK(ops.load(store, call, config.handle(), err) == PLK_OK);
    CHECK(config.content == configuration);
    std::uint32_t mode = 0;
    CHECK(ops.mode(store, call, &mode, err) == PLK_OK);
    CHECK(mode == (PLK_MODE_READ | PLK_MODE_WRITE));

    plk_object object{};
    object.struct_size = sizeof object;
    object.ns = PLK_NS_PACKFILE;
    object.key = octets("whole");
    std::string large(std::size_t{20} << 20, 'l');
    large[5'000'000] = '!';
    const plk_bytes parts[] = {octets("head"), octets(""), octets(large)};
    CHECK(ops.put(store, call, &object, parts, 3, err) == PLK_OK);
    std::uint64_t bytes = 0;
    CHECK(ops.object_size(store, call, &object, &bytes, err) == PLK_OK);
    CHECK(bytes == large.size() + 4);
    std::string got(large.size() + 100, '\0');
    std::uint64_t size = 0;
    CHECK(ops.get(store, call, &object, 4, got.data(), got.size(), &size, err) == PLK_OK);
    CHECK(size == large.size());
    CHECK(got.substr(0, size) == large);
    CHECK(ops.get(store, call, &object, 1 << 30, got.data(), 10, &size, err) == PLK_OK);
    CHECK(size == 0);
    plk_reader* reader = nullptr;
    REQUIRE(ops.get_open(store, call, &object, 1, 3, &reader, err) == PLK_OK);
    CHECK(ops.reader->read(reader, call, got.data(), 10, &size, err) == PLK_OK);
    CHECK(got.substr(0, size) == "ead");
    CHECK(ops.reader->read(reader, call, got.data(), 10, &size, err) == PLK_END);
    TrialCall fresh;
    ops.reader->close(reader, fresh.handle());

    plk_upload* upload = nullptr;
    REQUIRE(ops.upload_open(store, call, PLK_NS_PACKFILE, 0, 0, &upload, err) == PLK_OK);
    CHECK(ops.upload_write(upload, call, large.data(), large.size(), err) == PLK_OK);
    CHECK(ops.upload_write(upload, call, "tail", 4, err) == PLK_OK);
    object.key = octets("pieces");
    CHECK(ops.upload_commit(upload, call, &object, err) == PLK_OK);
    CHECK(ops.object_size(store, call, &object, &bytes, err) == PLK_OK);
    CHECK(bytes == large.size() + 4);
    REQUIRE(ops.upload_open(store, call, PLK_NS_PACKFILE, 0, 0, &upload, err) == PLK_OK);
    ops.upload_abort(upload, fresh.handle());

    CHECK(ops.used_bytes(store, call, &bytes, err) == PLK_OK);
    CHECK(bytes == 2 * large.size() + 8);
    CHECK(ops.del(store, call, &object, err) == PLK_OK);
    CHECK(ops.object_size(store, call, &object, &bytes, err) == PLK_E_NOT_FOUND);
    CHECK(ops.finish(store, call, err) == PLK_OK);
  });
}

TEST_CASE("a listing larger than what fits between host and worker comes whole") {
  in_both_modes([](const Subject& subject) {
    Opened opened(subject, "trial-storage");
    const auto& ops = opened.ops<plk_storage_ops>();
    plk_call* call = opened.call.handle();
    plk_error* err = &opened.error.err;
    // Keys of 255 octets: 6 MB of names, in one batch of the module.
    constexpr int count = 20'000;
    const plk_bytes content = octets("x");
    for (int i = 0; i < count; ++i) {
      std::string key = std::to_string(i);
      key.resize(255, 'k');
      plk_object object{};
      object.struct_size = sizeof object;
      object.key = octets(key);
      REQUIRE(ops.put(opened.instance, call, &object, &content, 1, err) == PLK_OK);
    }
    plk_lister* lister = nullptr;
    REQUIRE(ops.list_open(opened.instance, call, 1, octets(""), &lister, err) == PLK_OK);
    std::vector<std::string> names;
    for (;;) {
      plk_name_batch batch{};
      batch.struct_size = sizeof batch;
      const plk_status status = ops.list_next(lister, call, &batch, err);
      if (status == PLK_END) break;
      REQUIRE(status == PLK_OK);
      REQUIRE(batch.count > 0);
      for (std::uint64_t i = 0; i < batch.count; ++i) {
        names.push_back(text(PLK_AT(plk_name, batch.names, batch.name_stride, i)->key));
      }
    }
    CHECK(names.size() == count);
    std::ranges::sort(names);
    CHECK(std::ranges::adjacent_find(names) == names.end());
    TrialCall fresh;
    ops.list_close(lister, fresh.handle());
  });
}

TEST_CASE("secrets and inventories answer") {
  in_both_modes([](const Subject& subject) {
    Opened secrets(subject, "trial-secrets");
    TrialSink value;
    std::int64_t ttl = 0;
    CHECK(secrets.ops<plk_secrets_ops>().get(secrets.instance, secrets.call.handle(), str("path"),
                                             value.handle(), &ttl, &secrets.error.err) == PLK_OK);
    CHECK(value.content == "secret of path");
    CHECK(ttl == 60);

    Opened inventory(subject, "trial-inventory");
    const auto& ops = inventory.ops<plk_inventory_ops>();
    plk_lister* lister = nullptr;
    REQUIRE(ops.list_open(inventory.instance, inventory.call.handle(), &lister,
                          &inventory.error.err) == PLK_OK);
    plk_resource_batch batch{};
    batch.struct_size = sizeof batch;
    REQUIRE(ops.list_next(lister, inventory.call.handle(), &batch, &inventory.error.err) == PLK_OK);
    REQUIRE(batch.count == 3);
    const auto* resource = PLK_AT(plk_resource, batch.resources, batch.resource_stride, 2);
    REQUIRE(resource->tag_count == 2);
    CHECK(std::string(resource->tags[1].ptr, resource->tags[1].len) == "trial");
    CHECK(ops.list_next(lister, inventory.call.handle(), &batch, &inventory.error.err) == PLK_END);
    TrialCall fresh;
    ops.list_close(lister, fresh.handle());
  });
}

// What ping() left where secrets.get() finds it.
std::string left_by_ping(const Subject& subject, TrialConfig config, plk_status& status,
                         std::string* error = nullptr) {
  Opened opened(subject, "trial-secrets", std::move(config));
  REQUIRE(opened.status == PLK_OK);
  status = opened.connector.ping(opened.instance, opened.call.handle(), &opened.error.err);
  if (error != nullptr) *error = opened.error.text();
  CHECK(opened.call.progress_count == 1);
  TrialSink value;
  std::int64_t ttl = 0;
  CHECK(opened.ops<plk_secrets_ops>().get(opened.instance, opened.call.handle(), str(""),
                                          value.handle(), &ttl, &opened.error.err) == PLK_OK);
  return value.content;
}

TEST_CASE("a module reaches every service of the host") {
  in_both_modes([](const Subject& subject) {
    plk_status status = PLK_OK;
    CHECK(left_by_ping(subject, TrialConfig().set("password", "old", PLK_CFG_SECRET), status) ==
          "old");
    CHECK(status == PLK_OK);
    CHECK(left_by_ping(subject, TrialConfig().set("fault", "refresh"), status) == "fresh");
    CHECK(left_by_ping(subject, TrialConfig().set("fault", "task"), status) == "by a task");
    CHECK(left_by_ping(subject, TrialConfig().set("fault", "program"), status) == "output3");
    CHECK(status == PLK_OK);
    std::string error;
    left_by_ping(subject,
                 TrialConfig().set("fault", "program").set("program", "forbidden", PLK_CFG_SECRET),
                 status, &error);
    CHECK(status == PLK_E_PERMISSION);
    CHECK(error == "the manifest does not name it");
    CHECK(left_by_ping(subject, TrialConfig().set("fault", "directory").set("at", "leave"),
                       status) == "/tmp/trial");
    CHECK(subject.host.has_temporary());
    left_by_ping(subject, TrialConfig().set("fault", "directory"), status);
    CHECK_FALSE(subject.host.has_temporary());
    CHECK(subject.host.children == 0);
  });
}

TEST_CASE("logs and metrics arrive before the worker has ended") {
  TrialHost host;
  auto supervisor = Supervisor::create();
  REQUIRE(supervisor);
  {
    auto module =
        WorkerModule::create(**supervisor, system_clock(), trial_settings(), host.entry_args());
    REQUIRE(module);
    const Subject subject{host, (*module)->plugin()};
    plk_status status = PLK_OK;
    for (int i = 0; i < 3; ++i) left_by_ping(subject, {}, status);
    // Two children that nobody waits for: they are not left over.
    for (int i = 0; i < 2; ++i) {
      left_by_ping(subject, TrialConfig().set("fault", "program").set("at", "leave"), status);
    }
    (*module)->plugin().shutdown();
    Opened late(subject, "trial-storage");
    CHECK(late.status == PLK_E_SHUTDOWN);
  }
  CHECK(host.log.size() == 5);
  CHECK(host.log.front() == "pinged key value");
  CHECK(host.metric == 5);
  CHECK(host.children == 0);
}

TEST_CASE("a cancelled call returns, and the instance stays usable") {
  in_both_modes([](const Subject& subject) {
    Opened opened(subject, "trial-storage", TrialConfig().set("at", "mode").set("fault", "wait"));
    const auto& ops = opened.ops<plk_storage_ops>();
    for (int i = 0; i < 3; ++i) {
      TrialCall call;
      // Once beforehand, then while it waits.
      if (i == 0) call.cancel();
      std::thread canceller([&] {
        if (i != 0) call.cancel();
      });
      std::uint32_t mode = 0;
      TrialError error;
      CHECK(ops.mode(opened.instance, call.handle(), &mode, &error.err) == PLK_E_CANCELLED);
      CHECK(error.text() == "cancelled");
      canceller.join();
    }
    std::uint64_t bytes = 0;
    CHECK(ops.used_bytes(opened.instance, opened.call.handle(), &bytes, nullptr) == PLK_OK);
  });
}

TEST_CASE("interrupt reaches the call that waits") {
  in_both_modes([](const Subject& subject) {
    Opened opened(subject, "trial-storage", TrialConfig().set("at", "mode").set("fault", "nap"));
    const auto& ops = opened.ops<plk_storage_ops>();
    std::atomic<bool> returned = false;
    std::thread caller([&] {
      std::uint32_t mode = 0;
      CHECK(ops.mode(opened.instance, opened.call.handle(), &mode, &opened.error.err) ==
            PLK_E_CANCELLED);
      returned = true;
    });
    // It may not have got there yet.
    while (!returned) {
      opened.connector.interrupt(opened.instance, opened.call.handle());
      std::this_thread::yield();
    }
    caller.join();
    CHECK(opened.error.text() == "interrupted");
  });
}

TEST_CASE("calls of an instance run in parallel") {
  TrialHost host;
  auto supervisor = Supervisor::create();
  REQUIRE(supervisor);
  auto module =
      WorkerModule::create(**supervisor, system_clock(), trial_settings(), host.entry_args());
  REQUIRE(module);
  const Subject subject{host, (*module)->plugin()};
  Opened opened(subject, "trial-storage", TrialConfig().set("at", "mode").set("fault", "wait"));
  const auto& ops = opened.ops<plk_storage_ops>();
  // Eight that wait; others go past them.
  std::array<TrialCall, 8> calls;
  std::vector<std::thread> waiting;
  for (TrialCall& call : calls) {
    waiting.emplace_back([&] {
      std::uint32_t mode = 0;
      CHECK(ops.mode(opened.instance, call.handle(), &mode, nullptr) == PLK_E_CANCELLED);
    });
  }
  std::vector<std::thread> working;
  for (int t = 0; t < 4; ++t) {
    working.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string key = std::to_string(t) + "-" + std::to_string(i);
        const plk_bytes content = octets(key);
        plk_object object{};
        object.struct_size = sizeof object;
        object.key = content;
        REQUIRE(ops.put(opened.instance, nullptr, &object, &content, 1, nullptr) == PLK_OK);
        char got[64];
        std::uint64_t size = 0;
        REQUIRE(ops.get(opened.instance, nullptr, &object, 0, got, sizeof got, &size, nullptr) ==
                PLK_OK);
        REQUIRE(std::string(got, size) == key);
      }
    });
  }
  for (std::thread& thread : working) thread.join();
  for (TrialCall& call : calls) call.cancel();
  for (std::thread& thread : waiting) thread.join();
}

}  // namespace
}  // namespace plakar::host::worker
