# Most of a compiler's time goes into headers and the templates in them, so sources are compiled several at a time: those of one folder as one
# file, with the folders below it. Names in anonymous namespaces must therefore be unique there. -D ALERT_UNITY=OFF compiles them one by
# one.
option(ALERT_UNITY "Compile the sources of each folder as one file" ON)

function(alert_unity target)
  if(NOT ALERT_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE path)
    cmake_path(GET path PARENT_PATH folder)
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${folder})
    string(REGEX MATCH "^(lib/|apps/|tests/unit/)?[^/]*" folder ${folder})
    string(MAKE_C_IDENTIFIER "${folder}" group)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
