# plk_test(core.codec SOURCES a_test.cpp DEPS core.codec): a doctest program, run by ctest.
function(plk_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name}-test ${ARG_SOURCES})
  target_link_libraries(${name}-test PRIVATE ${ARG_DEPS} plakar.testing plakar.warnings)
  add_test(NAME ${name} COMMAND ${name}-test)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

# plk_fuzzer(msgpack SOURCES msgpack_fuzz.cpp DEPS core.codec)
#
# Preset `fuzz`: a libFuzzer program `msgpack-fuzz`. Everywhere else the same code with a
# driver that replays tests/fuzz/corpus/msgpack, so that every ordinary test run does.
function(plk_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  add_executable(${name}-fuzz ${ARG_SOURCES})
  target_link_libraries(${name}-fuzz PRIVATE ${ARG_DEPS} plakar.warnings)
  target_include_directories(${name}-fuzz PRIVATE ${PROJECT_SOURCE_DIR})
  if(PLAKAR_FUZZ)
    target_link_options(${name}-fuzz PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name}-fuzz PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cpp)
    add_test(NAME fuzz.${name} COMMAND ${name}-fuzz ${corpus})
  endif()
endfunction()
