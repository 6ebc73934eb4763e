// An inventory of one resource: replace next() by one that asks for the next page of what there is.
#include <plakar/connector.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace {

class pages : public plk::resource_lister {
 public:
  bool next(plk::call& during, std::vector<plk::resource>& out) override {
    during.check();
    if (done_) return false;
    done_ = true;
    plk::resource one;
    one.urn = "urn:my-template:1";
    one.name = "first";
    one.category = "database";
    one.tags = {"owner", "nobody"};
    one.endpoints = {"host", "db.example.org"};
    out.push_back(std::move(one));
    return true;
  }

 private:
  bool done_ = false;
};

class resources : public plk::inventory {
 public:
  explicit resources(const plk::opening&) {}

  plk::place where() const override { return plk::place("localhost", "my-template", "/"); }
  void ping(plk::call& during) override { during.check(); }
  std::unique_ptr<plk::resource_lister> list(plk::call&) override {
    return std::unique_ptr<plk::resource_lister>(new pages);
  }
};

}  // namespace

// Listed in module.cpp. The capabilities are also in manifest.yaml.
extern const plk_connector inventory_connector;
constexpr plk_connector inventory_connector =
    plk::inventory_connector<resources>("my-template-inventory", PLK_CAP_CONCURRENT, 1);
