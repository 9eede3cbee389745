# The library: every .c file of a room belongs to it. It is built twice, with one interface:
#   mirror       with everything that the options MIRROR_WITH_ name
#   mirror_core  without what needs other libraries than libc: those calls return
#                MIRROR_E_UNSUPPORTED, as in a build without the options
find_package(Threads REQUIRED)
include(MirrorConstants)

set(common_sources)
foreach(room IN ITEMS core model packet match encap plan tap runtime)
  file(GLOB room_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/libmirror/${room}/*.c)
  list(APPEND common_sources ${room_sources})
endforeach()

# Rooms in which the options make a difference; their files are compiled for each of the two.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/libmirror/io/*.c
                                    ${PROJECT_SOURCE_DIR}/libmirror/config/*.c)
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  list(FILTER sources EXCLUDE REGEX "/io/(afpacket|udp|virtio)[^/]*\\.c$")
  set(MIRROR_WITH_NETLINK OFF)
  set(MIRROR_WITH_LIBNET OFF)
endif()
if(NOT MIRROR_WITH_NETLINK)
  set(MIRROR_WITH_XDP OFF)
endif()
set(core_sources ${sources})

set(mirror_definitions)
set(mirror_dependencies Threads::Threads)
set(mirror_packages) # pkg-config names, for libmirror.pc and the package config

# mirror_optional(NAME PACKAGE REGEX): files that match need a package, if MIRROR_WITH_NAME is on.
macro(mirror_optional name package regex)
  list(FILTER core_sources EXCLUDE REGEX ${regex})
  if(MIRROR_WITH_${name})
    list(APPEND mirror_packages ${package})
    list(APPEND mirror_definitions MIRROR_WITH_${name})
  else()
    list(FILTER sources EXCLUDE REGEX ${regex})
  endif()
endmacro()
mirror_optional(PCAP libpcap "/io/pcap[^/]*\\.c$")
mirror_optional(NETLINK libmnl "/io/(vxlan|hops|raw|afpacket_output)[^/]*\\.c$")
mirror_optional(XDP libxdp "/io/raw_xsk\\.c$")
if(MIRROR_WITH_XDP)
  list(FILTER sources EXCLUDE REGEX "/io/raw_no_xsk\\.c$")
endif()
# libnet has no pkg-config file everywhere.
list(FILTER core_sources EXCLUDE REGEX "/io/libnet\\.c$")
set(mirror_libraries) # that no pkg-config name stands for
if(MIRROR_WITH_LIBNET)
  find_package(Libnet REQUIRED)
  list(APPEND mirror_libraries net)
  list(APPEND mirror_definitions MIRROR_WITH_LIBNET)
  list(APPEND mirror_dependencies net)
else()
  list(FILTER sources EXCLUDE REGEX "/io/libnet\\.c$")
endif()
mirror_optional(JSON jansson "/config/[^u][^/]*\\.c$") # all but unsupported.c
if(MIRROR_WITH_JSON)
  list(FILTER sources EXCLUDE REGEX "/config/unsupported\\.c$")
endif()

# Files named after an instruction set are compiled for it; match/isa.c decides at run time whether
# they are used.
set(isa_flags_avx2 -mavx2 -mbmi -mbmi2 -mlzcnt)
set(isa_flags_avx512 ${isa_flags_avx2} -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl)
set(isa_flags_neon)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  set(isas avx2 avx512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(isas neon)
endif()
foreach(isa IN ITEMS avx2 avx512 neon)
  set(isa_sources ${common_sources})
  list(FILTER isa_sources INCLUDE REGEX "_${isa}\\.c$")
  if(isa IN_LIST isas)
    set_source_files_properties(${isa_sources} PROPERTIES COMPILE_OPTIONS "${isa_flags_${isa}}")
  else()
    list(FILTER common_sources EXCLUDE REGEX "_${isa}\\.c$")
  endif()
endforeach()

foreach(package IN LISTS mirror_packages)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(mirror_${package} REQUIRED IMPORTED_TARGET GLOBAL ${package})
  list(APPEND mirror_dependencies PkgConfig::mirror_${package})
endforeach()

# mirror_objects(NAME SOURCE...): compiled once, for the shared and the static library.
function(mirror_objects name)
  add_library(${name} OBJECT ${ARGN})
  mirror_compile(${name})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/include
                                             ${PROJECT_SOURCE_DIR}/libmirror
                                             ${PROJECT_BINARY_DIR}/generated)
endfunction()
mirror_objects(mirror_common_objects ${common_sources})
mirror_objects(mirror_objects ${sources})
mirror_objects(mirror_core_objects ${core_sources})
target_compile_definitions(mirror_objects PRIVATE ${mirror_definitions})
target_link_libraries(mirror_objects PRIVATE ${mirror_dependencies})

set(version_script ${PROJECT_SOURCE_DIR}/libmirror/libmirror.map)

# mirror_library(TARGET FILE OBJECTS DEPENDENCY...): TARGET and TARGET_static, called libFILE.
function(mirror_library target file objects)
  add_library(${target} SHARED)
  add_library(${target}_static STATIC)
  foreach(library IN ITEMS ${target} ${target}_static)
    string(REPLACE "mirror_core" "core" name ${library})
    add_library(mirror::${name} ALIAS ${library})
    target_sources(${library} PRIVATE $<TARGET_OBJECTS:mirror_common_objects>
                                      $<TARGET_OBJECTS:${objects}>)
    target_link_libraries(${library} PRIVATE ${ARGN})
    target_include_directories(${library} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                 $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    set_target_properties(${library} PROPERTIES OUTPUT_NAME ${file} EXPORT_NAME ${name}
                                                LINKER_LANGUAGE C)
    if(NOT PROJECT_IS_TOP_LEVEL AND NOT MIRROR_INSTALL) # a user's project builds what it links
      set_target_properties(${library} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION}
                                             SOVERSION ${PROJECT_VERSION_MAJOR}
                                             LINK_DEPENDS ${version_script})
  target_link_options(${target} PRIVATE LINKER:--version-script=${version_script}
                                        LINKER:--as-needed)
  if(NOT MIRROR_SANITIZE) # sanitizers leave symbols to the program
    target_link_options(${target} PRIVATE LINKER:-z,defs)
  endif()
endfunction()
mirror_library(mirror mirror mirror_objects ${mirror_dependencies})
mirror_library(mirror_core mirror-core mirror_core_objects Threads::Threads)
