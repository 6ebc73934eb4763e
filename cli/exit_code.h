// What the process says to the shell, in one place.
#pragma once

namespace plakar::cli {

enum ExitCode : int {
  exit_ok = 0,
  exit_failure = 1,      // any error without a code of its own
  exit_usage = 2,        // an option that could not be read
  exit_with_errors = 3,  // done as far as possible: some items failed and were named
  exit_damaged = 65,     // check found a damaged snapshot
  exit_no_store = 66,    // the store could not be opened
  exit_locked = 77,      // no passphrase, or a wrong one
  exit_version = 78,     // the store is of a version we do not know
};

}  // namespace plakar::cli
