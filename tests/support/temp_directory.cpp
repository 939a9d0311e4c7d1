#include "support/temp_directory.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace lt::test {

TempDirectory::TempDirectory() : path_("/tmp/lienthong-test-XXXXXX") {
  constexpr mode_t kEnterable = 0755;
  if (mkdtemp(path_.data()) == nullptr || chmod(path_.c_str(), kEnterable) != 0) {
    throw std::runtime_error("cannot make a temporary directory");
  }
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace lt::test
