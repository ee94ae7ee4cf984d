# The libraries each room may use. Static where Debian has an archive (one file to copy), as SYSTEM includes.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(tr_static_library target archive header)
  find_library(${target}_archive NAMES ${archive} REQUIRED)
  find_path(${target}_include NAMES ${header} REQUIRED)
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE ${${target}_archive})
  target_include_directories(${target} SYSTEM INTERFACE ${${target}_include})
endfunction()

# DPDK: only rte_ring and what it needs to link; pkg-config would add -march=corei7 and 60 libraries.
find_path(DPDK_INCLUDE rte_ring.h PATHS /usr/include/dpdk REQUIRED)
find_path(DPDK_CONFIG_INCLUDE rte_config.h PATHS /usr/include/x86_64-linux-gnu/dpdk /usr/include/dpdk REQUIRED)
add_library(tr_dpdk_ring INTERFACE)
target_include_directories(tr_dpdk_ring SYSTEM INTERFACE ${DPDK_INCLUDE} ${DPDK_CONFIG_INCLUDE})
foreach(name rte_ring rte_eal rte_telemetry rte_kvargs numa bsd)
  find_library(DPDK_${name} NAMES lib${name}.a REQUIRED)
  list(APPEND DPDK_ARCHIVES ${DPDK_${name}})
endforeach()
find_library(DPDK_md NAMES libmd.a) # libbsd's own need
if(DPDK_md)
  list(APPEND DPDK_ARCHIVES ${DPDK_md})
endif()
target_link_libraries(tr_dpdk_ring INTERFACE -Wl,--start-group ${DPDK_ARCHIVES} -Wl,--end-group
  dl m Threads::Threads)

tr_static_library(tr_uring liburing.a liburing.h)
tr_static_library(tr_zstd libzstd.a zstd.h)
tr_static_library(tr_zlib libz.a zlib.h)
tr_static_library(tr_yaml libyaml.a yaml.h)
tr_static_library(tr_pcre2 libpcre2-8.a pcre2.h)
find_path(XXHASH_INCLUDE xxhash.h REQUIRED)
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET hwloc)

add_library(tr_deps_base INTERFACE)
target_link_libraries(tr_deps_base INTERFACE tr_dpdk_ring Threads::Threads)
add_library(tr_deps_io INTERFACE)
target_link_libraries(tr_deps_io INTERFACE tr_uring tr_zstd tr_zlib)
add_library(tr_deps_ops INTERFACE)
target_link_libraries(tr_deps_ops INTERFACE tr_pcre2 m)
target_compile_definitions(tr_deps_ops INTERFACE PCRE2_CODE_UNIT_WIDTH=8)
add_library(tr_deps_core INTERFACE)
target_link_libraries(tr_deps_core INTERFACE PkgConfig::HWLOC)
add_library(tr_deps_server INTERFACE)
target_link_libraries(tr_deps_server INTERFACE tr_yaml)

# jemalloc only in release: its static archive crashes under the sanitizers.
add_library(tr_deps_alloc INTERFACE)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT TR_SANITIZE)
  find_library(JEMALLOC_ARCHIVE NAMES libjemalloc.a REQUIRED)
  target_link_libraries(tr_deps_alloc INTERFACE ${JEMALLOC_ARCHIVE} m dl Threads::Threads stdc++)
endif()
