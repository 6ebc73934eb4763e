# find_package(PlakarSDK) gives Plakar::SDK, the headers, and
#
#   plakar_connector(NAME SOURCE...)
#
# which makes the module NAME.so out of C and C++ sources as hosts want modules: nothing exported
# but the entry, every symbol resolved, the C++ library within, no build paths. Link private
# dependencies to the target, as static libraries: they stay hidden.
#
#   plakar_package(NAME CONNECTORS TARGET... FILES manifest.yaml FILE...)
#
# which puts modules and files together as the package tree build/NAME: modules below lib/, files at
# the same place as in the source directory. `plakar -plugin build/NAME/lib/MODULE.so` uses it as it is.

if(NOT TARGET Plakar::SDK)
  add_library(Plakar::SDK INTERFACE IMPORTED)
  set_target_properties(Plakar::SDK PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${plakar_sdk_include_dir}")
endif()
set(PLAKAR_SDK_VERSION_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/connector.map")

function(plakar_connector name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE Plakar::SDK)
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    SUFFIX ".so"
    POSITION_INDEPENDENT_CODE ON
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    BUILD_RPATH ""
    SKIP_BUILD_RPATH ON
    INSTALL_RPATH ""
    LINK_DEPENDS "${PLAKAR_SDK_VERSION_SCRIPT}")
  target_compile_options(${name} PRIVATE -ffunction-sections -fdata-sections)
  target_link_options(${name} PRIVATE
    "LINKER:--version-script=${PLAKAR_SDK_VERSION_SCRIPT}"
    LINKER:--exclude-libs,ALL
    LINKER:--gc-sections
    LINKER:--build-id
    LINKER:-z,now LINKER:-z,relro LINKER:-z,noexecstack
    $<$<LINK_LANGUAGE:CXX>:-static-libstdc++ -static-libgcc>)
  # A sanitizer's functions come from the program that loads the module.
  get_directory_property(options COMPILE_OPTIONS)
  if(NOT "${options} ${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()
endfunction()

function(plakar_package name)
  cmake_parse_arguments(ARG "" "" "CONNECTORS;FILES" ${ARGN})
  set(tree "${CMAKE_CURRENT_BINARY_DIR}/${name}")
  set_target_properties(${ARG_CONNECTORS} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${tree}/lib")
  foreach(file ${ARG_FILES})
    configure_file("${file}" "${tree}/${file}" COPYONLY)
  endforeach()
endfunction()
