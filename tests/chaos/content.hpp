// What the publishers of the chaos test send: everything follows from (seed, publisher, number), so that the checker
// knows the content of each changeset without asking anybody.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "feature/change.hpp"
#include "feature/schema.hpp"

namespace lt::chaos {

inline constexpr std::string_view kOwner = "chaos";  ///< organisation that owns the datasets and publishes
inline constexpr int kDatasets = 2;

[[nodiscard]] std::string dataset_name(int index);  ///< 0..kDatasets-1
/// POINT XY in EPSG:4326; 1 name, 2 number, 3 payload. Revision 1.
[[nodiscard]] feature::Schema dataset_schema();

/// Random numbers that are the same on every machine (splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// 0 .. bound-1.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

enum class Shape : std::uint8_t {
  kSmall,          ///< a few upserts and deletes
  kLarge,          ///< over 3 MiB, so that it is staged
  kSnapshot,       ///< the whole dataset, small
  kLargeSnapshot,  ///< the whole dataset, staged
  kNoEffect,       ///< deletes of what never was: a receipt without a version
  kBoth,           ///< a few changes of each dataset, in one commit
};
[[nodiscard]] std::string_view to_string(Shape shape);

struct Author {
  std::uint64_t seed = 0;
  int publisher = 0;
};

struct ChangesetContent {
  Shape shape = Shape::kSmall;
  feature::ChangesetHeader header;
  /// By dataset, the header's one among them. Each feature once. All but kNoEffect hold one INSERT of an id of their
  /// own for each dataset (an UPSERT in snapshots): applied twice, it would be refused.
  std::map<std::string, std::vector<feature::Change>> changes;
};

/// @param number of the publisher's changeset, from 1.
[[nodiscard]] ChangesetContent make_content(const Author& author, std::int64_t number);
/// "p3-17".
[[nodiscard]] std::string changeset_id_of(int publisher, std::int64_t number);

struct ChangesetName {
  int publisher = 0;
  std::int64_t number = 0;
};
/// The inverse of changeset_id_of(); nothing for an id that no publisher makes.
[[nodiscard]] std::optional<ChangesetName> parse_changeset_id(std::string_view id);

}  // namespace lt::chaos
