#include "history/run/database.hpp"

#include <optional>
#include <stdexcept>

#include "base/status.hpp"
#include "pg/cluster.hpp"
#include "support/standby.hpp"
#include "support/temp_database.hpp"
#include "support/temp_directory.hpp"

namespace lt::history {
namespace {

pg::Cluster start_primary(const std::string& directory) {
  pg::ClusterOptions options;
  options.directory = directory + "/primary";
  options.for_tests = true;
  auto cluster = pg::Cluster::start(options);
  if (!cluster.ok()) throw std::runtime_error(message_of(cluster.status()));
  return *std::move(cluster);
}

}  // namespace

struct Database::Impl {
  std::optional<test::TempDatabase> shared;
  std::optional<test::TempDirectory> directory;
  std::optional<pg::Cluster> primary;
  std::optional<test::Standby> standby;
};

Database::Database(bool with_standby) : impl_(std::make_unique<Impl>()) {
  if (!with_standby) {
    impl_->shared.emplace();
    url_ = impl_->shared->url();
    return;
  }
  impl_->directory.emplace();
  impl_->primary.emplace(start_primary(impl_->directory->path()));
  impl_->standby.emplace(*impl_->primary, "history");
  url_ = impl_->primary->url();
  standby_url_ = impl_->standby->url();
  test::set_server_setting(url_, "synchronous_standby_names", "history");
}

Database::~Database() = default;

}  // namespace lt::history
