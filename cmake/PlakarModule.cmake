# plk_module(core.codec DEPS core.base PRIVATE_DEPS PkgConfig::LZ4 TEST_DEPS core.base.testing)
#
# A module is a directory: one static library of its *.cpp files, one test program
# `<module>-test` of its *_test.cpp files, and a check that each header, internal ones
# too, compiles alone. Files are found, not listed, so that a forgotten line can
# leave out neither a test nor a header. A directory `testing/` becomes a second library
# `<module>.testing` of the fakes that this module offers to the tests of others.
#
#   DEPS          appear in our headers
#   PRIVATE_DEPS  appear only in our sources
#   TEST_DEPS     appear only in our tests (and, beside DEPS, in testing/)
function(plk_module name)
  cmake_parse_arguments(ARG "" "" "DEPS;PRIVATE_DEPS;TEST_DEPS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "plk_module(${name}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()

  file(GLOB sources CONFIGURE_DEPENDS *.cpp *.c internal/*.cpp internal/*.c)
  file(GLOB headers CONFIGURE_DEPENDS *.h internal/*.h)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cpp internal/*_test.cpp testing/*_test.cpp)
  list(REMOVE_ITEM sources ${tests} ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
  _plk_library(${name} "${sources}" "${headers}" "${ARG_DEPS}" "${ARG_PRIVATE_DEPS}")
  set_property(GLOBAL APPEND PROPERTY PLAKAR_MODULES ${name})  # for fuzzers and benchmarks

  if(NOT BUILD_TESTING)
    return()
  endif()
  set(test_libraries ${name} ${ARG_TEST_DEPS})
  file(GLOB testing_sources CONFIGURE_DEPENDS testing/*.cpp)
  file(GLOB testing_headers CONFIGURE_DEPENDS testing/*.h)
  if(testing_headers)
    list(REMOVE_ITEM testing_sources ${tests})
    _plk_library(${name}.testing "${testing_sources}" "${testing_headers}" "${name};${ARG_TEST_DEPS}" "")
    list(APPEND test_libraries ${name}.testing)
  endif()
  if(tests)
    plk_test(${name} SOURCES ${tests} DEPS ${test_libraries})
  endif()
endfunction()

function(_plk_library name sources headers deps private_deps)
  set(public PUBLIC)
  set(private PRIVATE)
  if(NOT sources)
    # Nothing to compile: the library is its headers.
    set(public INTERFACE)
    set(private INTERFACE)
    add_library(${name} INTERFACE)
  else()
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PRIVATE plakar.warnings)
  endif()
  target_include_directories(${name} ${public} ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} ${public} ${deps} ${private} ${private_deps})
  if(headers)
    _plk_check_headers(${name} "${headers}" "${deps};${private_deps}")
  endif()
endfunction()

# The target `headers` compiles every header of every module alone, so that none leans on its
# includer. Not CMake's own VERIFY_INTERFACE_HEADER_SETS: that knows neither warnings nor
# what internal headers need.
add_custom_target(headers)

function(_plk_check_headers name headers deps)
  set(units "")
  foreach(header ${headers})
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${header})
    set(unit ${CMAKE_CURRENT_BINARY_DIR}/headers/${path}.cpp)
    file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${path}\"\n")
    list(APPEND units ${unit})
  endforeach()
  add_library(${name}.headers OBJECT EXCLUDE_FROM_ALL ${units})
  target_include_directories(${name}.headers PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${name}.headers PRIVATE -O0)
  target_link_libraries(${name}.headers PRIVATE ${deps} plakar.warnings)
  add_dependencies(headers ${name}.headers)
endfunction()
