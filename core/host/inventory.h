// A connector of kind inventory: what there is on the other side that could be backed up.
//
// next() is for one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/host/instance.h"

namespace plakar::host {

inline constexpr std::size_t resource_text_bytes_max = 64 * 1024;
inline constexpr std::size_t resource_details_bytes_max = 1024 * 1024;
inline constexpr std::size_t resource_pairs_max = 1024;

struct Resource {
  std::string urn{};  // names it, for good
  std::string name{};
  std::string region{};
  std::string service{};
  std::string resource{};
  std::string category{};
  std::string subcategory{};
  std::vector<std::pair<std::string, std::string>> tags{};
  std::vector<std::pair<std::string, std::string>> endpoints{};  // "host", and which
  std::string details{};                                         // JSON, or empty
  std::string error{};  // why no more could be learned of it; empty: all is known
};

class Inventory {
 public:
  virtual ~Inventory() = default;
  // Replaces the content of `batch` by more; false, with an empty batch, at the end.
  virtual Result<bool> next(std::vector<Resource>& batch) = 0;
};

// Precondition: the instance's connector is of kind PLK_KIND_INVENTORY.
std::unique_ptr<Inventory> adapt_inventory(std::shared_ptr<Instance> instance);

}  // namespace plakar::host
