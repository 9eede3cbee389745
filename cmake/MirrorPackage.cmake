# Debian packages: configure with -DCMAKE_INSTALL_PREFIX=/usr, build, and run `cpack -G DEB`.
set(CPACK_PACKAGE_NAME libmirror)
set(CPACK_PACKAGE_VENDOR libmirror)
set(CPACK_PACKAGE_CONTACT "libmirror maintainers")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL runtime core dev tools python)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# mirror_package(COMPONENT PACKAGE DESCRIPTION): a package, with its copyright file.
macro(mirror_package component package description)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package})
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${description}")
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/${package} RENAME copyright
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endmacro()
set(so ${PROJECT_VERSION_MAJOR})
mirror_package(runtime libmirror${so}
  "Copies packets that match a filter, wraps them in VXLAN and sends them to a target.")
mirror_package(core libmirror-core${so}
  "The interface of libmirror${so} without capture and configuration files: needs libc alone.")
mirror_package(dev libmirror-dev
  "Headers, static libraries, and package files of CMake and pkg-config.")
mirror_package(tools mirror-tools "Programs that mirror traffic.")
mirror_package(python python3-libmirror "The library as Python objects.")

if(TARGET mirrord)
  list(APPEND CPACK_COMPONENTS_ALL mirrord)
  mirror_package(mirrord mirrord "Mirrors the interfaces of a host, as a service.")
endif()

set(version "${PROJECT_VERSION}")
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
    "libmirror${so} (= ${version}), libmirror-core${so} (= ${version}), libpcap-dev, libjansson-dev, \
libmnl-dev, libnet1-dev, libxdp-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION net)
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "libmirror${so} (>= ${version})")
set(CPACK_DEBIAN_MIRRORD_PACKAGE_SECTION net)
set(CPACK_DEBIAN_MIRRORD_PACKAGE_DEPENDS "libmirror${so} (>= ${version})")
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= 3.9), libmirror${so} (>= ${version})")
set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS OFF)
include(CPack)
