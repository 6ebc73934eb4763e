// Modules whose entry gives something that cannot be used, each in one way, and all but one with an
// identity that is right.
#include <plakar/connector.h>
#include <stddef.h>

PLK_NOTE("entry", "1.0.0", 0);

static plk_status open_nothing(const plk_open_args* args, plk_instance** instance, plk_error* err) {
  (void)args;
  (void)instance;
  return plk_fail(err, PLK_E_UNSUPPORTED, "nothing can be opened");
}
static plk_status locate(plk_instance* instance, plk_location* location, plk_error* err) {
  (void)instance;
  (void)location;
  return plk_fail(err, PLK_E_UNSUPPORTED, "nowhere");
}
static plk_status ping(plk_instance* instance, plk_call* call, plk_error* err) {
  (void)instance;
  (void)call;
  return plk_fail(err, PLK_E_UNSUPPORTED, "nobody");
}
static void close_nothing(plk_instance* instance, plk_call* call) {
  (void)instance;
  (void)call;
}

#if defined(ENTRY_OPS)
static plk_status get_secret(plk_instance* instance, plk_call* call, plk_str path, plk_sink* value,
                             int64_t* ttl_s, plk_error* err) {
  (void)instance;
  (void)call;
  (void)path;
  (void)value;
  (void)ttl_s;
  return plk_fail(err, PLK_E_NOT_FOUND, "no secret");
}
static const plk_secrets_ops secrets = {.struct_size = sizeof secrets, .get = get_secret};
#endif

#ifndef ENTRY_WITHOUT_FUNCTIONS
#define ENTRY_WITHOUT_FUNCTIONS 0
#endif

static const plk_connector connector = {
    .struct_size = sizeof connector,
    .kind = PLK_KIND_SECRETS,
    .id = "entry",
    .open = ENTRY_WITHOUT_FUNCTIONS ? NULL : open_nothing,
    .location = locate,
    .ping = ping,
    .close = close_nothing,
#if defined(ENTRY_OPS)
    .ops = &secrets,
#endif
};
static const plk_connector* const connectors[] = {&connector, &connector};

static void shut_down(void) {}

#ifndef ENTRY_MAGIC
#define ENTRY_MAGIC PLK_MAGIC
#endif
#ifndef ENTRY_NAME
#define ENTRY_NAME "entry"
#endif
#ifndef ENTRY_VERSION
#define ENTRY_VERSION "1.0.0"
#endif
#ifndef ENTRY_REQUIRED
#define ENTRY_REQUIRED 0
#endif
#ifndef ENTRY_SIZE
#define ENTRY_SIZE sizeof(plk_plugin)
#endif
#ifndef ENTRY_RESULT
#define ENTRY_RESULT (plugin.magic != 0 ? &plugin : NULL)
#endif
#ifndef ENTRY_CONNECTORS
#define ENTRY_CONNECTORS 1
#endif

static const plk_plugin plugin = {
    .magic = ENTRY_MAGIC,
    .struct_size = ENTRY_SIZE,
    .abi_minor_built = PLK_TARGET_MINOR,
    .abi_minor_required = ENTRY_REQUIRED,
    .name = ENTRY_NAME,
    .version = ENTRY_VERSION,
    .connectors = connectors,
    .connector_count = ENTRY_CONNECTORS,
    .shutdown = shut_down,
};

plk_status PLK_ENTRY(const plk_entry_args* args, const plk_plugin** out, plk_error* err) {
  (void)args;
#if defined(ENTRY_FAILS)
  if (args != NULL) return plk_fail(err, PLK_E_INTERNAL, "not today");
#else
  (void)err;
#endif
  *out = ENTRY_RESULT;
  return PLK_OK;
}
