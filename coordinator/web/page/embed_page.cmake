# lorikeet_embed_page(TARGET CHART_JS): the files of files/ and the chart library become one generated source of TARGET,
# made again when one of them changes. The file runs itself as a script at build time (cmake -P) to write that source.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(LORIKEET_EMBED_PAGE_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(lorikeet_embed_page target chart_js)
    set(folder ${CMAKE_CURRENT_SOURCE_DIR}/files)
    file(GLOB files CONFIGURE_DEPENDS ${folder}/*)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_page.cc)
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DCHART_JS=${chart_js} -DOUTPUT=${output}
              -P ${LORIKEET_EMBED_PAGE_SCRIPT}
      DEPENDS ${files} ${chart_js} ${LORIKEET_EMBED_PAGE_SCRIPT}
      COMMENT "Embedding the page" VERBATIM)
    target_sources(${target} PRIVATE ${output})
    set_source_files_properties(${output} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endfunction()
  return()
endif()

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

file(GLOB files ${FOLDER}/*)
list(SORT files)
set(hashes "")
foreach(file IN LISTS files ITEMS ${CHART_JS})
  file(SHA256 ${file} hash)
  string(APPEND hashes "${hash}")
endforeach()
string(SHA256 hash "${hashes}")
string(SUBSTRING ${hash} 0 16 hash)

set(entries "")
foreach(file IN LISTS files ITEMS ${CHART_JS})
  get_filename_component(name ${file} NAME)
  get_filename_component(ending ${file} LAST_EXT)
  string(SUBSTRING "${ending}" 1 -1 ending)
  if(NOT DEFINED type_${ending})
    message(FATAL_ERROR "${file}: the page has no files of this kind")
  endif()
  # As hexadecimal digits: CMake would take a script's brackets and semicolons for its own.
  file(READ ${file} hex HEX)
  if(name STREQUAL "index.html")
    file(READ ${file} text)
    string(REPLACE "%ASSETS%" "/assets/${hash}" text "${text}")
    string(HEX "${text}" hex)
  endif()
  string(LENGTH "${hex}" digits)
  math(EXPR bytes "${digits} / 2")
  string(REGEX REPLACE "(..)" "\\\\x\\1" literal "${hex}")
  # A literal of some hundred kilobytes in lines of a few: compilers and people like it better.
  string(REGEX REPLACE "((\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..))" "\\1\"\n\"" literal "${literal}")
  string(APPEND entries "    {\"${name}\", \"${type_${ending}}\", {\"${literal}\", ${bytes}}},\n")
endforeach()
file(WRITE ${OUTPUT} "// Generated from files/ and the chart library by embed_page.cmake.
#include \"coordinator/web/page/page.h\"

namespace lorikeet::web {

const std::vector<EmbeddedFile>& EmbeddedFiles() {
  static const std::vector<EmbeddedFile> files = {
${entries}  };
  return files;
}

std::string_view EmbeddedHash() { return \"${hash}\"; }

}  // namespace lorikeet::web
")
