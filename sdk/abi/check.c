// Compiles the frozen tables into assertions about <plakar/connector.h>: when it compiles, modules
// and hosts that were built with the older header still fit. PLK_LAYOUT, PLK_SIGNATURES and
// PLK_CONSTANTS are the names of the tables, in quotes.
#include <plakar/connector.h>

#define SAME(expression, type) _Generic((expression), type: 1, default: 0)

// A struct that has members behind the frozen ones still begins with these.
#define PLK_GROWS(T, size) _Static_assert(sizeof(T) >= (size), "layout: " #T " shrank");
#define PLK_CLOSED(T, size) _Static_assert(sizeof(T) == (size), "layout: " #T " changed its size");
#define PLK_MEMBER(T, m, at, size, type)                                             \
  _Static_assert(offsetof(T, m) == (at), "layout: " #T "." #m " moved");             \
  _Static_assert(sizeof(((T*)0)->m) == (size), "layout: " #T "." #m " was resized"); \
  _Static_assert(SAME(((T*)0)->m, type), "layout: " #T "." #m " has another type");
#define PLK_POINTER(T, m, at) _Static_assert(offsetof(T, m) == (at), "layout: " #T "." #m " moved");
#include PLK_LAYOUT

#define PLK_FUNCTION(T, m, ...) \
  _Static_assert(SAME(((T*)0)->m, __VA_ARGS__), "signature: " #T "." #m " changed");
#include PLK_SIGNATURES

#define PLK_CONSTANT(name, value) _Static_assert((name) == (value), "constant: " #name " changed");
#define PLK_STRING(name, value) \
  _Static_assert(sizeof(name) == sizeof(value), "constant: " #name " changed");
#include PLK_CONSTANTS

_Static_assert(SAME(&PLK_ENTRY, plk_status(PLK_CALL*)(const plk_entry_args* args,
                                                      const plk_plugin** plugin, plk_error* err)),
               "signature: the entry changed");
