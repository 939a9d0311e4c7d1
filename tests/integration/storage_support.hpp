// A migrated database with one dataset, and changesets made in a line.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "feature/change.hpp"
#include "feature/record.hpp"
#include "pg/pool.hpp"
#include "storage/catalog.hpp"
#include "storage/publish.hpp"
#include "storage/read.hpp"
#include "storage/staging.hpp"
#include "support/status.hpp"
#include "support/temp_database.hpp"

namespace lt::test {

inline absl::Status migrate_url(const std::string& url) {
  pg::ConnectOptions options;
  options.url = url;
  LT_ASSIGN_OR_RETURN(auto connection, pg::Connection::open(options));
  return storage::migrate_database(connection);
}

/// name: string, lanes: int64; points in VN-2000 TM-3 105-00; geometry may be null.
inline feature::Schema points_schema() {
  feature::Schema schema;
  schema.crs = "EPSG:5897";
  schema.geometry.types = {geo::GeometryType::kPoint};
  schema.geometry.nullable = true;
  feature::Field name;
  name.number = 1;
  name.name = "name";
  feature::Field lanes;
  lanes.number = 2;
  lanes.name = "lanes";
  lanes.type = feature::FieldType::kInt64;
  schema.fields = {name, lanes};
  return schema;
}

/// A state of points_schema(); without x there is no geometry.
inline feature::State point_state(std::optional<int> x, std::int64_t lanes, const std::string& name = "a") {
  feature::State state;
  if (x) state.geometry = must(geo::parse_wkt("POINT (" + std::to_string(500000 + *x) + " 2000000)"));
  state.properties[1] = name;
  state.properties[2] = lanes;
  return state;
}

struct TestChange {
  feature::ChangeOp op;
  std::string id;
  std::optional<feature::State> state;
  std::optional<std::int64_t> base_version;
};

inline TestChange upsert(std::string id, feature::State state) {
  return {feature::ChangeOp::kUpsert, std::move(id), std::move(state), std::nullopt};
}
inline TestChange deletion(std::string id) {
  return {feature::ChangeOp::kDelete, std::move(id), std::nullopt, std::nullopt};
}

class StorageFixture {
 public:
  StorageFixture()
      : database_(TempDatabase::with_template("storage", migrate_url)),
        pool_(options(), 8),
        catalog_(pool_),
        owner_(must(storage::StagingOwner::start(options()))) {
    dataset_ = must(catalog_.create_dataset("test.points", "operator", "", points_schema()));
  }

  pg::ConnectOptions options() const {
    pg::ConnectOptions options;
    options.url = database_.url();
    return options;
  }

  /// Stages and publishes; each call is an attempt of its own.
  absl::StatusOr<feature::Receipt> publish(feature::ChangesetHeader header, const std::vector<TestChange>& changes) {
    header.dataset = dataset_.name;
    if (header.changeset_id.empty()) header.changeset_id = make_uuid7();
    const std::string attempt = make_uuid7();
    storage::StagedChangeset staged(pool_, *owner_, staging_options(attempt));
    const std::size_t place = staged.add_dataset(dataset_, 5897);
    std::int64_t sequence = 0;
    for (const auto& change : changes) {
      feature::Change staged_change{++sequence, change.op, change.id, change.base_version, {}, {}};
      if (change.state) staged_change.record = feature::encode_record(1, *change.state);
      const auto hash = feature::change_hash(dataset_.name, staged_change);
      staged.add(place, staged_change, change.state ? &*change.state : nullptr, hash);
      LT_RETURN_IF_ERROR(staged.end_batch(sequence, 0));
    }
    LT_ASSIGN_OR_RETURN(const auto sealed, staged.seal(header));
    storage::PublishRequest request;
    request.organisation = "operator";
    request.attempt_id = attempt;
    request.header = header;
    request.content = sealed.content;
    request.duplicates = sealed.duplicate_count;
    if (areas_) request.areas[dataset_.id] = areas_;
    storage::PublishReport report;
    return storage::publish(pool_, request, staged, report);
  }
  storage::StagedChangeset::Options staging_options(const std::string& attempt) const {
    return {attempt, "operator", {}, limits_, false};
  }
  absl::StatusOr<feature::Receipt> publish(const std::vector<TestChange>& changes) { return publish({}, changes); }
  absl::StatusOr<feature::Receipt> publish_snapshot(const std::vector<TestChange>& changes,
                                                    bool allow_mass_delete = true) {
    feature::ChangesetHeader header;
    header.kind = feature::ChangesetKind::kSnapshot;
    header.allow_mass_delete = allow_mass_delete;
    return publish(header, changes);
  }

  static std::vector<feature::Entry> all(storage::PageReader& reader) {
    std::vector<feature::Entry> entries;
    while (must(reader.next(entries))) {
    }
    return entries;
  }
  std::vector<feature::Entry> diff(std::int64_t a, std::int64_t b, bool before = false,
                                   storage::PageLimits limits = {}) {
    return all(*storage::read_diff(pool_, dataset_.id, a, b, before, limits));
  }
  std::vector<feature::Entry> changes(std::int64_t a, std::int64_t b, storage::PageLimits limits = {}) {
    return all(*storage::read_changes(pool_, dataset_.id, a, b, limits));
  }
  std::vector<feature::Entry> snapshot(std::int64_t version, storage::PageLimits limits = {}) {
    return all(*storage::read_snapshot(pool_, dataset_.id, version, limits));
  }
  std::int64_t head() { return must(catalog_.get_dataset(dataset_.name)).head; }

  TempDatabase database_;
  pg::Pool pool_;
  storage::Catalog catalog_;
  std::unique_ptr<storage::StagingOwner> owner_;
  storage::Dataset dataset_;
  storage::StagingLimits limits_;
  storage::ReadyAreas areas_;
};

}  // namespace lt::test
