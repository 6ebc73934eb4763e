# Warnings are errors, with g++ and with clang, in every preset. Linked privately, so
# that nobody who uses a target inherits them.

add_library(plakar.warnings INTERFACE)
target_compile_options(plakar.warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wformat=2 -Werror
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi>
  # PLK_TRY is a GNU statement expression; both supported compilers have it.
  # Deprecations are g++'s to tell: clang reports those that libstdc++ 12 meets within itself.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-gnu-statement-expression -Wno-deprecated-declarations>)
