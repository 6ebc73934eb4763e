// The smallest module there is: no connectors. Compiled several times, each time wrong in one way,
// for the tests of what is refused before anything of it runs.
#include <plakar/connector.h>
#include <stddef.h>
#include <unistd.h>

#ifndef MINIMAL_NAME
#define MINIMAL_NAME "minimal"
#endif
#ifndef MINIMAL_VERSION
#define MINIMAL_VERSION "1.2.3"
#endif
#ifndef MINIMAL_REQUIRED
#define MINIMAL_REQUIRED 0
#endif

#if !defined(MINIMAL_WITHOUT_NOTE)
PLK_NOTE(MINIMAL_NAME, MINIMAL_VERSION, MINIMAL_REQUIRED);
#endif

#if defined(MINIMAL_WITH_STRAY)
PLK_EXPORT int minimal_stray(void);
int minimal_stray(void) { return 1; }
#endif

// Tells by an environment variable that something of the module has run.
#if defined(MINIMAL_WITH_CONSTRUCTOR)
#include <stdlib.h>
__attribute__((constructor)) static void on_load(void) { setenv("PLK_TEST_MODULE_RAN", "1", 1); }
#endif

#if defined(MINIMAL_UNRESOLVED)
int minimal_not_defined_anywhere(void);
#endif

// Something of the C library, as every real module needs.
static void minimal_shutdown(void) { (void)getpid(); }

static const plk_plugin plugin = {
    .magic = PLK_MAGIC,
    .struct_size = sizeof(plk_plugin),
    .abi_minor_built = PLK_TARGET_MINOR,
    .name = MINIMAL_NAME,
    .version = MINIMAL_VERSION,
    .shutdown = minimal_shutdown,
};

plk_status PLK_ENTRY(const plk_entry_args* args, const plk_plugin** out, plk_error* err) {
#if defined(MINIMAL_UNRESOLVED)
  if (minimal_not_defined_anywhere() != 0) return PLK_E_INTERNAL;
#endif
  if (args->abi_major != PLK_ABI_MAJOR) return plk_fail(err, PLK_E_ABI, "another ABI");
  *out = &plugin;
  return PLK_OK;
}
