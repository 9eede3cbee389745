# libnet, which has no pkg-config file everywhere: target Libnet::Libnet.
find_library(LIBNET_LIBRARY net)
find_path(LIBNET_INCLUDE_DIR libnet.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libnet DEFAULT_MSG LIBNET_LIBRARY LIBNET_INCLUDE_DIR)
if(Libnet_FOUND AND NOT TARGET Libnet::Libnet)
  add_library(Libnet::Libnet UNKNOWN IMPORTED GLOBAL)
  set_target_properties(Libnet::Libnet PROPERTIES IMPORTED_LOCATION ${LIBNET_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${LIBNET_INCLUDE_DIR})
endif()
mark_as_advanced(LIBNET_LIBRARY LIBNET_INCLUDE_DIR)
