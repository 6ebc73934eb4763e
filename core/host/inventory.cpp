#include "core/host/inventory.h"

#include <cstring>
#include <string_view>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace plakar::host {
namespace {

constexpr std::uint64_t batch_max = 100'000;

using Pairs = std::vector<std::pair<std::string, std::string>>;

// What came of one list_next(), made while its batch is there.
struct Listed {
  std::vector<Resource> resources;
  const char* broken = nullptr;

  void take(plk_status status, const plk_resource_batch& batch) {
    if (status == PLK_END) {
      if (batch.count != 0) broken = "it ends with resources";
      return;
    }
    if (batch.count == 0) {
      broken = "it gives no resources, and no end";
    } else if (batch.count > batch_max) {
      broken = "it gives too many resources at once";
    } else if (batch.resources == nullptr || batch.resource_stride < sizeof(plk_resource)) {
      broken = "it gives resources that are not there";
    }
    for (std::uint64_t i = 0; broken == nullptr && i < batch.count; ++i) {
      const plk_resource& from = *PLK_AT(plk_resource, batch.resources, batch.resource_stride, i);
      Resource to{.urn = text(from.urn),
                  .name = text(from.name),
                  .region = text(from.region),
                  .service = text(from.service),
                  .resource = text(from.resource),
                  .category = text(from.category),
                  .subcategory = text(from.subcategory),
                  .tags = pairs(from.tags, from.tag_count),
                  .endpoints = pairs(from.endpoints, from.endpoint_count)};
      const std::string_view details = from_plk(from.details);
      if (details.size() > resource_details_bytes_max) broken = "the details are too long";
      if (broken == nullptr) to.details = details;
      if (to.urn.empty()) broken = "a resource has no urn";
      if (from.error_code < 0) to.error = describe(from.error_code);
      resources.push_back(std::move(to));
    }
  }

  std::string text(plk_str from) {
    const std::string_view found = from_plk(from);
    if (found.size() <= resource_text_bytes_max && is_utf8(found)) return std::string(found);
    broken = "a text is too long, or no text";
    return {};
  }

  Pairs pairs(const plk_str* from, std::uint64_t count) {
    Pairs all;
    if (count % 2 != 0 || count / 2 > resource_pairs_max || (from == nullptr && count != 0)) {
      broken = "tags or endpoints are not pairs";
      return all;
    }
    for (std::uint64_t i = 0; i < count; i += 2) {
      std::string first = text(from[i]);
      all.emplace_back(std::move(first), text(from[i + 1]));
    }
    return all;
  }
};

class AdaptedInventory final : public Inventory {
 public:
  explicit AdaptedInventory(std::shared_ptr<Instance> instance)
      : instance_(std::move(instance)),
        ops_(*static_cast<const plk_inventory_ops*>(instance_->connector().ops)) {}
  ~AdaptedInventory() override {
    if (lister_ == nullptr) return;
    static_cast<void>(
        instance_->call("list_close", CallKind::cleanup,
                        [close = ops_.list_close, raw = lister_](plk_call* call, plk_error*) {
                          close(raw, call);
                          return PLK_OK;
                        }));
  }

  Result<bool> next(std::vector<Resource>& batch) override {
    batch.clear();
    if (ended_) return false;
    if (lister_ == nullptr) PLK_TRY(open());
    auto state = std::make_shared<Listed>();
    const CallOutcome outcome = instance_->call(
        "list_next", CallKind::transfer,
        [raw = lister_, list = ops_.list_next, state](plk_call* call, plk_error* err) {
          plk_resource_batch found{};
          found.struct_size = sizeof found;
          const plk_status status = list(raw, call, &found, err);
          if (status >= 0) state->take(status, found);
          return status;
        });
    ended_ = outcome.status != PLK_OK;
    if (!outcome.ok()) return instance_->error("list_next", outcome);
    if (state->broken != nullptr) {
      ended_ = true;
      return instance_->broken("list_next", state->broken);
    }
    batch = std::move(state->resources);
    return !ended_;
  }

 private:
  Status open() {
    auto lister = std::make_shared<plk_lister*>(nullptr);
    PLK_TRY(instance_->attempt(
        "list_open", CallKind::transfer,
        [raw = instance_->raw(), open = ops_.list_open, lister](plk_call* call, plk_error* err) {
          return open(raw, call, lister.get(), err);
        }));
    if (*lister == nullptr) {
      return instance_->broken("list_open", "it succeeded and gave no lister");
    }
    lister_ = *lister;
    return {};
  }

  const std::shared_ptr<Instance> instance_;
  const plk_inventory_ops& ops_;
  plk_lister* lister_ = nullptr;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Inventory> adapt_inventory(std::shared_ptr<Instance> instance) {
  PLK_ASSERT(instance->connector().kind == PLK_KIND_INVENTORY);
  return std::make_unique<AdaptedInventory>(std::move(instance));
}

}  // namespace plakar::host
