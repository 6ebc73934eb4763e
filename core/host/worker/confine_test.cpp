// What a module in a worker is left with.
#include "core/host/worker/confine.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "core/host/worker/module.h"
#include "core/host/worker/testing/trial_host.h"
#include "core/host/worker/testing/trial_subject.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"

namespace plakar::host::worker {
namespace {

using namespace testing;

// What the module found that it can; see try_everything() in trial_module.cpp.
std::string can_do(const Permissions& permissions, const std::string& file,
                   Confinement* confinement = nullptr) {
  TrialHost host;
  auto supervisor = Supervisor::create();
  REQUIRE(supervisor);
  WorkerModuleSettings settings = trial_settings();
  settings.worker.permissions = permissions;
  auto module = WorkerModule::create(**supervisor, system_clock(), settings, host.entry_args());
  REQUIRE_MESSAGE(module, (module ? "" : module.error().message()));
  if (confinement != nullptr) *confinement = (*module)->confinement();
  Opened opened({host, (*module)->plugin()}, "trial-secrets",
                TrialConfig().set("fault", "everything").set("file", file));
  REQUIRE(opened.status == PLK_OK);
  TrialCall call;
  const plk_status status =
      opened.connector.ping(opened.instance, call.handle(), &opened.error.err);
  REQUIRE_MESSAGE(status == PLK_OK, opened.error.text());
  TrialSink found;
  std::int64_t ttl = 0;
  REQUIRE(opened.ops<plk_secrets_ops>().get(opened.instance, call.handle(), str(""), found.handle(),
                                            &ttl, nullptr) == PLK_OK);
  return found.content;
}

std::string file_in(const plakar::testing::TempDir& directory) {
  const std::string path = (directory.path() / "file").string();
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(file);
  return path;
}

long landlock_abi() { return ::syscall(444, nullptr, std::size_t{0}, 1U); }

TEST_CASE("a worker has no environment, no descriptors, no programs, in any case") {
  // None of these is for it; the descriptor is not even O_CLOEXEC.
  ::setenv("PLAKAR_CANARY", "secret", 1);
  const Fd ours(::open("/dev/null", O_RDONLY));
  const plakar::testing::TempDir directory;
  std::string can = can_do({}, file_in(directory));
  ::unsetenv("PLAKAR_CANARY");
  // Without Landlock's scopes the parent may be signalled; seccomp refuses that as well.
  CHECK(can == "fwn");
}

TEST_CASE("without permissions there are no files, and no network") {
  if (landlock_abi() < 1) PLK_SKIP("this kernel has no Landlock");
  const plakar::testing::TempDir directory;
  const std::string file = file_in(directory);
  Permissions permissions;
  permissions.all_files = false;
  permissions.all_network = false;
  Confinement confinement;
  CHECK(can_do(permissions, file, &confinement).empty());
  CHECK(confinement == Confinement{.files = true, .network = true, .calls = true});

  permissions.read_paths = {directory.path().string()};
  CHECK(can_do(permissions, file) == "f");
  permissions.read_paths = {"/does/not/exist"};
  permissions.write_paths = {directory.path().string()};
  CHECK(can_do(permissions, file) == "fw");
  permissions.write_paths.clear();
  permissions.all_network = true;
  CHECK(can_do(permissions, file) == "n");
  permissions.all_network = false;
  permissions.tcp_ports = {443};
  CHECK(can_do(permissions, file) == "n");
}

}  // namespace
}  // namespace plakar::host::worker
