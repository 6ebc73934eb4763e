#include "core/host/secret_provider.h"

#include <string>
#include <utility>

#include "core/base/assert.h"

namespace plakar::host {
namespace {

class AdaptedSecretProvider final : public SecretProvider {
 public:
  explicit AdaptedSecretProvider(std::shared_ptr<Instance> instance)
      : instance_(std::move(instance)),
        ops_(*static_cast<const plk_secrets_ops*>(instance_->connector().ops)) {}

  Result<FoundSecret> find(std::string_view path) override {
    struct State {
      explicit State(std::string_view wanted) : path(wanted) {}
      const std::string path;
      Sink value{secret_bytes_max};
      std::int64_t ttl = 0;
    };
    std::shared_ptr<State> state;
    const CallOutcome outcome =
        instance_->persist("get", CallKind::transfer, [&]() -> Module::Body {
          state = std::make_shared<State>(path);
          return [raw = instance_->raw(), get = ops_.get, state](plk_call* call, plk_error* err) {
            return get(raw, call, to_plk(state->path), state->value.handle(), &state->ttl, err);
          };
        });
    if (outcome.status != PLK_E_CRASHED && state->value.overflowed()) {
      return Error(Errc::corrupt, "the secret is larger than 64 KiB");
    }
    if (!outcome.ok()) return instance_->error("get", outcome);
    // An empty password opens doors that nobody meant.
    if (state->value.bytes.empty()) return Error(Errc::not_found, "the secret is empty");
    FoundSecret found{.value = Secret(BytesView(state->value.bytes)), .lifetime = {}};
    if (state->ttl >= 0) found.lifetime = std::chrono::seconds(state->ttl);
    return found;
  }

 private:
  const std::shared_ptr<Instance> instance_;
  const plk_secrets_ops& ops_;
};

}  // namespace

std::unique_ptr<SecretProvider> adapt_secret_provider(std::shared_ptr<Instance> instance) {
  PLK_ASSERT(instance->connector().kind == PLK_KIND_SECRETS);
  return std::make_unique<AdaptedSecretProvider>(std::move(instance));
}

}  // namespace plakar::host
