# What programs and plugins in C get: the shared library, the names that it and the command line program export (those of
# include/tailrace and no others), headers and a pkg-config file.
file(GLOB public_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/tailrace/*.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${public_headers})
set(public_names "")
foreach(header ${public_headers})
  file(STRINGS ${header} lines REGEX "^TR_API [^;]*\\(")
  foreach(line ${lines})
    if(line MATCHES "[ *](tr_[a-z0-9_]+)\\(")
      list(APPEND public_names ${CMAKE_MATCH_1})
    endif()
  endforeach()
endforeach()
list(REMOVE_DUPLICATES public_names)
list(SORT public_names)
string(REPLACE ";" ";\n  " public_list "${public_names}")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/exports.map CONTENT "{ global:\n  ${public_list};\nlocal: *; };\n" @ONLY)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/exports.list CONTENT "{\n  ${public_list};\n};\n" @ONLY)

# So that archives give all of them.
list(TRANSFORM public_names PREPEND "-Wl,--undefined=" OUTPUT_VARIABLE pull_public)

# The program exports the public names, so that plugins use its engine.
function(tr_export_public target)
  target_link_options(${target} PRIVATE ${pull_public} -Wl,--dynamic-list=${CMAKE_BINARY_DIR}/exports.list)
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${CMAKE_BINARY_DIR}/exports.list)
endfunction()

set(TR_ABI_VERSION 1) # as in include/tailrace/version.h
file(STRINGS ${CMAKE_SOURCE_DIR}/include/tailrace/version.h abi_line REGEX "define TR_ABI_VERSION ${TR_ABI_VERSION}$")
if(NOT abi_line)
  message(FATAL_ERROR "cmake/library.cmake and include/tailrace/version.h have different versions")
endif()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/library.c CONTENT "/* Made of archives. */\ntypedef int tr_nothing;\n" @ONLY)
add_library(tailrace_library SHARED ${CMAKE_BINARY_DIR}/library.c)
target_link_libraries(tailrace_library PRIVATE tr_api tr_flags)
target_link_options(tailrace_library PRIVATE ${pull_public} -Wl,--version-script=${CMAKE_BINARY_DIR}/exports.map)
# Debian's libnuma.a can't be part of a shared library: the shared one comes first, and its names are taken.
find_library(NUMA_SHARED NAMES libnuma.so REQUIRED)
target_link_options(tailrace_library PRIVATE -Wl,--push-state,--no-as-needed ${NUMA_SHARED} -Wl,--pop-state)
set_target_properties(tailrace_library PROPERTIES OUTPUT_NAME tailrace VERSION ${PROJECT_VERSION}
  SOVERSION ${TR_ABI_VERSION} LINK_DEPENDS ${CMAKE_BINARY_DIR}/exports.map)

include(GNUInstallDirs)
configure_file(${CMAKE_SOURCE_DIR}/cmake/tailrace.pc.in ${CMAKE_BINARY_DIR}/tailrace.pc @ONLY)
