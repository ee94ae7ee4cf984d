# Compiler flags for everything that we wrote. Releases run on any x86-64-v2 machine; files named *.isa.c are
# built once per instruction set (cmake/room.cmake) and chosen at run time (base/cpu.h).
add_library(tr_flags INTERFACE)
target_compile_options(tr_flags INTERFACE
  # A target may ask for more (property TR_MARCH): a later -march of its own would come before this one and lose.
  -march=$<IF:$<BOOL:$<TARGET_PROPERTY:TR_MARCH>>,$<TARGET_PROPERTY:TR_MARCH>,x86-64-v2>
  -mtune=$<IF:$<STREQUAL:$<TARGET_PROPERTY:TR_MARCH>,native>,native,generic> -fno-omit-frame-pointer -fno-strict-overflow
  -Wall -Wextra -Werror -Wshadow -Wstrict-aliasing=2 -Wpointer-arith -Wwrite-strings -Wvla
  -Wundef -Wno-unused-parameter -Wno-missing-field-initializers
  -Wformat=2 -Wno-format-nonliteral
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition>
  -fstack-protector-strong
  # __FILE__ is what a status and an assertion show: "io/disk.c", wherever the source lies.
  -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
target_compile_definitions(tr_flags INTERFACE _GNU_SOURCE RTE_USE_C11_MEM_MODEL TR_VERSION="${PROJECT_VERSION}")
target_include_directories(tr_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # gcc's value-range warnings misfire on inlined unions of small and heap strings.
  target_compile_options(tr_flags INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(TR_SANITIZE)
  target_compile_options(tr_flags INTERFACE -fsanitize=${TR_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tr_flags INTERFACE -fsanitize=${TR_SANITIZE})
  target_compile_definitions(tr_flags INTERFACE TR_SANITIZED=1)
endif()
if(TR_FUZZ)
  # Everything is instrumented, so that libFuzzer sees which branches an input reaches.
  target_compile_options(tr_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TR_COVERAGE)
  target_compile_options(tr_flags INTERFACE --coverage)
  target_link_options(tr_flags INTERFACE --coverage)
endif()
if(TR_DEBUG_CHECKS OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(tr_flags INTERFACE TR_DEBUG=1)
endif()
if(TR_FAULTS)
  target_compile_definitions(tr_flags INTERFACE TR_FAULTS=1)
endif()
