// The module: its name and version, the same as in manifest.yaml, and its connectors.
#include <plakar/connector.h>

#define NAME "my-template"
#define VERSION "0.1.0"

extern const plk_connector my_kind_connector;

static const plk_connector* const connectors[] = {
    &my_kind_connector,
};

// What the host offers. Set by the entry, before anything else of the module runs.
const plk_host_api* host;

static void shutdown_module(void) {}

PLK_NOTE(NAME, VERSION, 0);

static const plk_plugin plugin = {
    .magic = PLK_MAGIC,
    .struct_size = sizeof plugin,
    .abi_minor_built = PLK_TARGET_MINOR,
    .abi_minor_required = 0,
    .name = NAME,
    .version = VERSION,
    .connectors = connectors,
    .connector_count = sizeof connectors / sizeof connectors[0],
    .shutdown = shutdown_module,
};

plk_status PLK_CALL PLK_ENTRY(const plk_entry_args* args, const plk_plugin** out, plk_error* err) {
  if (args->abi_major != PLK_ABI_MAJOR) {
    return plk_fail(err, PLK_E_ABI, "this module is built for version 1 of the connector ABI");
  }
  host = args->host;
  *out = &plugin;
  return PLK_OK;
}
