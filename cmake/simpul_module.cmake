# One folder = one module = one library. DEPENDS is the module graph (base is
# always in it), and scripts/check_architecture.py holds every #include to it.
function(simpul_module name)
  cmake_parse_arguments(MODULE "" "" "DEPENDS;SOURCES;LIBRARIES" ${ARGN})
  if(NOT name STREQUAL "base")
    list(APPEND MODULE_DEPENDS base)
  endif()
  list(TRANSFORM MODULE_DEPENDS PREPEND simpul_)
  add_library(simpul_${name} STATIC ${MODULE_SOURCES})
  target_include_directories(simpul_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(simpul_${name} PUBLIC ${MODULE_DEPENDS} ${MODULE_LIBRARIES})
endfunction()
