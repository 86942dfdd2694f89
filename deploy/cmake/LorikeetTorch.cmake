# Finds LibTorch, or says what to do; and compiles its headers once (they cost more than our own code).
include_guard(GLOBAL)
find_package(Torch QUIET)
if(NOT Torch_FOUND)
  message(FATAL_ERROR
    "sweep-trainer needs LibTorch, and CMake found none. Run deploy/bootstrap.sh, which gets it and prints the "
    "CMAKE_PREFIX_PATH to use; or set CMAKE_PREFIX_PATH (or Torch_DIR) to an installed torch: "
    "python3 -c 'import torch; print(torch.utils.cmake_prefix_path)'; or build without the trainer: "
    "-DLORIKEET_TRAINER=OFF.")
endif()

# The wheel brings headers of another {fmt} than the one that everything else here is built and linked with; the
# system's must be found first. A folder with nothing else in it, since /usr/include itself cannot be put in front.
get_target_property(fmt_headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
list(GET fmt_headers 0 fmt_headers)
set(LORIKEET_FMT_FIRST ${CMAKE_BINARY_DIR}/fmt_first)
file(MAKE_DIRECTORY ${LORIKEET_FMT_FIRST})
file(CREATE_LINK ${fmt_headers}/fmt ${LORIKEET_FMT_FIRST}/fmt SYMBOLIC)

# An interface target of our own: the wheel's flags stay out of everybody else's compile line.
add_library(lorikeet_torch_pch STATIC ${CMAKE_SOURCE_DIR}/worker/trainer/torch_headers.cc)
# lorikeet_common for its definitions (FMT_SHARED and such): gcc reuses the headers only under the same macros.
target_link_libraries(lorikeet_torch_pch PUBLIC torch lorikeet_common)
lorikeet_own(lorikeet_torch_pch)
target_include_directories(lorikeet_torch_pch BEFORE PUBLIC ${LORIKEET_FMT_FIRST})
target_precompile_headers(lorikeet_torch_pch PRIVATE <torch/torch.h> <fmt/format.h> <nlohmann/json.hpp>)

# lorikeet_torch_library(NAME [PUBLIC …] [PRIVATE …]): as lorikeet_library, with the precompiled Torch headers.
function(lorikeet_torch_library name)
  lorikeet_library(${name} ${ARGN})
  lorikeet_use_torch(${name})
endfunction()

function(lorikeet_use_torch name)
  get_target_property(type ${name} TYPE)
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    target_link_libraries(${name} PUBLIC torch)
    target_include_directories(${name} BEFORE PUBLIC ${LORIKEET_FMT_FIRST})
    target_precompile_headers(${name} REUSE_FROM lorikeet_torch_pch)
  endif()
endfunction()
