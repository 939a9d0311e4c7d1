// A directory for one test.
#pragma once

#include <string>

namespace lt::test {

/// Made under /tmp, readable by every user (a database server may run as another one), removed by the destructor.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace lt::test
