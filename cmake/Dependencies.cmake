# Every library from outside, by the Debian 12 package that brings it. Linked shared, as Debian ships them.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(absl REQUIRED)                 # libabsl-dev
find_package(spdlog REQUIRED)               # libspdlog-dev
find_package(fmt REQUIRED)                  # libfmt-dev (spdlog uses it)
find_package(nlohmann_json REQUIRED)        # nlohmann-json3-dev
find_package(OpenSSL REQUIRED)              # libssl-dev
find_package(PostgreSQL REQUIRED)           # libpq-dev
find_package(GEOS REQUIRED)                 # libgeos-dev
find_package(PROJ REQUIRED)                 # libproj-dev
find_package(GDAL CONFIG REQUIRED)          # libgdal-dev
find_package(yaml-cpp REQUIRED)             # libyaml-cpp-dev
find_package(CLI11 REQUIRED)                # libcli11-dev
find_package(ICU REQUIRED COMPONENTS uc i18n) # libicu-dev
find_package(ZLIB REQUIRED)                 # zlib1g-dev
find_package(Protobuf REQUIRED)             # libprotobuf-dev protobuf-compiler
find_package(prometheus-cpp CONFIG REQUIRED) # prometheus-cpp-dev
if(LT_WITH_GRPC)
  find_package(gRPC CONFIG REQUIRED)        # libgrpc++-dev protobuf-compiler-grpc
endif()
if(LT_BUILD_TESTS)
  find_package(Catch2 2 REQUIRED)           # catch2
  include(Catch)
endif()
