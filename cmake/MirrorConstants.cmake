# constants.inc: CONSTANT(NAME) for each constant of the public headers, for core/constants.c.
file(GLOB mirror_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/libmirror/*.h
                                           ${PROJECT_SOURCE_DIR}/include/libmirror/ext/*.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${mirror_headers})
set(mirror_constants)
foreach(header IN LISTS mirror_headers)
  file(READ ${header} text)
  string(REGEX MATCHALL "\n#define MIRROR_[A-Z0-9_]+ " lines "${text}")
  list(TRANSFORM lines REPLACE "\n#define ([A-Z0-9_]+) " "CONSTANT(\\1)\n")
  list(APPEND mirror_constants ${lines})
endforeach()
list(FILTER mirror_constants EXCLUDE REGEX "MIRROR_API")
list(JOIN mirror_constants "" mirror_constants)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/constants.inc CONTENT "${mirror_constants}"
     @ONLY)
