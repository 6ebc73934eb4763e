// An inventory of one resource: replace inventory_list_next() by one that asks for the next page of
// what there is.
#include <plakar/connector.h>
#include <stdlib.h>

extern const plk_host_api* host;  // in module.c

struct plk_instance {
  char unused;
};

struct plk_lister {
  int done;
  plk_resource resource;
};

static plk_status inventory_open(const plk_open_args* args, plk_instance** out, plk_error* err) {
  (void)args;
  *out = calloc(1, sizeof **out);
  return *out == NULL ? plk_fail(err, PLK_E_NO_MEMORY, "out of memory") : PLK_OK;
}

static void inventory_close(plk_instance* inventory, plk_call* call) {
  (void)call;
  free(inventory);
}

static plk_status inventory_location(plk_instance* inventory, plk_location* out, plk_error* err) {
  (void)inventory, (void)err;
  out->flags = 0;
  out->origin = (plk_str)PLK_STR("localhost");
  out->type = (plk_str)PLK_STR("my-template");
  out->root = (plk_bytes){(const uint8_t*)"/", 1};
  return PLK_OK;
}

static plk_status inventory_ping(plk_instance* inventory, plk_call* call, plk_error* err) {
  (void)inventory;
  return host->call_cancelled(call) ? plk_fail(err, PLK_E_CANCELLED, "cancelled") : PLK_OK;
}

static plk_status inventory_list_open(plk_instance* inventory, plk_call* call, plk_lister** out,
                                      plk_error* err) {
  (void)inventory, (void)call;
  *out = calloc(1, sizeof **out);
  return *out == NULL ? plk_fail(err, PLK_E_NO_MEMORY, "out of memory") : PLK_OK;
}

static plk_status inventory_list_next(plk_lister* lister, plk_call* call, plk_resource_batch* batch,
                                      plk_error* err) {
  static const plk_str tags[] = {PLK_STR("owner"), PLK_STR("nobody")};
  static const plk_str endpoints[] = {PLK_STR("host"), PLK_STR("db.example.org")};
  if (host->call_cancelled(call)) return plk_fail(err, PLK_E_CANCELLED, "cancelled");
  if (lister->done) return PLK_END;
  lister->done = 1;
  lister->resource = (plk_resource){
      .urn = PLK_STR("urn:my-template:1"),
      .name = PLK_STR("first"),
      .category = PLK_STR("database"),
      .tags = tags,
      .tag_count = 2,
      .endpoints = endpoints,
      .endpoint_count = 2,
  };
  batch->resource_stride = sizeof lister->resource;
  batch->resources = &lister->resource;
  batch->count = 1;
  return PLK_OK;
}

static void inventory_list_close(plk_lister* lister, plk_call* call) {
  (void)call;
  free(lister);
}

static const plk_inventory_ops inventory_ops = {
    .struct_size = sizeof inventory_ops,
    .list_open = inventory_list_open,
    .list_next = inventory_list_next,
    .list_close = inventory_list_close,
};

// Listed in module.c. The capabilities are also in manifest.yaml.
extern const plk_connector inventory_connector;
const plk_connector inventory_connector = {
    .struct_size = sizeof inventory_connector,
    .kind = PLK_KIND_INVENTORY,
    .id = "my-template-inventory",
    .caps = PLK_CAP_CONCURRENT,
    .config_schema_version = 1,
    .open = inventory_open,
    .location = inventory_location,
    .ping = inventory_ping,
    .close = inventory_close,
    .ops = &inventory_ops,
};
