// Where the exchange of a history keeps its data.
#pragma once

#include <memory>
#include <string>

namespace lt::history {

/// A database of its own on the tests' shared cluster; with a standby: two clusters of its own, the primary waits for
/// the standby. Throws std::runtime_error when there is none to be had.
class Database {
 public:
  explicit Database(bool with_standby);
  ~Database();

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& standby_url() const { return standby_url_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::string url_;
  std::string standby_url_;
};

}  // namespace lt::history
