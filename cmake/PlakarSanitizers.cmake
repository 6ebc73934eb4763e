# PLAKAR_SANITIZE is a list for -fsanitize=, set by the presets asan, tsan and fuzz.
# Global on purpose: a sanitizer that misses one library reports nonsense or nothing.

set(PLAKAR_SANITIZE "" CACHE STRING "Comma-separated sanitizers for everything that is built")
option(PLAKAR_FUZZ "Link fuzzers with libFuzzer instead of the driver that replays the corpus" OFF)

if(PLAKAR_SANITIZE)
  add_compile_options(-fsanitize=${PLAKAR_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${PLAKAR_SANITIZE})
  if(PLAKAR_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

if(PLAKAR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
