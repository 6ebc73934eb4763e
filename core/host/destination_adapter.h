// A connector of kind exporter as a Destination.
#pragma once

#include <memory>
#include <string>

#include "core/host/instance.h"
#include "core/kloset/destination.h"

namespace plakar::host {

struct DestinationOptions {
  kloset::Existing existing = kloset::Existing::replace;
  bool owners = true;
  bool permissions = true;
};

// Precondition: the instance's connector is of kind PLK_KIND_EXPORTER.
std::unique_ptr<kloset::Destination> adapt_destination(std::shared_ptr<Instance> instance,
                                                       std::string location,
                                                       const DestinationOptions& options = {});

}  // namespace plakar::host
