#include "tests/suites/store_suite_support.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

namespace plakar::testing {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::Store;

ItemName item_name(int value) {
  ItemName made;
  made.bytes.fill(static_cast<std::byte>(value));
  made.bytes[31] = static_cast<std::byte>(value >> 8);
  return made;
}

Bytes item_content(std::size_t size, int seed) {
  Bytes bytes(size);
  auto state = static_cast<std::uint32_t>(seed);
  for (std::byte& b : bytes) {
    state = state * 1664525 + 1013904223;
    b = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

std::unique_ptr<Store> created_store(const StorePlace& place) {
  auto store = place.open({});
  REQUIRE(store->create(as_bytes("config")));
  return store;
}

std::multiset<ItemName> listed_items(Store& store, ItemKind kind) {
  std::multiset<ItemName> found;
  REQUIRE(store.list(kind, [&](const ItemInfo& item) -> Status {
    found.insert(item.name);
    return {};
  }));
  return found;
}

Bytes whole_item(Store& store, ItemKind kind, const ItemName& name) {
  auto bytes = kloset::load_item(store, kind, name, 1u << 30);
  REQUIRE(bytes);
  return *std::move(bytes);
}

void check_ranges(Store& store, ItemKind kind, const ItemName& name, BytesView wanted) {
  const std::uint64_t size = wanted.size();
  REQUIRE(store.size(kind, name).value() == size);
  const std::array<std::uint64_t, 13> offsets{0,
                                              1,
                                              511,
                                              4095,
                                              4096,
                                              4097,
                                              size - 1,
                                              size,
                                              size + 1,
                                              size + 4096,
                                              1u << 30,
                                              UINT64_C(1) << 40,
                                              UINT64_C(1) << 62};
  for (const std::uint64_t offset : offsets) {
    for (const std::size_t length :
         {std::size_t{0}, std::size_t{1}, std::size_t{4096}, wanted.size() - 1, wanted.size(),
          wanted.size() + 1, 2 * wanted.size()}) {
      CAPTURE(offset);
      CAPTURE(length);
      Bytes out(length + 1, std::byte{0x5a});
      const auto got = store.read(kind, name, offset, std::span(out).first(length));
      REQUIRE(got);
      const std::size_t there =
          offset >= size ? 0
                         : static_cast<std::size_t>(std::min<std::uint64_t>(length, size - offset));
      REQUIRE(*got == there);
      if (there > 0) {
        const BytesView expected = wanted.subspan(static_cast<std::size_t>(offset), there);
        CHECK(std::equal(expected.begin(), expected.end(), out.begin()));
      }
      CHECK(out[length] == std::byte{0x5a});  // Not a byte further than asked for.
    }
  }
}

std::optional<Errc> code_of(const Status& status) {
  return status ? std::nullopt : std::optional(status.error().code());
}

}  // namespace plakar::testing
