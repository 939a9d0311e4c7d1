#include "chaos/checker.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "chaos/content.hpp"
#include "chaos/copy_file.hpp"
#include "chaos/journal.hpp"
#include "chaos/model.hpp"
#include "client/client.hpp"
#include "feature/receipt.hpp"
#include "wire/receipt.hpp"

namespace lt::chaos {
namespace {

using feature::Receipt;

/// Versions of each dataset whose snapshot is compared, the head apart.
constexpr std::int64_t kSampledVersions = 6;
constexpr std::size_t kMostViolations = 30;

/// What one publisher's journal says.
struct Journaled {
  std::set<std::int64_t> intents;
  std::map<std::int64_t, std::string> receipts;  // by number, as JSON text
  std::map<std::string, int> retries;            // by reason
  int repeats = 0;
};

absl::StatusOr<Journaled> read_publisher(const std::string& path) {
  LT_ASSIGN_OR_RETURN(const auto lines, read_journal(path));
  Journaled journaled;
  for (const auto& line : lines) {
    if (line.contains("intent")) journaled.intents.insert(line["intent"].get<std::int64_t>());
    if (line.contains("receipt")) journaled.receipts[line["number"]] = line["receipt"].dump();
    if (line.contains("retry")) ++journaled.retries[line["reason"]];
    if (line.contains("repeat")) ++journaled.repeats;
  }
  return journaled;
}

class Checker {
 public:
  explicit Checker(ClientOptions options) : options_(std::move(options)) {}

  Verdict run() {
    const absl::Status status = check_all();
    if (!status.ok()) add(fmt::format("the check broke off: {}: {}", error_reason(status), message_of(status)));
    return std::move(verdict_);
  }

 private:
  void add(std::string violation) {
    if (verdict_.violations.size() < kMostViolations) verdict_.violations.push_back(std::move(violation));
  }
  void fact(std::string text) { verdict_.facts.push_back(std::move(text)); }

  absl::Status check_all() {
    LT_RETURN_IF_ERROR(read_journals());
    LT_ASSIGN_OR_RETURN(auto client, connect_when_ready(options_.endpoint, kOwner));
    client_ = std::move(client);
    for (int i = 0; i < kDatasets; ++i) LT_RETURN_IF_ERROR(check_dataset(i));
    check_counts();
    LT_RETURN_IF_ERROR(check_acknowledged());
    return check_reader_journal();
  }

  absl::Status read_journals() {
    std::map<std::string, int> retries;
    std::size_t acknowledged = 0;
    int repeats = 0;
    for (int p = 0; p < options_.publishers; ++p) {
      LT_ASSIGN_OR_RETURN(auto one, read_publisher(publisher_journal(options_.directory, p)));
      for (const std::int64_t number : one.intents) {
        if (!one.receipts.contains(number)) add(changeset_id_of(p, number) + " was begun and never acknowledged");
      }
      acknowledged += one.receipts.size();
      repeats += one.repeats;
      for (const auto& [reason, count] : one.retries) retries[reason] += count;
      journals_.push_back(std::move(one));
    }
    std::string text;
    for (const auto& [reason, count] : retries) text += fmt::format(" {} {}", reason, count);
    fact(fmt::format("{} receipts acknowledged, {} of them asked for again after a kill and the same", acknowledged,
                     repeats));
    fact("tried again after:" + (text.empty() ? " nothing" : text));
    return absl::OkStatus();
  }

  absl::Status check_dataset(int index) {
    const std::string name = dataset_name(index);
    LT_ASSIGN_OR_RETURN(const auto dataset, client_->get_dataset(name));
    std::vector<Receipt> history;  // of version 1, 2, ...
    absl::Status malformed;
    LT_RETURN_IF_ERROR(client_->list_changesets(name, [&](const lienthong::v1::Changeset& changeset) {
      auto receipt = wire::receipt_from_proto(changeset.receipt());
      malformed.Update(receipt.status());
      if (receipt.ok()) history.push_back(*std::move(receipt));
      return malformed.ok();
    }));
    LT_RETURN_IF_ERROR(malformed);
    std::reverse(history.begin(), history.end());
    if (static_cast<std::int64_t>(history.size()) != dataset.head()) {
      add(fmt::format("{} has head {} and {} changesets", name, dataset.head(), history.size()));
    }
    if (!history.empty() && history.back().digest != dataset.head_digest())
      add(name + " has another digest at its head");
    check_chain(name, history);
    LT_RETURN_IF_ERROR(check_compacted(name, dataset.horizon()));
    return check_content(index, history, dataset.horizon());
  }

  void check_chain(const std::string& name, const std::vector<Receipt>& history) {
    std::string previous;
    std::int64_t previous_us = 0;
    std::int64_t version = 0;
    for (const Receipt& receipt : history) {
      const std::string what = fmt::format("{} version {} ({})", name, ++version, receipt.changeset_id);
      const auto place = std::find_if(receipt.datasets.begin(), receipt.datasets.end(),
                                      [&](const auto& d) { return d.dataset == name; });
      if (place == receipt.datasets.end() || place->version != version) {
        add(what + ": versions are not dense: " + feature::receipt_to_json(receipt).dump());
        continue;
      }
      if (place->previous_digest != previous) add(what + ": the chain of digests is broken");
      if (receipt.digest != feature::receipt_digest(receipt)) add(what + ": the digest is not the receipt's");
      if (receipt.committed_us <= previous_us) add(what + ": the commit time does not increase");
      previous = receipt.digest;
      previous_us = receipt.committed_us;
      check_known(what, receipt);
    }
  }

  // Somebody sent it, once, and was told exactly this.
  void check_known(const std::string& what, const Receipt& receipt) {
    if (!listed_.insert(receipt.changeset_id + " " + what.substr(0, what.find(' '))).second) {
      add(what + ": the changeset made two versions");
    }
    const auto name = parse_changeset_id(receipt.changeset_id);
    const bool known = name && name->publisher < options_.publishers && name->publisher >= 0 &&
                       journals_[static_cast<std::size_t>(name->publisher)].intents.contains(name->number);
    if (!known) return add(what + ": nobody sent this changeset");
    const auto& receipts = journals_[static_cast<std::size_t>(name->publisher)].receipts;
    const auto acknowledged = receipts.find(name->number);
    if (acknowledged == receipts.end()) return;  // told by read_journals()
    const std::string text = feature::receipt_to_json(receipt).dump();
    if (text != acknowledged->second) add(fmt::format("{}: acknowledged {}, now {}", what, acknowledged->second, text));
  }

  // By changeset_id, also those that made no version.
  absl::Status check_acknowledged() {
    std::size_t without_version = 0;
    std::map<Shape, int> shapes;
    for (int p = 0; p < options_.publishers; ++p) {
      for (const auto& [number, text] : journals_[static_cast<std::size_t>(p)].receipts) {
        const std::string id = changeset_id_of(p, number);
        const ChangesetContent content = make_content({options_.seed, p}, number);
        ++shapes[content.shape];
        const auto found = client_->find_changeset(id);
        if (!found.ok()) {
          add(fmt::format("{} was acknowledged and is lost: {}", id, message_of(found.status())));
          continue;
        }
        LT_ASSIGN_OR_RETURN(const Receipt receipt, wire::receipt_from_proto(found->receipt()));
        if (feature::receipt_to_json(receipt).dump() != text)
          add(id + ": GetChangeset differs from what was acknowledged");
        for (const auto& [dataset, changes] : content.changes) {
          const bool listed = listed_.contains(fmt::format("{} {}", id, dataset));
          if (listed == receipt.changed) continue;
          add(fmt::format("{}: in {} {}", id, dataset,
                          listed ? "listed without a version" : "its version is not listed"));
        }
        if (!receipt.changed) ++without_version;
        if (receipt.changed == (content.shape == Shape::kNoEffect)) add(id + ": has the wrong kind of effect");
      }
    }
    std::string text;
    for (const auto& [shape, count] : shapes) text += fmt::format(" {} {}", to_string(shape), count);
    fact(fmt::format("acknowledged by shape:{}; {} without a version", text, without_version));
    return absl::OkStatus();
  }

  absl::Status check_content(int index, const std::vector<Receipt>& history, std::int64_t horizon) {
    const std::string name = dataset_name(index);
    const auto head = static_cast<std::int64_t>(history.size());
    LT_ASSIGN_OR_RETURN(auto changes, client_->changes(name, horizon, head));
    Copy model;
    const std::int64_t each = std::max<std::int64_t>(1, (head - horizon) / kSampledVersions);
    for (std::int64_t version = 1; version <= head; ++version) {
      const Receipt& receipt = history[static_cast<std::size_t>(version - 1)];
      const auto author = parse_changeset_id(receipt.changeset_id);
      if (!author) return absl::OkStatus();  // told by check_known()
      const ChangesetContent content = make_content({options_.seed, author->publisher}, author->number);
      LT_ASSIGN_OR_RETURN(const Applied applied, apply(content, name, version, model));
      count(receipt, applied.counts);
      if (version > horizon) LT_RETURN_IF_ERROR(compare_changes(name, version, applied, changes));
      const bool sampled = version >= horizon && (version - horizon) % each == 0;
      if (sampled) LT_RETURN_IF_ERROR(compare_snapshot(name, version, model));
    }
    LT_ASSIGN_OR_RETURN(const auto rest, changes.next());
    if (rest) add(fmt::format("{} has a change beyond its head: '{}'", name, rest->id));
    fact(fmt::format("{}: {} versions, {} features at the head, history from version {}", name, head, model.size(),
                     horizon));
    return compare_head(index, head, model);
  }

  // Of one dataset of a changeset: its receipt counts over all.
  void count(const Receipt& receipt, const feature::Counts& part) {
    auto& [all, parts] = counts_[receipt.changeset_id];
    all = receipt.counts;
    parts.inserted += part.inserted;
    parts.updated += part.updated;
    parts.deleted += part.deleted;
    parts.unchanged += part.unchanged;
  }

  void check_counts() {
    for (const auto& [id, counts] : counts_) {
      if (counts.first != counts.second) add(id + ": the counts of its receipt are wrong");
    }
  }

  // What was compacted away is refused, not answered wrongly.
  absl::Status check_compacted(const std::string& name, std::int64_t horizon) {
    if (horizon < 2) return absl::OkStatus();
    auto reader = client_->snapshot(name, horizon - 1);
    absl::Status status = reader.status();
    if (status.ok()) status = reader->next().status();
    if (error_reason(status) != "HISTORY_COMPACTED") {
      add(fmt::format("{} has horizon {}, but version {} can be read", name, horizon, horizon - 1));
    }
    return absl::OkStatus();
  }

  absl::Status compare_changes(const std::string& name, std::int64_t version, const Applied& applied,
                               client::EntryReader& changes) {
    for (const Effect& effect : applied.effects) {
      LT_ASSIGN_OR_RETURN(const auto entry, changes.next());
      const std::string expected =
          fmt::format("{} version {}: {} of '{}'", name, version, feature::to_string(effect.op), effect.id);
      if (!entry) return make_error(absl::StatusCode::kDataLoss, "CHAOS_VIOLATION", expected + " is missing");
      const std::string hash = entry->record.empty() ? "" : to_hex(view(feature::content_hash(entry->record)));
      if (entry->op == effect.op && entry->id == effect.id && entry->version == version && hash == effect.after.hash) {
        continue;
      }
      return make_error(absl::StatusCode::kDataLoss, "CHAOS_VIOLATION",
                        fmt::format("{} expected, found {} of '{}' in version {}", expected,
                                    feature::to_string(entry->op), entry->id, entry->version));
    }
    return absl::OkStatus();
  }

  absl::Status compare_snapshot(const std::string& name, std::int64_t version, const Copy& model) {
    LT_ASSIGN_OR_RETURN(auto reader, client_->snapshot(name, version));
    LT_ASSIGN_OR_RETURN(const Copy snapshot, read_copy(reader));
    const std::string text = difference("the model", model, "the snapshot", snapshot);
    if (!text.empty()) add(fmt::format("{} at version {}: {}", name, version, text));
    return absl::OkStatus();
  }

  absl::Status compare_head(int index, std::int64_t head, const Copy& model) {
    const std::string name = dataset_name(index);
    LT_RETURN_IF_ERROR(compare_snapshot(name, head, model));
    LT_ASSIGN_OR_RETURN(auto reader, client_->diff(name, 0, head));
    LT_ASSIGN_OR_RETURN(const Copy diff, read_copy(reader));
    const std::string diff_text = difference("the model", model, "the diff from nothing", diff);
    if (!diff_text.empty()) add(fmt::format("{} at version {}: {}", name, head, diff_text));

    LT_ASSIGN_OR_RETURN(CopyFile file, CopyFile::load(reader_copy(options_.directory, index)));
    const std::int64_t stood = file.version();
    LT_RETURN_IF_ERROR(file.advance(*client_, name));
    fact(fmt::format("{}: the reader stood at version {}", name, stood));
    const std::string copy_text = difference("the model", model, "the reader's copy", file.copy());
    if (!copy_text.empty()) add(fmt::format("{} at version {}: {}", name, head, copy_text));
    return absl::OkStatus();
  }

  // The reader never went back.
  absl::Status check_reader_journal() {
    LT_ASSIGN_OR_RETURN(const auto lines, read_journal(reader_journal(options_.directory)));
    std::map<std::string, std::int64_t> last;
    int steps = 0;
    int compared = 0;
    int renewed = 0;
    for (const auto& line : lines) {
      if (line.contains("compared")) ++compared;
      if (line.contains("renewed")) ++renewed;
      if (!line.contains("version")) continue;
      ++steps;
      const std::int64_t version = line["version"];
      std::int64_t& before = last[line["dataset"]];
      if (version <= before)
        add(fmt::format("the reader of {} went from {} to {}", line["dataset"].dump(), before, version));
      before = version;
    }
    fact(
        fmt::format("the reader took {} diffs, compared {} snapshots meanwhile, and started {} times anew after "
                    "compaction",
                    steps, compared, renewed));
    return absl::OkStatus();
  }

  const ClientOptions options_;
  Verdict verdict_;
  std::optional<client::Client> client_;
  std::vector<Journaled> journals_;
  std::set<std::string> listed_;                                               // "changeset_id dataset" of each version
  std::map<std::string, std::pair<feature::Counts, feature::Counts>> counts_;  // of the receipt, and over its versions
};

}  // namespace

Verdict check(const ClientOptions& options) { return Checker(options).run(); }

}  // namespace lt::chaos
