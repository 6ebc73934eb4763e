// The options that say which snapshots a command means: -name, -tag, -since, -per-day and so on.
// For a command's FlagSet; `plakar help query` describes them.
//
//   config::QuerySettings settings;
//   add_query_options(flags, settings);
//   ... lex ...
//   warn_about_dates(context, settings);
//   const auto headers = load_kept(context, repository, settings, damaged);
#pragma once

#include <vector>

#include "cli/commands/command.h"
#include "cli/flags/flag_set.h"
#include "core/base/result.h"
#include "core/config/query_settings.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/header.h"

namespace plakar::cli {

// Filters. `settings` outlives `flags`.
void add_filter_options(FlagSet& flags, config::QuerySettings& settings);
// Filters and rules of retention.
void add_query_options(FlagSet& flags, config::QuerySettings& settings);

// Says what dates mean that mostly are meant to say something else: "30m" is thirty months.
void warn_about_dates(Context& context, const config::QuerySettings& settings);

// The snapshots that are kept, newest first: those that `ls`, `check` and `sync` mean. One that
// cannot be read is named on stderr, and makes `damaged` true.
Result<std::vector<kloset::SnapshotHeader>> load_kept(Context& context,
                                                      kloset::Repository& repository,
                                                      const config::QuerySettings& settings,
                                                      bool& damaged);

}  // namespace plakar::cli
