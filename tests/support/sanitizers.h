// Whether the code is compiled for AddressSanitizer or ThreadSanitizer, 1 or 0: for the few
// tests of what a sanitizer does in its own way, which are left out there.
//
//   #if !PLK_TSAN  // It looks at the memory itself.
#pragma once

// GCC has a macro for each, Clang a built-in function.
#if defined(__has_feature)
#define PLK_HAS_FEATURE(feature) __has_feature(feature)
#else
#define PLK_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || PLK_HAS_FEATURE(address_sanitizer)
#define PLK_ASAN 1
#else
#define PLK_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || PLK_HAS_FEATURE(thread_sanitizer)
#define PLK_TSAN 1
#else
#define PLK_TSAN 0
#endif
