// Keeps the keys of stores between runs, so that a passphrase need not be stretched again each
// time. Off unless somebody asks for it: whoever can ask the cache can open the store.
//
//   const auto cache = PLK_TRY(open_keyring(std::chrono::minutes(10)));
//
// An entry is named by the repository and its salt; a store that was made again has another one.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/base/secret.h"

namespace plakar::kloset {

// May be used from any thread.
class KeyCache {
 public:
  virtual ~KeyCache() = default;

  // Nothing when there is none, or none any more.
  virtual std::optional<Secret> find(const Uuid& repository, BytesView salt) = 0;
  virtual Status keep(const Uuid& repository, BytesView salt, const Secret& key) = 0;
  virtual void forget(const Uuid& repository, BytesView salt) = 0;
};

// The user's keyring in the kernel: memory that is never swapped, for this user only, gone after
// `lifetime` and at the latest when the machine restarts. Errc::unsupported where the kernel, or a
// sandbox, has none.
Result<std::unique_ptr<KeyCache>> open_keyring(std::chrono::seconds lifetime);

}  // namespace plakar::kloset
