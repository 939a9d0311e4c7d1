#define CATCH_CONFIG_RUNNER
#include <cstdlib>
#include <string_view>

#include <catch2/catch.hpp>

#include "world.hpp"

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == lt::test::kStuckWriter) {
    return lt::test::be_stuck_writer(std::atoi(argv[2]));
  }
  lt::test::World::get();  // forks the server: before gRPC is initialised
  return Catch::Session().run(argc, argv);
}
