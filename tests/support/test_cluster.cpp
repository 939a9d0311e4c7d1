#include "support/test_cluster.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "pg/cluster.hpp"
#include "pg/connection.hpp"

namespace lt::test {
namespace {

namespace fs = std::filesystem;

/// Held while one process starts or removes the cluster; others wait.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::string& directory) {
    std::error_code ignored;
    fs::create_directories(fs::path(directory).parent_path(), ignored);
    constexpr int kMode = 0600;
    number_ = open((directory + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode);
    if (number_ >= 0) flock(number_, LOCK_EX);
  }
  ~DirectoryLock() {
    if (number_ >= 0) close(number_);
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int number_ = -1;
};

std::string read_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

/// A build under /root is out of reach for the server's user; the cluster then lives in /tmp, under a name of the
/// build.
std::string fallback_directory(const std::string& directory) {
  constexpr std::size_t kDigits = 12;
  return "/tmp/lienthong-test-cluster-" + to_hex(view(sha256(directory))).substr(0, kDigits);
}

bool answers(const std::string& url) {
  return !url.empty() && pg::Connection::open({.url = url, .purpose = "test"}).ok();
}

absl::StatusOr<std::string> start(const std::string& directory) {
  pg::ClusterOptions options;
  options.directory = directory;
  options.for_tests = true;
  options.settings = {{"wal_level", "logical"}};
  auto url = pg::Cluster::start_detached(options);
  if (error_reason(url.status()) != "DATA_DIRECTORY_UNREACHABLE") return url;
  options.directory = fallback_directory(directory);
  return pg::Cluster::start_detached(options);
}

}  // namespace

std::string cluster_directory() {
  const char* chosen = std::getenv("LT_TEST_CLUSTER");
  return chosen != nullptr && *chosen != '\0' ? chosen : LT_TEST_CLUSTER_DEFAULT;
}

absl::StatusOr<std::string> ensure_cluster(const std::string& directory) {
  const char* given = std::getenv("LT_TEST_DATABASE_URL");
  if (given != nullptr && *given != '\0') return pg::with_database(given, "postgres");
  const std::string record = directory + "/url";
  const DirectoryLock lock(directory);
  if (const std::string running = read_line(record); answers(running)) return running;
  LT_ASSIGN_OR_RETURN(const std::string url, start(directory));
  LT_ASSIGN_OR_RETURN(const std::string admin, pg::with_database(url, "postgres"));
  std::ofstream(record, std::ios::trunc) << admin << "\n";
  fs::permissions(record, fs::perms::owner_read | fs::perms::owner_write);
  return admin;
}

absl::Status remove_cluster(const std::string& directory) {
  const DirectoryLock lock(directory);
  for (const std::string& place : {directory, fallback_directory(directory)}) {
    LT_RETURN_IF_ERROR(pg::Cluster::stop_detached(place));
    std::error_code ignored;
    fs::remove_all(place, ignored);
  }
  return absl::OkStatus();
}

}  // namespace lt::test
