// What the clients of one run wrote down: every operation with its beginning and its end by one monotonic clock, all
// that was sent and all that was seen. The checker knows nothing else.
//
// A log is JSON lines; one run may have many files. `at` is in nanoseconds of a clock that all files share.
//   {"event":"config","datasets":[D,...],"counters":[ID,...],"pairs":[ID,...]}
//   {"event":"invoke","op":OP,"at":T,"publish":{"changeset_id","dataset","kind":"CHANGES"|"SNAPSHOT","dry_run",
//      "skip_conflicts","collapse_repeated","allow_mass_delete","base_versions":{D:v},
//      "changes":[{"dataset","id","op":"I"|"U"|"P"|"D","value":[TOKEN,NUMBER],"keep_number","base_version",
//                  "based_on":TOKEN}]}}
//   {"event":"invoke","op":OP,"at":T,"read":NAME,"may_lag":bool,"apart":bool}
//   {"event":"ok","op":OP,"at":T,"receipt":{...},"conflicts":[{"dataset","id","kind":"E"|"M"|"V","found"}]}
//   {"event":"ok","op":OP,"at":T,"seen":[SEEN,...]}         one moment, if there are several
//   {"event":"refused","op":OP,"at":T,"reason":R,"metadata":{...},"conflicts":[...]}   it certainly had no effect
//   {"event":"unknown","op":OP,"at":T,"reason":R}           it may have had one
// SEEN: {"dataset","version","state":{ID:[TOKEN,NUMBER]}}   all features of a version
//       {"dataset","version","digest"}                      a head
//       {"dataset","from","version","diff":[ENTRY,...]}     ENTRY: ["I"|"U"|"D",ID,VERSION,[TOKEN,NUMBER] or null]
//       {"dataset","from","version","changes":[ENTRY,...]}
//       {"dataset","id","feature":[VERSION,[TOKEN,NUMBER]] or null}
//       {"receipts":[{...},...]}                            all accepted changesets of a dataset
// TOKEN is unique for each value ever sent: it says which changeset a value comes from.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <nlohmann/json.hpp>

namespace lt::history {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// The state of a feature.
struct Value {
  std::string token;
  std::int64_t number = 0;
  bool operator==(const Value&) const = default;
};

struct Change {
  std::string dataset;
  std::string id;
  char op = 'P';  ///< I insert, U update, P upsert, D delete
  Value value;
  bool keep_number = false;                  ///< a partial update: the number stays as it is stored
  std::optional<std::int64_t> base_version;  ///< its own or, by the reader of the log, the header's
  std::string based_on;                      ///< token that the publisher had read and made this of; may be empty
  bool operator==(const Change&) const = default;
};

struct Changeset {
  std::string id;
  std::string dataset;
  bool snapshot = false;
  bool dry_run = false;
  bool skip_conflicts = false;
  bool collapse_repeated = false;
  bool allow_mass_delete = false;
  std::map<std::string, std::int64_t> base_versions;
  std::vector<Change> changes;
  bool operator==(const Changeset&) const = default;

  /// The header's and those of the changes.
  [[nodiscard]] std::set<std::string> datasets() const;
};

struct ReceiptDataset {
  std::string dataset;
  std::int64_t version = 0;
  std::string previous_digest;
};

struct Receipt {
  nlohmann::json json;  ///< as it came
  std::string changeset_id;
  bool changed = false;
  std::vector<ReceiptDataset> datasets;
  std::map<std::string, std::int64_t> counts;
  std::string committed_at;  ///< so that texts compare like times
  std::string digest;
  std::string computed_digest;  ///< from `json`
};

struct Conflict {
  std::string dataset;
  std::string id;
  char kind = 'V';  ///< E exists, M missing, V changed after base_version
  std::int64_t found = 0;
  auto operator<=>(const Conflict&) const = default;
};

/// Where it stands in the logs.
struct Line {
  std::string file;
  int number = 0;
  std::string text;  ///< the beginning of it
};

enum class Outcome : std::uint8_t { kOk, kRefused, kUnknown };

/// One call that publishes. Several may carry the same changeset.
struct Submission {
  std::string op;
  std::size_t invoke_line = 0, end_line = 0;  ///< in History::lines
  std::int64_t invoked = 0;
  std::int64_t ended = kNever;     ///< it has no effect later
  std::int64_t answered = kNever;  ///< also when the outcome is unknown
  Changeset changeset;
  Outcome outcome = Outcome::kUnknown;
  std::string reason;
  std::map<std::string, std::string> metadata;
  std::optional<Receipt> receipt;
  std::optional<std::vector<Conflict>> conflicts;  ///< absent: not asked for
};

struct Entry {
  char op = 'I';
  std::string id;
  std::int64_t version = 0;
  std::optional<Value> value;
  bool operator==(const Entry&) const = default;
};

enum class SeenForm : std::uint8_t { kState, kHead, kDiff, kChanges, kFeature, kReceipts };

struct Seen {
  SeenForm form = SeenForm::kHead;
  std::string dataset;
  std::int64_t from = 0;
  std::int64_t version = 0;  ///< kFeature: of the feature's last change
  std::string digest;
  std::string id;                      ///< kFeature
  std::optional<Value> value;          ///< kFeature
  std::map<std::string, Value> state;  ///< kState
  std::vector<Entry> entries;          ///< kDiff, kChanges
  std::vector<Receipt> receipts;       ///< kReceipts
};

struct Read {
  std::string op;
  std::string name;
  std::size_t invoke_line = 0, end_line = 0;
  std::int64_t invoked = 0;
  std::int64_t ended = kNever;
  bool may_lag = false;    ///< it need not see what was acknowledged before it began
  bool apart = false;      ///< nor need others see what it saw: SQL on a standby; see dependencies.hpp
  std::vector<Seen> seen;  ///< of one moment
};

struct History {
  std::vector<Line> lines;
  std::set<std::string> datasets;
  std::set<std::string> counters;  ///< features whose number goes up by one in each of their states
  std::set<std::string> pairs;     ///< features with the same number in every dataset
  std::vector<Submission> submissions;
  std::vector<Read> reads;                     ///< those that were answered
  std::map<std::string, int> failed_reads;     ///< by reason
  std::map<std::string, std::size_t> pending;  ///< while reading: op to its place in submissions or reads
};

/// As it stands in a log.
[[nodiscard]] nlohmann::json to_json(const Changeset& changeset);

/// Adds the lines of one file. Errors: INVALID_ARGUMENT what is no log, with file and line.
[[nodiscard]] absl::Status add_log(History& history, const std::string& file, std::istream& input);
/// Errors: NOT_FOUND; as add_log().
[[nodiscard]] absl::StatusOr<History> read_logs(const std::vector<std::string>& files);

}  // namespace lt::history
