# What `cmake --install` puts where. Everything is relocatable: no installed file holds the prefix.
# Components, which are Debian packages as well (MirrorPackage.cmake):
#   runtime  libmirror.so.0        core    libmirror-core.so.0
#   dev      headers, static libraries, package files of CMake and pkg-config
#   tools    programs              python  the Python package (by its name only)
#   mirrord  the appliance, if its libraries are there
include(CMakePackageConfigHelpers)

set(mirror_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mirror)
set(mirror_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(mirror_components mirror mirror_static core core_static) # of find_package, and exported names
foreach(component IN LISTS mirror_components)
  string(REGEX REPLACE "^core" "mirror_core" target ${component})
  set(package runtime)
  if(component STREQUAL "core")
    set(package core)
  endif()
  install(TARGETS ${target} EXPORT ${component} LIBRARY COMPONENT ${package}
          NAMELINK_COMPONENT dev ARCHIVE COMPONENT dev)
  install(EXPORT ${component} NAMESPACE mirror:: DESTINATION ${mirror_cmake_dir}
          FILE mirror-${component}.cmake COMPONENT dev)
endforeach()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/libmirror DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT dev FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/bindings/python/libmirror
        DESTINATION lib/python3/dist-packages COMPONENT python EXCLUDE_FROM_ALL
        FILES_MATCHING PATTERN "*.py" PATTERN "py.typed")

# CMake: find_package(mirror), targets mirror::mirror, mirror::core and their static twins.
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/mirror-config.cmake.in
                              ${PROJECT_BINARY_DIR}/mirror-config.cmake
                              INSTALL_DESTINATION ${mirror_cmake_dir}
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mirror-config-version.cmake
                                 COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mirror-config.cmake
              ${PROJECT_BINARY_DIR}/mirror-config-version.cmake
        DESTINATION ${mirror_cmake_dir} COMPONENT dev)

# pkg-config: libmirror.pc and libmirror-core.pc.
file(RELATIVE_PATH mirror_pc_to_prefix ${CMAKE_INSTALL_PREFIX}/${mirror_pkgconfig_dir}
     ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" mirror_pc_to_prefix ${mirror_pc_to_prefix})
function(mirror_pc library)
  list(JOIN ARGN " " mirror_pc_requires)
  configure_file(${PROJECT_SOURCE_DIR}/pkg-config/libmirror.pc.in
                 ${PROJECT_BINARY_DIR}/lib${library}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/lib${library}.pc DESTINATION ${mirror_pkgconfig_dir}
          COMPONENT dev)
endfunction()
set(mirror_pc_libs ${CMAKE_THREAD_LIBS_INIT})
mirror_pc(mirror-core)
foreach(library IN LISTS mirror_libraries)
  string(APPEND mirror_pc_libs " -l${library}")
endforeach()
mirror_pc(mirror ${mirror_packages})

# mirror_install_program(TARGET [8]): with docs/TARGET.1, and able to find the library beside it; 8:
# for administrators, with docs/TARGET.8, a component of its own.
function(mirror_install_program target)
  set(folder ${CMAKE_INSTALL_BINDIR})
  set(section 1)
  set(component tools)
  if("8" IN_LIST ARGN)
    set(folder ${CMAKE_INSTALL_SBINDIR})
    set(section 8)
    set(component ${target})
  endif()
  if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr") # there the system looks by itself
    file(RELATIVE_PATH bin_to_lib ${CMAKE_INSTALL_PREFIX}/${folder}
         ${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR})
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
  endif()
  install(TARGETS ${target} DESTINATION ${folder} COMPONENT ${component})
  install(FILES ${PROJECT_SOURCE_DIR}/docs/${target}.${section}
          DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
endfunction()
