// Starts everything, kills it at random, and has the checker decide.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace lt::chaos {

struct DriverOptions {
  int kills = 150;
  std::chrono::seconds duration{0};  ///< goes on with killing at least so long
  std::uint64_t seed = 0;            ///< of contents and of the order of events; their timing is the machine's
  int publishers = 4;
  std::string exchange;  ///< program
  bool keep = false;     ///< keep the files even when all is well
};

/// Tells what happened on standard output. Must be called from the main thread, which all children are tied to.
/// @return exit code: 0 every promise was kept; 1 a violation, with the files kept; 2 it could not be tested.
[[nodiscard]] int run_driver(const DriverOptions& options);

}  // namespace lt::chaos
