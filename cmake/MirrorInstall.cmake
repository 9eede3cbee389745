# What `cmake --install` puts where. Everything is relocatable: no installed file holds the prefix.
include(CMakePackageConfigHelpers)

set(mirror_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mirror)
set(mirror_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS mirror EXPORT mirror-shared)
install(TARGETS mirror_static EXPORT mirror-static)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/libmirror DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# CMake: find_package(mirror), targets mirror::mirror and mirror::mirror_static.
foreach(export IN ITEMS mirror-shared mirror-static)
  install(EXPORT ${export} NAMESPACE mirror:: DESTINATION ${mirror_cmake_dir})
endforeach()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/mirror-config.cmake.in
                              ${PROJECT_BINARY_DIR}/mirror-config.cmake
                              INSTALL_DESTINATION ${mirror_cmake_dir}
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mirror-config-version.cmake
                                 COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mirror-config.cmake
              ${PROJECT_BINARY_DIR}/mirror-config-version.cmake
        DESTINATION ${mirror_cmake_dir})

# pkg-config: libmirror.pc.
file(RELATIVE_PATH mirror_pc_to_prefix ${CMAKE_INSTALL_PREFIX}/${mirror_pkgconfig_dir}
     ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" mirror_pc_to_prefix ${mirror_pc_to_prefix})
list(JOIN mirror_packages " " mirror_pc_requires)
set(mirror_pc_libs ${CMAKE_THREAD_LIBS_INIT})
configure_file(${PROJECT_SOURCE_DIR}/pkg-config/libmirror.pc.in ${PROJECT_BINARY_DIR}/libmirror.pc
               @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/libmirror.pc DESTINATION ${mirror_pkgconfig_dir})
