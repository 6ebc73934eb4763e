// A provider of secrets with one secret in it: replace find() by one that asks a vault.
#include <plakar/connector.hpp>

namespace {

class provider : public plk::secret_provider {
 public:
  explicit provider(const plk::opening&) {}

  plk::place where() const override { return plk::place("localhost", "my-template", "/"); }
  void ping(plk::call& during) override { during.check(); }

  std::int64_t find(plk::call& during, plk::text path, plk::sink& value) override {
    during.check();
    if (path != "known") throw plk::failure(PLK_E_NOT_FOUND, "there is no such secret");
    value.write(plk::text("sesame"));
    return 60;  // seconds for which the host may keep it
  }
};

}  // namespace

// Listed in module.cpp. The capabilities are also in manifest.yaml.
extern const plk_connector secret_provider_connector;
constexpr plk_connector secret_provider_connector =
    plk::secrets_connector<provider>("my-template-secret-provider", PLK_CAP_CONCURRENT, 1);
