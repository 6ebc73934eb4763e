// A connector of kind secret provider: finds secrets by path.
//
// Any thread may use one.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/host/instance.h"

namespace plakar::host {

inline constexpr std::size_t secret_bytes_max = 64 * 1024;

struct FoundSecret {
  Secret value;
  // For how long it may be kept; nothing: for as long as one likes.
  std::optional<std::chrono::seconds> lifetime;
};

class SecretProvider {
 public:
  virtual ~SecretProvider() = default;
  // Errc::not_found where there is none, and for an empty one; Errc::corrupt for one that is too
  // large.
  virtual Result<FoundSecret> find(std::string_view path) = 0;
};

// Precondition: the instance's connector is of kind PLK_KIND_SECRETS.
std::unique_ptr<SecretProvider> adapt_secret_provider(std::shared_ptr<Instance> instance);

}  // namespace plakar::host
