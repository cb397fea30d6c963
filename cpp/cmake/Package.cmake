# `cmake --install` and find_package(skyseg): the library, its header, and what its users must find too.
include(CMakePackageConfigHelpers)

set(SKYSEG_PACKAGE "${CMAKE_INSTALL_LIBDIR}/cmake/skyseg")
install(TARGETS skyseg EXPORT skysegTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/skyseg DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT skysegTargets NAMESPACE skyseg:: DESTINATION ${SKYSEG_PACKAGE})
configure_package_config_file(cmake/skysegConfig.cmake.in "${PROJECT_BINARY_DIR}/skysegConfig.cmake"
  INSTALL_DESTINATION ${SKYSEG_PACKAGE})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/skysegConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/skysegConfig.cmake" "${PROJECT_BINARY_DIR}/skysegConfigVersion.cmake"
  DESTINATION ${SKYSEG_PACKAGE})
