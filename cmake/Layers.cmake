# Libraries and their one direction. The table below is the architecture: a library may use what its row names and,
# through it, what those use. Configuring refuses a link that the table does not allow; building refuses an #include
# that crosses it (cmake/CheckIncludes.cmake runs before each library is compiled).
set(LT_MAY_USE_base "")
set(LT_MAY_USE_geo base)
set(LT_MAY_USE_pg base)
set(LT_MAY_USE_feature base geo)
set(LT_MAY_USE_rules feature)
set(LT_MAY_USE_wire feature proto)
set(LT_MAY_USE_storage feature rules pg)
set(LT_MAY_USE_sources feature geo pg)
set(LT_MAY_USE_rpc base proto)
set(LT_MAY_USE_client feature wire rpc sources)
set(LT_MAY_USE_proto "")

# lt_reachable(OUT lib): all libraries that LIB may include, its own name too.
function(lt_reachable out lib)
  set(seen ${lib})
  set(todo ${LT_MAY_USE_${lib}})
  while(todo)
    list(POP_FRONT todo next)
    if(NOT next IN_LIST seen)
      list(APPEND seen ${next})
      list(APPEND todo ${LT_MAY_USE_${next}})
    endif()
  endwhile()
  set(${out} ${seen} PARENT_SCOPE)
endfunction()

add_library(lt_options INTERFACE)
target_compile_options(lt_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wnull-dereference -Wimplicit-fallthrough $<$<BOOL:${LT_WERROR}>:-Werror>)
if(LT_SANITIZE)
  target_compile_options(lt_options INTERFACE -fsanitize=${LT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(lt_options INTERFACE -fsanitize=${LT_SANITIZE})
  # GCC 12 reports false null dereferences in instrumented code.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(lt_options INTERFACE -Wno-null-dereference -Wno-maybe-uninitialized)
  endif()
endif()
if(LT_COVERAGE)
  target_compile_options(lt_options INTERFACE --coverage -O0)
  target_link_options(lt_options INTERFACE --coverage)
endif()

# Makes TARGET wait for a check that none of its sources includes a header outside ALLOWED libraries.
function(lt_check_includes target dir)
  cmake_parse_arguments(A "" "" "SOURCES;ALLOWED" ${ARGN})
  set(stamp ${CMAKE_CURRENT_BINARY_DIR}/${target}.includes)
  list(JOIN A_ALLOWED "|" allowed)
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -DDIR=${dir} -DNAME=${target} "-DALLOWED=${allowed}" -DSTAMP=${stamp}
            -P ${CMAKE_SOURCE_DIR}/cmake/CheckIncludes.cmake
    DEPENDS ${A_SOURCES} ${CMAKE_SOURCE_DIR}/cmake/CheckIncludes.cmake
    COMMENT "Checking include direction of ${target}" VERBATIM)
  add_custom_target(${target}_includes DEPENDS ${stamp})
  add_dependencies(${target} ${target}_includes)
endfunction()

# lt_add_library(NAME DEPS lib... PRIVATE target... PUBLIC target...): the static library lt::NAME of this folder.
# DEPS are our own libraries; PRIVATE and PUBLIC are third-party targets.
function(lt_add_library name)
  cmake_parse_arguments(A "" "" "DEPS;PRIVATE;PUBLIC" ${ARGN})
  foreach(dep ${A_DEPS})
    if(NOT dep IN_LIST LT_MAY_USE_${name} AND NOT dep STREQUAL base)
      message(FATAL_ERROR "libs/${name} must not use ${dep}: see the table in cmake/Layers.cmake")
    endif()
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp ${CMAKE_CURRENT_SOURCE_DIR}/detail/*.cpp)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.hpp ${CMAKE_CURRENT_SOURCE_DIR}/detail/*.hpp)
  add_library(lt_${name} STATIC ${sources} ${headers})
  add_library(lt::${name} ALIAS lt_${name})
  target_include_directories(lt_${name} PUBLIC ${CMAKE_SOURCE_DIR}/libs)
  target_link_libraries(lt_${name} PRIVATE lt_options ${A_PRIVATE} PUBLIC ${A_PUBLIC})
  foreach(dep ${A_DEPS})
    target_link_libraries(lt_${name} PUBLIC lt::${dep})
  endforeach()
  lt_reachable(allowed ${name})
  lt_check_includes(lt_${name} ${CMAKE_CURRENT_SOURCE_DIR} SOURCES ${sources} ${headers} ALLOWED ${allowed})
endfunction()
