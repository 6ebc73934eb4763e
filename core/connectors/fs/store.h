// A store in a directory.
//
//   CONFIG
//   packfiles/00 ... packfiles/ff/<64 hex>      the bucket is the first byte of the name
//   states/00 ... states/ff/<64 hex>
//   locks/<64 hex>
//
// Items are written under a temporary name `tmp.<random>`, beside the buckets or, for locks and
// CONFIG, in the store's root; synced; renamed; and the directory is synced. So a crash leaves
// whole items and perhaps a temporary file, which listings pass over and a later start of a writer
// removes when it is a day old. After a failed sync the temporary file is given up: the kernel may
// have dropped what it could not write and would call a second sync a success.
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
