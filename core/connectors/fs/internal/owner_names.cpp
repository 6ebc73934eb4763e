#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <map>
#include <utility>
#include <vector>

#include "core/connectors/fs/source.h"

namespace plakar::connectors {
namespace {

// Of one account's entry: a group's holds the names of all its members.
constexpr std::size_t entry_size_max = 16u << 20;

class SystemOwnerNames final : public OwnerNames {
 public:
  std::string user(std::uint64_t id) override {
    return cached(users_, id, [this](std::uint64_t wanted, const char*& name) {
      passwd entry{};
      passwd* found = nullptr;
      const int failed =
          ::getpwuid_r(static_cast<uid_t>(wanted), &entry, buffer_.data(), buffer_.size(), &found);
      name = found == nullptr ? nullptr : found->pw_name;
      return failed;
    });
  }
  std::string group(std::uint64_t id) override {
    return cached(groups_, id, [this](std::uint64_t wanted, const char*& name) {
      ::group entry{};
      ::group* found = nullptr;
      const int failed =
          ::getgrgid_r(static_cast<gid_t>(wanted), &entry, buffer_.data(), buffer_.size(), &found);
      name = found == nullptr ? nullptr : found->gr_name;
      return failed;
    });
  }

 private:
  using Names = std::map<std::uint64_t, std::string>;

  template <class Ask>
  std::string cached(Names& names, std::uint64_t id, Ask ask) {
    const auto [at, is_new] = names.try_emplace(id);
    if (!is_new) return at->second;
    const char* name = nullptr;
    int failed = ask(id, name);
    while (failed == ERANGE && buffer_.size() < entry_size_max) {
      buffer_.resize(buffer_.size() * 4);
      failed = ask(id, name);
    }
    if (name != nullptr) at->second = name;
    return at->second;
  }

  Names users_;
  Names groups_;
  std::vector<char> buffer_ = std::vector<char>(4096);
};

}  // namespace

std::unique_ptr<OwnerNames> system_owner_names() { return std::make_unique<SystemOwnerNames>(); }

}  // namespace plakar::connectors
