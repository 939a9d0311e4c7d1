#include "client/receipt_check.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"
#include "base/time.hpp"

namespace lt::client {
namespace {

using nlohmann::json;

constexpr const char* kMalformed = "RECEIPT_MALFORMED";
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kShownBytes = 80;

absl::Status malformed(const std::string& what) {
  return make_error(absl::StatusCode::kInvalidArgument, kMalformed, what);
}

// The end of the object or list that starts at `begin`; npos when it has none.
std::size_t end_of_value(std::string_view text, std::size_t begin) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t at = begin; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '{' || c == '[')) {
      ++depth;
    } else if (!quoted && (c == '}' || c == ']') && --depth == 0) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

// The objects and lists that follow each other in `text`.
absl::StatusOr<std::vector<json>> split_values(std::string_view text) {
  std::vector<json> values;
  for (std::size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;
       at = text.find_first_not_of(kSpace, at)) {
    if (text[at] != '{' && text[at] != '[') {
      return malformed(fmt::format("byte {} starts neither an object nor a list", at + 1));
    }
    const std::size_t end = end_of_value(text, at);
    if (end == std::string_view::npos) {
      return malformed(fmt::format("what starts at byte {} has no end; was it cut?", at + 1));
    }
    auto value = parse_json(text.substr(at, end - at));
    if (!value.ok()) return malformed(fmt::format("what starts at byte {}: {}", at + 1, message_of(value.status())));
    values.push_back(*std::move(value));
    at = end;
  }
  return values;
}

// "contentSha256" as "content_sha256", which is left as it is.
std::string proto_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

json with_proto_names(const json& value) {
  json out = value;
  if (value.is_array()) {
    for (auto& item : out) item = with_proto_names(item);
  }
  if (!value.is_object()) return out;
  out = json::object();
  for (const auto& [name, member] : value.items()) {
    // A name that would collide stays as it is: no receipt has it, so it is found.
    const std::string wanted = value.contains(proto_name(name)) ? name : proto_name(name);
    out[wanted] = with_proto_names(member);
  }
  return out;
}

// A receipt and, where it is a member, the object that it is a member of.
struct Found {
  json receipt;
  json beside;
};

void collect(const json& value, std::vector<Found>& found) {
  if (value.is_array()) {
    for (const auto& item : value) collect(item, found);
    return;
  }
  if (value.is_object()) {
    for (const char* wrapper : {"changesets", "changeset"}) {
      if (value.contains(wrapper)) return collect(value[wrapper], found);
    }
    if (value.contains("receipt")) return found.push_back({value["receipt"], value});
    const bool other_reply = value.size() == 1 && (value.contains("progress") || value.contains("findings"));
    if (other_reply) return;
  }
  found.push_back({value, json()});
}

void add_problem(CheckedReceipt& checked, const char* reason, std::string message) {
  checked.problems.push_back({reason, std::move(message)});
}

// What the command line prints beside a receipt, by the receipt.
json quotes_of(const feature::Receipt& receipt, const std::string& dataset) {
  const feature::Counts& counts = receipt.counts;
  json quotes{{"commit_id", receipt.commit_id},
              {"attempt_id", receipt.attempt_id},
              {"changeset_id", receipt.changeset_id},
              {"organisation", receipt.organisation},
              {"message", receipt.message},
              {"changed", receipt.changed},
              {"inserted", counts.inserted},
              {"updated", counts.updated},
              {"deleted", counts.deleted},
              {"unchanged", counts.unchanged},
              {"quarantined", counts.quarantined},
              {"skipped", counts.skipped},
              {"collapsed", counts.collapsed},
              {"findings", counts.findings},
              {"digest", receipt.digest},
              {"content_sha256", receipt.content_sha256}};
  for (const auto& addressed : receipt.datasets) {
    if (addressed.dataset != dataset) continue;
    quotes["dataset"] = dataset;
    quotes["version"] = addressed.version;
    quotes["previous_digest"] = addressed.previous_digest;
  }
  return quotes;
}

bool says_the_same(const std::string& name, const json& quoted, const feature::Receipt& receipt, const json& quotes) {
  if (name == "committed_at") {
    const auto time = parse_rfc3339(quoted.is_string() ? quoted.get<std::string>() : std::string());
    return time.ok() && time->us == receipt.committed_us;
  }
  if (name == "dataset" && !quotes.contains(name)) return false;
  return !quotes.contains(name) || quotes[name] == quoted;
}

void check_quotes(const json& beside, CheckedReceipt& checked) {
  if (!beside.is_object()) return;
  const auto dataset = beside.find("dataset");
  const bool named = dataset != beside.end() && dataset->is_string();
  const json quotes = quotes_of(*checked.receipt, named ? dataset->get<std::string>() : std::string());
  for (const auto& [name, quoted] : beside.items()) {
    if (says_the_same(name, quoted, *checked.receipt, quotes)) continue;
    add_problem(checked, "RECEIPT_MISQUOTED",
                fmt::format("\"{}\" is printed as {}, the receipt says something else", name,
                            quoted.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, kShownBytes)));
  }
}

CheckedReceipt check_alone(const Found& found) {
  CheckedReceipt checked;
  auto receipt = feature::receipt_from_json(with_proto_names(found.receipt).dump());
  if (!receipt.ok()) {
    add_problem(checked, kMalformed, message_of(receipt.status()));
    return checked;
  }
  checked.receipt = *std::move(receipt);
  if (checked.receipt->digest.empty()) {
    add_problem(checked, "DIGEST_MISSING", "it has no digest: it is of a dry run, which proves nothing, or was cut");
  } else if (const auto real = feature::receipt_digest(*checked.receipt); real != checked.receipt->digest) {
    add_problem(checked, "DIGEST_MISMATCH",
                fmt::format("its digest is {}, its content has {}: it was changed", checked.receipt->digest, real));
  }
  check_quotes(found.beside, checked);
  return checked;
}

// A version that a receipt says it made.
struct Link {
  std::size_t receipt = 0;  ///< index
  std::string digest;
  std::string dataset;
  std::string previous;
  bool certain = true;  ///< false: a dataset at version 1 may also have been addressed without effect
};
using Chain = std::map<std::int64_t, std::vector<Link>>;

std::map<std::string, Chain> chains_of(const std::vector<CheckedReceipt>& all) {
  std::map<std::string, Chain> chains;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& receipt = all[i].receipt;
    if (!receipt || !receipt->changed || receipt->digest.empty()) continue;
    for (const auto& made : receipt->datasets) {
      // Without a digest before it only a first version was made; else the receipt names the head, unchanged.
      if (made.version < 1 || (made.version > 1 && made.previous_digest.empty())) continue;
      const bool certain = !made.previous_digest.empty() || receipt->datasets.size() == 1;
      chains[made.dataset_uid][made.version].push_back(
          {i, receipt->digest, made.dataset, made.previous_digest, certain});
    }
  }
  return chains;
}

void check_forks(std::int64_t version, const std::vector<Link>& links, std::vector<CheckedReceipt>& all) {
  std::set<std::string> digests;
  for (const Link& link : links) {
    if (link.certain) digests.insert(link.digest);
  }
  if (digests.size() < 2) return;
  for (const Link& link : links) {
    if (!link.certain) continue;
    add_problem(all[link.receipt], "CHAIN_FORKED",
                fmt::format("{} receipts say that they made version {} of {}", digests.size(), version, link.dataset));
  }
}

void check_link(const Link& link, std::int64_t version, const Chain& chain, CheckedReceipt& checked) {
  if (version == 1) {
    if (link.previous.empty()) return;
    return add_problem(checked, "CHAIN_BROKEN", "it made version 1 and names one before it");
  }
  const auto here = chain.find(version);
  if (here == chain.begin()) return;
  const auto [older, links] = *std::prev(here);
  if (older < version - 1) {
    return add_problem(checked, "CHAIN_GAP",
                       fmt::format("the receipts of versions {} to {} of {} are missing: nothing is proven between",
                                   older + 1, version - 1, link.dataset));
  }
  const bool fits = std::any_of(links.begin(), links.end(), [&](const Link& l) { return l.digest == link.previous; });
  if (fits) return;
  add_problem(checked, "CHAIN_BROKEN",
              fmt::format("it follows {}, but the receipt of version {} of {} is {}", link.previous, older,
                          link.dataset, links.front().digest));
}

}  // namespace

absl::StatusOr<std::vector<CheckedReceipt>> check_receipts(std::string_view text) {
  LT_ASSIGN_OR_RETURN(const auto values, split_values(text));
  std::vector<Found> found;
  for (const auto& value : values) collect(value, found);
  if (found.empty()) {
    return make_error(absl::StatusCode::kInvalidArgument, "RECEIPTS_MISSING", "there is no receipt");
  }
  std::vector<CheckedReceipt> all;
  all.reserve(found.size());
  for (const auto& one : found) all.push_back(check_alone(one));
  for (const auto& [uid, chain] : chains_of(all)) {
    for (const auto& [version, links] : chain) {
      check_forks(version, links, all);
      for (const Link& link : links) check_link(link, version, chain, all[link.receipt]);
    }
  }
  return all;
}

}  // namespace lt::client
