#include "storage/detail/comparison.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/status.hpp"
#include "storage/detail/staged_row.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

constexpr int kColumns = 5;
// With less than a quarter as stored, looking all up is taken to cost more than it saves.
constexpr std::size_t kWorthFrom = 4;

}  // namespace

bool Candidates::fits(const feature::Change& change) {
  return change.op == feature::ChangeOp::kUpsert && change.mask.empty() && !change.base_version;
}

void Candidates::add(Candidate candidate) {
  bytes_ += sizeof(Candidate) + candidate.change.id.size() + candidate.change.record.size();
  all_.push_back(std::move(candidate));
}

absl::StatusOr<pg::CopyEncoder> Candidates::compare(pg::Connection& connection, int dataset) {
  std::vector<std::string> ids;
  ids.reserve(all_.size());
  for (const auto& one : all_) ids.push_back(one.change.id);
  LT_ASSIGN_OR_RETURN(const auto found,
                      connection.execute(sql_for(sql::kStoredHashes, dataset), pg::Params().add_text_array(ids)));
  std::unordered_map<std::string_view, std::string_view> stored;
  stored.reserve(all_.size());
  for (int r = 0; r < found.rows(); ++r) stored.emplace(found.get_text(r, 0), found.get_bytes(r, 1));
  pg::CopyEncoder rows;
  for (const auto& one : all_) {
    const auto at = stored.find(one.change.id);
    if (at == stored.end() || at->second != view(one.content)) {
      differing_.push_back(&one);
      continue;
    }
    rows.begin_row(kColumns).add(one.change.sequence).add(one.change.id);
    rows.add_bytes(view(one.hash));
    add_source(rows, one.change.source_hash);
    rows.add_bytes(view(one.content));
  }
  return rows;
}

bool Candidates::was_worth_it() const { return (all_.size() - differing_.size()) * kWorthFrom >= all_.size(); }

}  // namespace lt::storage
