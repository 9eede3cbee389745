# The library: every .c file of a room belongs to it; backends and configuration by option.
find_package(Threads REQUIRED)
find_package(PkgConfig)

set(rooms core model packet match encap plan tap io config)
set(sources)
foreach(room IN LISTS rooms)
  file(GLOB room_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/libmirror/${room}/*.c)
  list(APPEND sources ${room_sources})
endforeach()
if(NOT MIRROR_WITH_PCAP)
  list(FILTER sources EXCLUDE REGEX "/io/pcap[^/]*\\.c$")
endif()
if(NOT MIRROR_WITH_JSON)
  list(FILTER sources EXCLUDE REGEX "/config/[^/]*\\.c$")
  list(APPEND sources ${PROJECT_SOURCE_DIR}/libmirror/config/unsupported.c)
else()
  list(FILTER sources EXCLUDE REGEX "/config/unsupported\\.c$")
endif()

add_library(mirror_objects OBJECT ${sources})
set_target_properties(mirror_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
add_library(mirror SHARED)
add_library(mirror_static STATIC)
set(libraries mirror mirror_static)

target_compile_definitions(mirror_objects PRIVATE _GNU_SOURCE)
if(MIRROR_WITH_PCAP)
  pkg_check_modules(PCAP REQUIRED IMPORTED_TARGET libpcap)
  target_link_libraries(mirror_objects PUBLIC PkgConfig::PCAP)
  target_compile_definitions(mirror_objects PUBLIC MIRROR_WITH_PCAP)
endif()
if(MIRROR_WITH_JSON)
  pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
  target_link_libraries(mirror_objects PUBLIC PkgConfig::JANSSON)
  target_compile_definitions(mirror_objects PUBLIC MIRROR_WITH_JSON)
endif()

target_compile_features(mirror_objects PUBLIC c_std_11)
target_compile_options(mirror_objects PRIVATE -Wall -Wextra -Wshadow -Wconversion
                       -Wstrict-prototypes -fvisibility=hidden)
target_include_directories(mirror_objects
                           PUBLIC ${PROJECT_SOURCE_DIR}/include
                           PRIVATE ${PROJECT_SOURCE_DIR}/libmirror)
if(MIRROR_SANITIZE)
  add_compile_options(-fsanitize=${MIRROR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MIRROR_SANITIZE})
  target_compile_options(mirror_objects PRIVATE -fsanitize=${MIRROR_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
endif()

foreach(library IN LISTS libraries)
  target_sources(${library} PRIVATE $<TARGET_OBJECTS:mirror_objects>)
  target_link_libraries(${library} PRIVATE mirror_objects)
  target_include_directories(${library} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
