# cmake --install and CPack. Programs lie in one private folder, because they find each other there (lib/base/installation.h); bin/ has a
# link to the one that users call. Nothing depends on where the whole is put.
set(private_dir lib/alert-bench)
set(share_dir share/alert-bench)

set(programs alert-bench alert-core alert-co-runner alert-cap-guard)
if(ALERT_TORCH)
  list(APPEND programs alert-torch alert-train)
endif()
install(TARGETS ${programs} RUNTIME DESTINATION ${private_dir} LIBRARY DESTINATION ${private_dir})
# Beside each other, and in the folder of a LibTorch that is not the system's.
set_target_properties(${programs} PROPERTIES INSTALL_RPATH "$ORIGIN" INSTALL_RPATH_USE_LINK_PATH ON)
foreach(program alert-bench alert-train)
  if(program IN_LIST programs)
    install(CODE "
      set(bin \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/bin\")
      file(MAKE_DIRECTORY \"\${bin}\")
      file(CREATE_LINK ../${private_dir}/${program} \"\${bin}/${program}\" SYMBOLIC)")
  endif()
endforeach()

install(DIRECTORY scenarios networks profiles DESTINATION ${share_dir})
# For schedulers of the user's own.
install(DIRECTORY include/alert_bench DESTINATION include)
install(DIRECTORY examples DESTINATION ${share_dir} USE_SOURCE_PERMISSIONS)
# Scripts that read results; the others build or measure from a source folder.
install(DIRECTORY scripts/alert_figures DESTINATION ${share_dir}/scripts PATTERN "__pycache__" EXCLUDE)
install(PROGRAMS scripts/figures.py scripts/claims.py scripts/sensitivity.py scripts/input_statistics.py scripts/to_table.py
        scripts/training.py scripts/sweep.sbatch DESTINATION ${share_dir}/scripts)
install(FILES lib/trace/trace.schema.json DESTINATION ${share_dir}/lib/trace)  # scripts/to_table.py reads it
install(FILES README.md CHANGELOG.md CITATION.cff LICENSE DESTINATION share/doc/alert-bench OPTIONAL)
install(DIRECTORY docs/ DESTINATION share/doc/alert-bench/docs)
install(FILES cmake/completion.bash DESTINATION share/bash-completion/completions RENAME alert-bench)

# The manual page is what --help says.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  set(man_page ${CMAKE_BINARY_DIR}/generated/alert-bench.1)
  add_custom_command(OUTPUT ${man_page} DEPENDS alert-bench scripts/man_page.py
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/man_page.py $<TARGET_FILE:alert-bench> ${man_page})
  add_custom_target(man-page ALL DEPENDS ${man_page})
  install(FILES ${man_page} DESTINATION share/man/man1)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_VENDOR "the authors of alert-bench")
set(CPACK_PACKAGE_CONTACT "the authors of alert-bench <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "benchmark of schedulers for energy- and deadline-aware DNN inference")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libopenblas0-openmp, dataset-fashion-mnist, python3-matplotlib, stress-ng")
include(CPack)
