# Build settings and the three functions that every folder's CMakeLists.txt uses.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(LORIKEET_CCACHE ccache)
if(LORIKEET_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness lets ccache keep precompiled headers; nothing of ours prints __TIME__ or __DATE__. It does not keep what
  # was compiled while a header changed. With the base folder a new checkout finds what another compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${LORIKEET_CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(absl REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)

# What the build is called in --version, in every attempt's row and on the wire.
execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} describe --always --dirty --abbrev=12
                OUTPUT_VARIABLE LORIKEET_REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT LORIKEET_REVISION)
  set(LORIKEET_REVISION "unknown")
endif()

# For the environment of tests.
set(LORIKEET_TSAN TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan/suppressions)

# Warnings and sanitizers for a target of our own.
function(lorikeet_own target)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
  set(warnings -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
  if(LORIKEET_WERROR)
    list(APPEND warnings -Werror)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    list(APPEND warnings -Wno-restrict)  # GCC bug 105651: sees overlap in string = "literal"
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    list(APPEND warnings -Wthread-safety)
  endif()
  # nvcc has other words for them.
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${warnings}>")
  if(LORIKEET_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${LORIKEET_SANITIZE} -fno-sanitize-recover=all
                           -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${LORIKEET_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)  # false in what sanitizers instrument
    endif()
  endif()
  if(LORIKEET_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(LORIKEET_SANITIZE MATCHES "thread")
    # protobuf's headers give their classes further members under it, which the system's library does not know.
    target_compile_options(${target} PRIVATE -U__SANITIZE_THREAD__)
  endif()
endfunction()

# What an executable of a ThreadSanitizer build needs beside: the system's libraries are built without it.
function(lorikeet_explain_locks target)
  if(LORIKEET_SANITIZE MATCHES "thread")
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/tsan/absl_mutex.cc)
    set_source_files_properties(${CMAKE_SOURCE_DIR}/tests/tsan/absl_mutex.cc PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    target_link_libraries(${target} PRIVATE absl::synchronization ${CMAKE_DL_LIBS})
  endif()
endfunction()

# With LORIKEET_TOGETHER, compiles the target's files in groups: the headers are read once a group. Faster from an empty
# build folder, slower after a change.
function(lorikeet_compile_together target)
  if(NOT LORIKEET_TOGETHER)
    return()
  endif()
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  execute_process(COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/deploy/cmake/together.py 8 ${ARGN}
                  OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${lines}")
  foreach(line IN LISTS lines)
    if(line MATCHES "^([0-9]+) (.*)$")
      set_source_files_properties(${CMAKE_MATCH_2} PROPERTIES UNITY_GROUP ${CMAKE_MATCH_1})
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # GCC takes the included files for headers, whose types should not hold those of unnamed namespaces.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    # False where it inlines across files; a build of one file at a time has it.
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Wno-maybe-uninitialized>)
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
endfunction()

# lorikeet_library(NAME [PUBLIC lib...] [PRIVATE lib...]): every .cc of this folder but main.cc.
function(lorikeet_library name)
  cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  if(sources)
    add_library(${name} STATIC ${sources})
    lorikeet_own(${name})
    lorikeet_compile_together(${name} ${sources})
    target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  else()  # headers only
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${ARG_PUBLIC} ${ARG_PRIVATE})
  endif()
endfunction()

# lorikeet_program(NAME lib...): this folder's main.cc, built as bin/NAME.
function(lorikeet_program name)
  add_executable(${name} ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)
  lorikeet_own(${name})
  lorikeet_explain_locks(${name})
  target_link_libraries(${name} PRIVATE ${ARGN})
endfunction()

# lorikeet_tests(NAME [LABEL unit|integration|slow|gpu] [LIBS lib...]): every *_test.cc of this folder, in one
# program; each TEST is a CTest test. Files are globbed so that none can fall out of the build unnoticed.
# tests/paths.h says where golden files and programs are.
function(lorikeet_tests name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "LIBS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  add_executable(${name} ${sources})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  lorikeet_own(${name})
  lorikeet_compile_together(${name} ${sources})
  # Tests call what is optimised; that they are, too, costs more than it saves. Precompiled headers are of one level only.
  target_compile_options(${name} PRIVATE
    $<$<AND:$<CONFIG:Release>,$<NOT:$<BOOL:$<TARGET_PROPERTY:PRECOMPILE_HEADERS_REUSE_FROM>>>>:-O1>)
  lorikeet_explain_locks(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} lorikeet_test_paths GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
                       ENVIRONMENT ${LORIKEET_TSAN})
endfunction()
