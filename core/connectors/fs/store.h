// A store in a directory.
//
//   CONFIG
//   packfiles/00 ... packfiles/ff/<64 hex>      the bucket is the first byte of the name
//   states/00 ... states/ff/<64 hex>
//   locks/<64 hex>
//
// Files have mode 0600, directories 0700. Items are written under a temporary name `tmp.<random>`,
// beside the buckets or, for locks and CONFIG, in the store's root; synced; renamed; and the
// directory is synced. So a crash leaves whole items, everything that was acknowledged, and
// perhaps temporary files, which listings pass over. When a store is first written to, those that
// are a day old and nobody's are removed.
//
// A missing bucket is made again: somebody may have tidied up empty directories. What does not
// look like an item is never touched.
#pragma once

#include <memory>
#include <string>

#include "core/base/env.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/store.h"

namespace plakar::connectors {

// `path` is absolute. Nothing is touched yet. What `env` refers to outlives the store.
std::unique_ptr<kloset::Store> make_fs_store(Env env, std::string path, flow::CancelToken cancel);

}  // namespace plakar::connectors
