// The same features for the exchange and for the table that is the limit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "client/client.hpp"
#include "feature/record.hpp"
#include "feature/schema.hpp"
#include "pg/connection.hpp"

namespace lt::bench {

struct Feature {
  std::string id;
  feature::State state;
};

/// The first `count` features of a dataset, by id.
[[nodiscard]] absl::StatusOr<std::vector<Feature>> read_features(const client::Client& client,
                                                                 const std::string& dataset, std::size_t count);

/// Changes a property of text of each, so that every state differs from every other run's.
void edit(std::vector<Feature>& features, const feature::Schema& schema, int run);

/// A table beside the dataset's own with as many rows and the indexes of a current table: (version, fid, geom, props).
[[nodiscard]] absl::Status create_limit_table(pg::Connection& connection, const std::string& table, int dataset);

/// Rows of these features for COPY into that table, under ids of their own.
[[nodiscard]] std::string limit_rows(const std::vector<Feature>& features, int srid, const std::string& suffix);

}  // namespace lt::bench
