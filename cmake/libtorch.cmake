# LibTorch, as the target alert-libtorch: Debian's, or that of an archive or a Python wheel in CMAKE_PREFIX_PATH.

# Its own configuration looks for its libraries among the system's first, and would mix a wheel with Debian's LibTorch; and a folder that was
# configured before would keep the LibTorch of then.
string(REPLACE ":" ";" prefixes "$ENV{CMAKE_PREFIX_PATH}")
foreach(prefix IN LISTS CMAKE_PREFIX_PATH prefixes)
  foreach(folder ${prefix}/Torch ${prefix}/share/cmake/Torch)
    if(NOT brought AND EXISTS ${folder}/TorchConfig.cmake)
      set(brought ${folder})
    endif()
  endforeach()
endforeach()
if(brought AND NOT brought STREQUAL "${Torch_DIR}")
  set(Torch_DIR ${brought} CACHE PATH "Folder of TorchConfig.cmake" FORCE)
  foreach(found Caffe2_DIR TORCH_LIBRARY c10_LIBRARY kineto_LIBRARY)
    unset(${found} CACHE)
  endforeach()
endif()
if(Torch_DIR)
  cmake_path(APPEND Torch_DIR ../../../lib OUTPUT_VARIABLE torch_folder)
  cmake_path(NORMAL_PATH torch_folder)
  list(PREPEND CMAKE_LIBRARY_PATH ${torch_folder})
endif()
find_package(Torch REQUIRED)
cmake_path(GET TORCH_LIBRARY PARENT_PATH torch_folder)
message(STATUS "LibTorch ${Torch_VERSION} in ${torch_folder}")
if("${TORCH_CXX_FLAGS}" MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
  message(FATAL_ERROR "LibTorch ${Torch_VERSION} in ${torch_folder} is built for the old interface of libstdc++ "
    "(_GLIBCXX_USE_CXX11_ABI=0), which the other libraries are not: use an archive whose name has cxx11-abi, or a wheel of 2.7 or later.")
endif()

add_library(alert-libtorch INTERFACE)
# LibTorch's headers are not ours to warn about.
target_include_directories(alert-libtorch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(alert-libtorch INTERFACE ${TORCH_LIBRARIES})
target_compile_options(alert-libtorch INTERFACE ${TORCH_CXX_FLAGS})
# Official ones bring the headers of another fmt than the system's, which come first then: compiled in, it needs no library.
foreach(folder IN LISTS TORCH_INCLUDE_DIRS)
  if(EXISTS ${folder}/fmt/format.h AND NOT folder IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    target_compile_definitions(alert-libtorch INTERFACE FMT_HEADER_ONLY)
  endif()
endforeach()
# g++ 14 sees an overflow in the vector<bool> of LibTorch 2.6's autograd functions, inlined into our sources, that cannot happen.
target_compile_options(alert-libtorch INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-error=array-bounds>)
if(Torch_VERSION VERSION_GREATER_EQUAL 2.14)
  target_compile_features(alert-libtorch INTERFACE cxx_std_20)  # its headers ask for it
endif()

# Which BLAS to load is decided before LibTorch is (lib/models/inference_runtime.cpp).
execute_process(COMMAND ${CMAKE_READELF} -d ${torch_folder}/libtorch_cpu.so OUTPUT_VARIABLE needed COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "NEEDED[^\n]*libblas[.]so" needs_blas "${needed}")
set_source_files_properties(lib/models/inference_runtime.cpp PROPERTIES
  COMPILE_DEFINITIONS ALERT_LIBTORCH_NEEDS_SYSTEM_BLAS=$<BOOL:${needs_blas}>)
