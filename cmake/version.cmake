# Git revision and whether the tree is dirty, looked up anew at every build and kept in one small generated file.
add_custom_target(alert-version
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DOUTPUT=${CMAKE_BINARY_DIR}/generated/alert_version.h
          -DVERSION=${PROJECT_VERSION} -P ${CMAKE_SOURCE_DIR}/cmake/write_version.cmake
  BYPRODUCTS ${CMAKE_BINARY_DIR}/generated/alert_version.h
  COMMENT "Noting the git revision")
add_dependencies(alert-core alert-version)
target_include_directories(alert-core PRIVATE ${CMAKE_BINARY_DIR}/generated)
