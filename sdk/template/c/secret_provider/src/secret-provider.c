// A provider of secrets with one secret in it: replace provider_get() by one that asks a vault.
#include <plakar/connector.h>
#include <stdlib.h>
#include <string.h>

extern const plk_host_api* host;  // in module.c

struct plk_instance {
  char unused;
};

static plk_status provider_open(const plk_open_args* args, plk_instance** out, plk_error* err) {
  (void)args;
  *out = calloc(1, sizeof **out);
  return *out == NULL ? plk_fail(err, PLK_E_NO_MEMORY, "out of memory") : PLK_OK;
}

static void provider_close(plk_instance* provider, plk_call* call) {
  (void)call;
  free(provider);
}

static plk_status provider_location(plk_instance* provider, plk_location* out, plk_error* err) {
  (void)provider, (void)err;
  out->flags = 0;
  out->origin = (plk_str)PLK_STR("localhost");
  out->type = (plk_str)PLK_STR("my-template");
  out->root = (plk_bytes){(const uint8_t*)"/", 1};
  return PLK_OK;
}

static plk_status provider_ping(plk_instance* provider, plk_call* call, plk_error* err) {
  (void)provider;
  return host->call_cancelled(call) ? plk_fail(err, PLK_E_CANCELLED, "cancelled") : PLK_OK;
}

static plk_status provider_get(plk_instance* provider, plk_call* call, plk_str path,
                               plk_sink* value, int64_t* ttl_s, plk_error* err) {
  static const char known[] = "known";
  static const char secret[] = "sesame";
  (void)provider;
  if (host->call_cancelled(call)) return plk_fail(err, PLK_E_CANCELLED, "cancelled");
  if (path.len != sizeof known - 1 || memcmp(path.ptr, known, sizeof known - 1) != 0) {
    return plk_fail(err, PLK_E_NOT_FOUND, "there is no such secret");
  }
  *ttl_s = 60;  // seconds for which the host may keep it
  return host->sink_write(value, secret, sizeof secret - 1);
}

static const plk_secrets_ops provider_ops = {
    .struct_size = sizeof provider_ops,
    .get = provider_get,
};

// Listed in module.c. The capabilities are also in manifest.yaml.
extern const plk_connector secret_provider_connector;
const plk_connector secret_provider_connector = {
    .struct_size = sizeof secret_provider_connector,
    .kind = PLK_KIND_SECRETS,
    .id = "my-template-secret-provider",
    .caps = PLK_CAP_CONCURRENT,
    .config_schema_version = 1,
    .open = provider_open,
    .location = provider_location,
    .ping = provider_ping,
    .close = provider_close,
    .ops = &provider_ops,
};
