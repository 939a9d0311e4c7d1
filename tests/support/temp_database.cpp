#include "support/temp_database.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/status.hpp"
#include "support/status.hpp"
#include "support/test_cluster.hpp"

namespace lt::test {
namespace {

namespace fs = std::filesystem;

/// Changes with every build of the test program, since that may carry other migrations.
std::string program_mark() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const auto changed = fs::last_write_time(program, ignored).time_since_epoch().count();
  constexpr std::size_t kDigits = 12;
  return to_hex(view(sha256(fmt::format("{} {}", program.string(), changed)))).substr(0, kDigits);
}

absl::StatusOr<bool> exists(pg::Connection& admin, const std::string& database) {
  LT_ASSIGN_OR_RETURN(const pg::Result found,
                      admin.execute("SELECT FROM pg_database WHERE datname = $1", pg::Params().add(database)));
  return !found.empty();
}

/// Built under another name and renamed at the end: one that was interrupted is never taken for a whole one.
absl::Status build_template(pg::Connection& admin, const std::string& admin_url, const std::string& name,
                            const TempDatabase::Prepare& prepare) {
  const std::string unfinished = name + "_new";
  LT_RETURN_IF_ERROR(admin.execute_script("DROP DATABASE IF EXISTS " + unfinished + " WITH (FORCE)"));
  LT_RETURN_IF_ERROR(admin.execute_script("CREATE DATABASE " + unfinished));
  LT_ASSIGN_OR_RETURN(const std::string url, pg::with_database(admin_url, unfinished));
  {
    LT_ASSIGN_OR_RETURN(pg::Connection own, pg::Connection::open({.url = url, .purpose = "test"}));
    LT_RETURN_IF_ERROR(own.execute_script("CREATE EXTENSION IF NOT EXISTS postgis"));
  }
  if (prepare) LT_RETURN_IF_ERROR(prepare(url));
  return admin.execute_script("ALTER DATABASE " + unfinished + " RENAME TO " + name);
}

absl::Status ensure_template(pg::Connection& admin, const std::string& admin_url, const std::string& name,
                             const TempDatabase::Prepare& prepare) {
  const auto lock = pg::Params().add(name);
  LT_RETURN_IF_ERROR(admin.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", lock).status());
  LT_ASSIGN_OR_RETURN(const bool found, exists(admin, name));
  if (!found) LT_RETURN_IF_ERROR(build_template(admin, admin_url, name, prepare));
  return admin.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", lock).status();
}

bool keep_databases() {
  const char* keep = std::getenv("LT_KEEP_TEST_DB");
  return keep != nullptr && std::string_view(keep) == "1";
}

}  // namespace

TempDatabase::TempDatabase() : TempDatabase("postgis", nullptr) {}

TempDatabase TempDatabase::with_template(std::string_view name, const Prepare& prepare) { return {name, prepare}; }

TempDatabase::TempDatabase(std::string_view template_name, const Prepare& prepare)
    : admin_url_(must(ensure_cluster(cluster_directory()))), name_("test_" + make_uuid7()) {
  std::erase(name_, '-');
  pg::Connection admin = must(pg::Connection::open({.url = admin_url_, .purpose = "test"}));
  const std::string source = fmt::format("template_{}_{}", template_name, program_mark());
  must(ensure_template(admin, admin_url_, source, prepare));
  must(admin.execute_script(fmt::format("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name_, source)));
  url_ = must(pg::with_database(admin_url_, name_));
}

TempDatabase::TempDatabase(TempDatabase&& other) noexcept
    : admin_url_(std::move(other.admin_url_)), name_(std::exchange(other.name_, {})), url_(std::move(other.url_)) {}

TempDatabase::~TempDatabase() {
  if (name_.empty()) return;
  if (keep_databases()) {
    std::fprintf(stderr, "kept: %s\n", url_.c_str());
    return;
  }
  auto admin = pg::Connection::open({.url = admin_url_, .purpose = "test"});
  const absl::Status status =
      admin.ok() ? admin->execute_script("DROP DATABASE " + name_ + " WITH (FORCE)") : admin.status();
  if (!status.ok()) std::fprintf(stderr, "%s is left behind: %s\n", name_.c_str(), describe(status).c_str());
}

pg::Connection TempDatabase::connect() const { return must(pg::Connection::open({.url = url_, .purpose = "test"})); }

}  // namespace lt::test
