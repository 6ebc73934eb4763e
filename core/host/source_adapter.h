// A connector of kind importer as a Source.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/instance.h"
#include "core/kloset/source.h"

namespace plakar::host {

// What the host leaves out, whatever the connector makes of its excludes.
struct SourceFilter {
  bool xattrs = true;
  // Of a directory that is excluded everything below is. Not asked for the root.
  std::function<bool(std::string_view path, bool is_directory)> excluded{};
  // Paths of this machine, where the source is local: the store that is written to.
  std::vector<std::string> left_out{};
  std::function<void(std::string_view path)> on_left_out{};
};

// Precondition: the instance's connector is of kind PLK_KIND_IMPORTER.
std::unique_ptr<kloset::Source> adapt_source(std::shared_ptr<Instance> instance,
                                             SourceFilter filter = {});

}  // namespace plakar::host
