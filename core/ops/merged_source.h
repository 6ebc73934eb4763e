// Several sources as one, so that one snapshot has them all: of one type and one origin, with the
// common prefix of their roots as the root. A source whose root lies within another's is that
// one's already, and is not asked.
//
// Every source brings the directories above its root along; each is passed on once.
//
// Thread rule: that of Source, which it keeps towards each of its sources.
#pragma once

#include <memory>
#include <vector>

#include "core/base/result.h"
#include "core/kloset/source.h"

namespace plakar::ops {

// The sources outlive what is made of them. Precondition: at least one, with clean absolute roots.
// Errc::unsupported for several of different types or origins, or of a type that cannot share a
// snapshot.
Result<std::unique_ptr<kloset::Source>> merge_sources(std::vector<kloset::Source*> sources);

}  // namespace plakar::ops
