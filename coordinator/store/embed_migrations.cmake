# lorikeet_embed_migrations(TARGET): migrations/NNNN_name.sql become one generated source of TARGET, made again when a
# .sql file changes. The file runs itself as a script at build time (cmake -P) to write that source.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(LORIKEET_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(lorikeet_embed_migrations target)
    set(folder ${CMAKE_CURRENT_SOURCE_DIR}/migrations)
    file(GLOB files CONFIGURE_DEPENDS ${folder}/*.sql)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_migrations.cc)
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DOUTPUT=${output} -P ${LORIKEET_EMBED_SCRIPT}
      DEPENDS ${files} ${LORIKEET_EMBED_SCRIPT}
      COMMENT "Embedding the store's migrations" VERBATIM)
    target_sources(${target} PRIVATE ${output})
  endfunction()
  return()
endif()

file(GLOB files ${FOLDER}/*.sql)
list(SORT files)
set(entries "")
set(number 0)
foreach(file IN LISTS files)
  math(EXPR number "${number} + 1")
  get_filename_component(name ${file} NAME)
  # The database's version is the count of migrations applied: a gap or a doubled number would skip one.
  string(REGEX MATCH "^0*([0-9]+)_[a-z0-9_]+\\.sql$" matches "${name}")
  if(NOT matches OR NOT CMAKE_MATCH_1 EQUAL number)
    message(FATAL_ERROR "${file}: migrations are numbered without gaps; this one should be number ${number}")
  endif()
  file(READ ${file} sql)
  string(APPEND entries "    {${number}, \"${name}\", R\"lorikeet(${sql})lorikeet\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Generated from migrations/*.sql by embed_migrations.cmake.
#include \"coordinator/store/migrations.h\"

namespace lorikeet::store {

const std::vector<Migration>& EmbeddedMigrations() {
  static const std::vector<Migration> migrations = {
${entries}  };
  return migrations;
}

}  // namespace lorikeet::store
")
