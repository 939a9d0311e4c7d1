#include "storage/catalog.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/status.hpp"
#include "pg/migrate.hpp"
#include "storage/acquire.hpp"
#include "storage_migrations.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

constexpr std::size_t kMaxOrganisationName = 63;
constexpr std::size_t kMaxDatasetName = 128;
constexpr std::size_t kMaxCachedSchemas = 1000;

Organisation organisation_from(const pg::Row& row) {
  return {static_cast<int>(row.get_int(0)), std::string(row.get_text(1)), std::string(row.get_text(2)),
          row.get_timestamp_us(3)};
}

Dataset dataset_from(const pg::Row& row) {
  Dataset dataset;
  dataset.id = static_cast<int>(row.get_int(0));
  dataset.uid = row.get_text(1);
  dataset.name = row.get_text(2);
  dataset.owner = row.get_text(3);
  dataset.title = row.get_text(4);
  dataset.created_us = row.get_timestamp_us(5);
  dataset.head = row.get_int(6);
  dataset.head_digest = row.get_text(7);
  dataset.changed_us = row.get_optional_timestamp_us(8);
  dataset.feature_count = row.get_int(9);
  dataset.schema_revision = static_cast<std::int32_t>(row.get_int(10));
  dataset.horizon = row.get_int(11);
  return dataset;
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

absl::Status check_name(std::string_view what, std::string_view name, std::size_t limit, std::string_view punctuation) {
  const bool fits = !name.empty() && name.size() <= limit && is_lower(name.front());
  const bool clean = std::all_of(name.begin(), name.end(), [&](char c) {
    return is_lower(c) || is_digit(c) || punctuation.find(c) != std::string_view::npos;
  });
  if (fits && clean) return absl::OkStatus();
  return make_error(absl::StatusCode::kInvalidArgument, "NAME_INVALID",
                    fmt::format("{} name \"{}\" is not 1 to {} of [a-z0-9{}] starting with a letter", what,
                                name.substr(0, limit), limit, punctuation));
}

template <typename T, typename F>
std::vector<T> all_rows(const pg::Result& result, F from) {
  std::vector<T> items;
  for (int r = 0; r < result.rows(); ++r) items.push_back(from(result.row(r)));
  return items;
}

}  // namespace

absl::Status migrate_database(pg::Connection& connection) {
  std::vector<pg::Migration> list;
  for (const auto& file : migrations::all_files()) {
    // "V0001__baseline.sql"
    const int number = std::stoi(std::string(file.name.substr(1, file.name.find('_') - 1)));
    list.push_back({number, file.name, file.content});
  }
  return pg::migrate(connection, list);
}

absl::StatusOr<std::vector<Dataset>> list_heads(pg::Connection& connection) {
  LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kListHeads));
  return all_rows<Dataset>(result, dataset_from);
}

absl::StatusOr<Organisation> Catalog::create_organisation(const std::string& name, const std::string& title) {
  LT_RETURN_IF_ERROR(check_name("organisation", name, kMaxOrganisationName, "-"));
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection->execute(sql::kInsertOrganisation, pg::Params().add(name).add(title)));
  if (result.rows() == 0) {
    return make_error(absl::StatusCode::kAlreadyExists, "ORGANISATION_EXISTS",
                      fmt::format("organisation \"{}\" is there already", name), {{"organisation", name}});
  }
  return organisation_from(result.row(0));
}

absl::StatusOr<Organisation> Catalog::get_organisation(const std::string& name) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(const auto result, connection->execute(sql::kFindOrganisation, pg::Params().add(name)));
  if (result.rows() == 0) {
    return make_error(
        absl::StatusCode::kNotFound, "ORGANISATION_UNKNOWN",
        fmt::format("organisation \"{}\" is unknown; the operator creates it with CreateOrganisation", name),
        {{"organisation", name}});
  }
  return organisation_from(result.row(0));
}

absl::StatusOr<std::vector<Organisation>> Catalog::list_organisations(const std::string& after, int limit) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection->execute(sql::kListOrganisations, pg::Params().add(after).add(std::int64_t{limit})));
  return all_rows<Organisation>(result, organisation_from);
}

absl::StatusOr<Dataset> Catalog::create_dataset(const std::string& name, const std::string& owner,
                                                const std::string& title, const feature::Schema& schema) {
  LT_RETURN_IF_ERROR(check_name("dataset", name, kMaxDatasetName, "_.-"));
  LT_RETURN_IF_ERROR(feature::check_schema(schema));
  LT_ASSIGN_OR_RETURN(const auto organisation, get_organisation(owner));
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(*connection));
  pg::Params params;
  params.add(make_uuid7()).add(name).add(std::int32_t{organisation.id}).add(title).add(schema_to_json(schema).dump());
  LT_ASSIGN_OR_RETURN(const auto created, connection->execute(sql::kInsertDataset, params));
  if (created.rows() == 0) {
    return make_error(absl::StatusCode::kAlreadyExists, "DATASET_EXISTS",
                      fmt::format("dataset \"{}\" is there already", name), {{"dataset", name}});
  }
  const auto id = static_cast<std::int32_t>(created.get_int(0, 0));
  LT_RETURN_IF_ERROR(connection->execute(sql::kCreateDatasetTables, pg::Params().add(id)).status());
  LT_ASSIGN_OR_RETURN(const auto stored, connection->execute(sql::kFindDataset, pg::Params().add(name)));
  const Dataset dataset = dataset_from(stored.row(0));
  LT_RETURN_IF_ERROR(transaction.commit());
  return dataset;
}

absl::StatusOr<Dataset> Catalog::get_dataset(const std::string& name) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(const auto result, connection->execute(sql::kFindDataset, pg::Params().add(name)));
  if (result.rows() == 0) {
    return make_error(absl::StatusCode::kNotFound, "DATASET_UNKNOWN",
                      fmt::format("dataset \"{}\" is unknown; ListDatasets names those there are", name),
                      {{"dataset", name}});
  }
  return dataset_from(result.row(0));
}

absl::StatusOr<std::vector<Dataset>> Catalog::list_datasets(const std::string& after, int limit) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection->execute(sql::kListDatasets, pg::Params().add(after).add(std::int64_t{limit})));
  return all_rows<Dataset>(result, dataset_from);
}

absl::StatusOr<std::shared_ptr<const feature::Schema>> Catalog::get_schema(int dataset, std::int32_t revision) {
  {
    absl::MutexLock lock(&mutex_);
    const auto found = schemas_.find({dataset, revision});
    if (found != schemas_.end()) return found->second;
  }
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection->execute(sql::kFindSchema, pg::Params().add(std::int32_t{dataset}).add(revision)));
  if (result.rows() == 0) {
    return make_error(absl::StatusCode::kNotFound, "SCHEMA_REVISION_UNKNOWN",
                      fmt::format("the dataset has no schema revision {}", revision));
  }
  LT_ASSIGN_OR_RETURN(const auto json, parse_json(result.get_text(0, 0)));
  LT_ASSIGN_OR_RETURN(auto parsed, feature::schema_from_json(json));
  parsed.revision = revision;
  auto schema = std::make_shared<const feature::Schema>(std::move(parsed));
  absl::MutexLock lock(&mutex_);
  if (schemas_.size() >= kMaxCachedSchemas) schemas_.clear();
  schemas_[{dataset, revision}] = schema;
  return schema;
}

}  // namespace lt::storage
