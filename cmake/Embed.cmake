# lt_embed(TARGET NAMESPACE lt::x::sql HEADER x_sql FILES a.sql b.sql): makes each file a constant of TARGET.
# Generated header <HEADER.hpp> declares `std::string_view k<CamelName>` for each file (name without extension) and
# `std::span<const EmbeddedFile> kAll` (file name, content) in the order given.
function(lt_embed target)
  cmake_parse_arguments(A "" "NAMESPACE;HEADER" "FILES" ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embed)
  list(JOIN A_FILES "|" files)
  add_custom_command(OUTPUT ${out}/${A_HEADER}.hpp ${out}/${A_HEADER}.cpp
    COMMAND ${CMAKE_COMMAND} -DOUT=${out}/${A_HEADER} -DNAMESPACE=${A_NAMESPACE} "-DFILES=${files}"
            -P ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake
    DEPENDS ${A_FILES} ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake
    COMMENT "Embedding ${A_HEADER}" VERBATIM)
  target_sources(${target} PRIVATE ${out}/${A_HEADER}.cpp ${out}/${A_HEADER}.hpp)
  target_include_directories(${target} PRIVATE ${out})
endfunction()
