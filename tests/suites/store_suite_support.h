// What the parts of the store suites have in common.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core/base/bytes.h"
#include "core/kloset/store.h"
#include "tests/suites/store_suite.h"

namespace plakar::testing {

inline constexpr auto item_kinds = {kloset::ItemKind::packfile, kloset::ItemKind::state,
                                    kloset::ItemKind::lock};

// Different for every `value` below 65,536, and spread over all first bytes.
kloset::ItemName item_name(int value);
// Different for every `seed`, and incompressible.
Bytes item_content(std::size_t size, int seed = 1);

// These fail the test when the store does. For the thread of the test alone.
std::unique_ptr<kloset::Store> created_store(const StorePlace& place);
std::multiset<kloset::ItemName> listed_items(kloset::Store& store, kloset::ItemKind kind);
Bytes whole_item(kloset::Store& store, kloset::ItemKind kind, const kloset::ItemName& name);
void check_ranges(kloset::Store& store, kloset::ItemKind kind, const kloset::ItemName& name,
                  BytesView wanted);

// Nothing for success, so that a code can be compared with whatever came.
std::optional<Errc> code_of(const Status& status);
template <class T>
std::optional<Errc> code_of(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error().code());
}

// The parts, called by run_store_suite().
void test_store_creation(const StorePlace& place);
void test_store_items(const StorePlace& place);
void test_store_writers(const StorePlace& place);
void test_store_listings(const StorePlace& place);
void test_store_threads(const StorePlace& place);
void test_store_cancelling(const StorePlace& place);

}  // namespace plakar::testing
