// Any bytes as the nodes of a tree, which may be anywhere below themselves. Reading ends, after
// few loads and with keys in order, and what a check has no objection to can be searched: every
// key is found, and scans from it go on with it.
//
//   input := node*         the first is the root of nodes; names are their numbers
//   node  := shape:1 item*    shape: keys (4 bits), inner (1), names a right neighbour (1)
//   item  := letter:1 number:1     a key "/" letter, or two levels deep; a value or pointer
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/kloset/tree/tree_reader.h"
#include "tests/fuzz/structure_checks.h"

namespace plakar {
namespace {

using kloset::KeyOrder;
using kloset::ResourceType;
using kloset::TreeReader;

constexpr std::size_t nodes_max = 64;

Mac mac_of(std::uint8_t number) {
  Mac mac;
  mac.bytes[0] = std::byte{number};
  return mac;
}

class Nodes final : public kloset::BlobSource {
 public:
  explicit Nodes(std::span<const std::uint8_t> input) {
    const auto take = [&]() -> std::uint8_t {
      if (input.empty()) return 0;
      const std::uint8_t byte = input.front();
      input = input.subspan(1);
      return byte;
    };
    while (!input.empty() && nodes_.size() < nodes_max) {
      const std::uint8_t shape = take();
      const bool inner = (shape & 0x10) != 0;
      std::vector<std::string> keys;
      kloset::TreeNode node;
      for (int left = shape & 0x0f; left > 0; --left) {
        const std::uint8_t letter = take();
        const char name = static_cast<char>('a' + letter % 26);
        keys.push_back((letter & 0x80) == 0 ? std::string{'/', name}
                                            : std::string{'/', 'x', '/', name});
        (inner ? node.pointers : node.values).push_back(mac_of(take()));
      }
      if (inner) node.pointers.push_back(mac_of(take()));
      if ((shape & 0x20) != 0) node.next = mac_of(take());
      node.keys.assign(keys.begin(), keys.end());
      Bytes encoded;
      encode_tree_node(encoded, node);
      nodes_.push_back(std::move(encoded));
    }
  }

  Result<Bytes> load(ResourceType type, const Mac& mac, std::size_t) override {
    ++loads;
    if (type == ResourceType::vfs_root) return kloset::encode_tree_root(mac_of(0));
    const auto number = std::to_integer<std::size_t>(mac.bytes[0]);
    if (number >= nodes_.size()) return Error(Errc::not_found, "no such node");
    return nodes_[number];
  }
  bool has(ResourceType, const Mac&) const override { return true; }

  std::size_t loads = 0;

 private:
  std::vector<Bytes> nodes_;
};

using Keys = std::vector<std::pair<std::string, Mac>>;

struct Scanned {
  Keys keys;
  bool whole = false;
};

Scanned scan(TreeReader& tree, std::string_view start) {
  Scanned scanned;
  scanned.whole = tree.scan(start,
                            [&](std::string_view key, const Mac& value) -> Result<bool> {
                              scanned.keys.emplace_back(key, value);
                              return true;
                            })
                      .has_value();
  return scanned;
}

void check_ordered(Nodes& nodes, KeyOrder order) {
  auto tree = TreeReader::open(nodes, ResourceType::vfs_root, Mac(), order);
  fuzz::require(tree.has_value());
  nodes.loads = 0;
  const Scanned all = scan(*tree, "");
  // Each node, but for those above it, is visited once.
  fuzz::require(nodes.loads <= nodes_max + 1);
  for (std::size_t i = 1; i < all.keys.size(); ++i) {
    fuzz::require(key_less(order, all.keys[i - 1].first, all.keys[i].first));
  }
  const bool sound = tree->check([](const Mac&) { return Status(); },
                                 [](std::string_view, const Mac&) -> Result<bool> { return true; })
                         .has_value();
  fuzz::require(all.whole || !sound);
  if (!all.whole) return;
  for (std::size_t i = 0; i < all.keys.size(); ++i) {
    const auto found = tree->find(all.keys[i].first);
    fuzz::require(found && *found == all.keys[i].second);
    const Scanned rest = scan(*tree, all.keys[i].first);
    fuzz::require(rest.whole);
    fuzz::require(rest.keys ==
                  Keys(all.keys.begin() + static_cast<std::ptrdiff_t>(i), all.keys.end()));
  }
}

}  // namespace
}  // namespace plakar

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  Nodes nodes(std::span(data, size));
  check_ordered(nodes, KeyOrder::path);
  check_ordered(nodes, KeyOrder::bytes);

  auto tree = TreeReader::open(nodes, ResourceType::vfs_root, Mac(), KeyOrder::unknown);
  fuzz::require(tree.has_value());
  nodes.loads = 0;
  const Scanned all = scan(*tree, "");
  fuzz::require(nodes.loads <= nodes_max + 1);
  if (!all.whole) return 0;
  for (const auto& [key, value] : all.keys) fuzz::require(tree->find(key).value().has_value());
  return 0;
}
