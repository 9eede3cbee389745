# The library: every .c file of a room belongs to it; backends and configuration by option.
find_package(Threads REQUIRED)

set(rooms core model packet match encap plan tap io config)
set(sources)
foreach(room IN LISTS rooms)
  file(GLOB room_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/libmirror/${room}/*.c)
  list(APPEND sources ${room_sources})
endforeach()

set(mirror_definitions)
set(mirror_dependencies Threads::Threads)
set(mirror_packages) # pkg-config names, for libmirror.pc and the package config
if(MIRROR_WITH_PCAP)
  list(APPEND mirror_packages libpcap)
  list(APPEND mirror_definitions MIRROR_WITH_PCAP)
else()
  list(FILTER sources EXCLUDE REGEX "/io/pcap[^/]*\\.c$")
endif()
if(MIRROR_WITH_JSON)
  list(APPEND mirror_packages jansson)
  list(APPEND mirror_definitions MIRROR_WITH_JSON)
  list(FILTER sources EXCLUDE REGEX "/config/unsupported\\.c$")
else()
  list(FILTER sources EXCLUDE REGEX "/config/[^/]*\\.c$")
  list(APPEND sources ${PROJECT_SOURCE_DIR}/libmirror/config/unsupported.c)
endif()
foreach(package IN LISTS mirror_packages)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(mirror_${package} REQUIRED IMPORTED_TARGET GLOBAL ${package})
  list(APPEND mirror_dependencies PkgConfig::mirror_${package})
endforeach()

# Compiled once, for both libraries.
add_library(mirror_objects OBJECT ${sources})
mirror_compile(mirror_objects)
set_target_properties(mirror_objects PROPERTIES POSITION_INDEPENDENT_CODE ON
                                                C_VISIBILITY_PRESET hidden)
target_compile_definitions(mirror_objects PRIVATE ${mirror_definitions})
target_include_directories(mirror_objects PRIVATE ${PROJECT_SOURCE_DIR}/include
                                                  ${PROJECT_SOURCE_DIR}/libmirror)
target_link_libraries(mirror_objects PRIVATE ${mirror_dependencies})

add_library(mirror SHARED $<TARGET_OBJECTS:mirror_objects>)
add_library(mirror_static STATIC $<TARGET_OBJECTS:mirror_objects>)
add_library(mirror::mirror ALIAS mirror)
add_library(mirror::mirror_static ALIAS mirror_static)
foreach(library IN ITEMS mirror mirror_static)
  target_link_libraries(${library} PRIVATE ${mirror_dependencies})
  target_include_directories(${library} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_target_properties(${library} PROPERTIES OUTPUT_NAME mirror LINKER_LANGUAGE C)
endforeach()

set(version_script ${PROJECT_SOURCE_DIR}/libmirror/libmirror.map)
set_target_properties(mirror PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                                        LINK_DEPENDS ${version_script})
target_link_options(mirror PRIVATE LINKER:--version-script=${version_script} LINKER:--as-needed)
if(NOT MIRROR_SANITIZE) # sanitizers leave symbols to the program
  target_link_options(mirror PRIVATE LINKER:-z,defs)
endif()
