// A connector of kind storage as a Store.
#pragma once

#include <memory>

#include "core/host/instance.h"
#include "core/kloset/store.h"

namespace plakar::host {

// Precondition: the instance's connector is of kind PLK_KIND_STORAGE.
std::unique_ptr<kloset::Store> adapt_store(std::shared_ptr<Instance> instance,
                                           std::string location);

}  // namespace plakar::host
