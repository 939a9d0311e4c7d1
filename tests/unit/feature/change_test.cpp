#include "feature/change.hpp"

#include <utility>

#include <catch2/catch.hpp>

#include "base/status.hpp"
#include "feature/finding.hpp"

namespace lt::feature {
namespace {

Change upsert() { return {1, ChangeOp::kUpsert, "a", std::nullopt, encode_record(1, {std::nullopt, {{1, true}}})}; }

ChangesetHeader header() { return {"push-1", "roads", ChangesetKind::kChanges, "", std::nullopt, false, "", false}; }

Digest finish(const ChangesetHeader& header) { return ContentHasher(header).finish(); }

}  // namespace

TEST_CASE("a changeset id is 1 to 128 of letters, digits and ._:/-") {
  CHECK(check_changeset_id("a").ok());
  CHECK(check_changeset_id("AZaz09._:/-").ok());
  CHECK(check_changeset_id(std::string(128, 'x')).ok());
  for (const std::string& id : {std::string(), std::string(129, 'x'), std::string("a b"), std::string("đ"),
                                std::string("a\0", 2), std::string("a\n"), std::string("a@b")}) {
    const absl::Status status = check_changeset_id(id);
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(error_reason(status) == "CHANGESET_ID_INVALID");
  }
}

TEST_CASE("the hash of a change sees dataset, id, op, base_version and content") {
  const Digest base = change_hash("roads", upsert());
  CHECK(change_hash("roads", upsert()) == base);
  CHECK(change_hash("road", upsert()) != base);
  Change change = upsert();
  change.id = "b";
  CHECK(change_hash("roads", change) != base);
  change = upsert();
  change.op = ChangeOp::kUpdate;
  CHECK(change_hash("roads", change) != base);
  change = upsert();
  change.base_version = 0;
  CHECK(change_hash("roads", change) != base);
  change = upsert();
  change.record = encode_record(1, {std::nullopt, {{1, false}}});
  CHECK(change_hash("roads", change) != base);
}

TEST_CASE("the hash of a change ignores its place and the schema revision") {
  const Digest base = change_hash("roads", upsert());
  Change change = upsert();
  change.sequence = 99;
  CHECK(change_hash("roads", change) == base);
  change.record = encode_record(2, {std::nullopt, {{1, true}}});
  CHECK(change_hash("roads", change) == base);
}

TEST_CASE("bytes cannot move between the dataset and the id of a change") {
  Change ab = upsert(), b = upsert();
  ab.id = "bc";
  b.id = "c";
  CHECK(change_hash("a", ab) != change_hash("ab", b));
}

TEST_CASE("the content of a changeset sees its options, not its id, message and dry_run") {
  const Digest base = finish(header());
  ChangesetHeader other = header();
  other.changeset_id = "push-2";
  other.message = "text";
  other.dry_run = true;
  CHECK(finish(other) == base);
  const auto differs = [&](auto change) {
    ChangesetHeader changed = header();
    change(changed);
    return finish(changed) != base;
  };
  CHECK(differs([](ChangesetHeader& h) { h.dataset = "rivers"; }));
  CHECK(differs([](ChangesetHeader& h) { h.kind = ChangesetKind::kSnapshot; }));
  CHECK(differs([](ChangesetHeader& h) { h.crs = "EPSG:4326"; }));
  CHECK(differs([](ChangesetHeader& h) { h.base_version = 0; }));
  CHECK(differs([](ChangesetHeader& h) { h.scope_wkt = "POLYGON ((0 0, 1 0, 1 1, 0 0))"; }));
  CHECK(differs([](ChangesetHeader& h) { h.scope_filter = "lanes = 2"; }));
  CHECK(differs([](ChangesetHeader& h) { h.on_conflict = ConflictPolicy::kSkipAndList; }));
  CHECK(differs([](ChangesetHeader& h) { h.on_invalid = InvalidPolicy::kQuarantine; }));
  CHECK(differs([](ChangesetHeader& h) { h.collapse_repeated = true; }));
  CHECK(differs([](ChangesetHeader& h) { h.repairs = {Repair::kNfc}; }));
  CHECK(differs([](ChangesetHeader& h) { h.base_versions = {{"rivers", 0}}; }));
  CHECK(differs([](ChangesetHeader& h) { h.allow_mass_delete = true; }));
}

TEST_CASE("a changeset whose scope has no filter hashes as it always did, and a filter is no area") {
  ChangesetHeader snapshot = header();
  snapshot.kind = ChangesetKind::kSnapshot;
  snapshot.scope_wkt = "a";
  CHECK(to_hex(view(finish(snapshot))) == "e3ec872966efee7b70684ea382dc9d064f219a74cf6796ae899305c1ccec84e0");
  ChangesetHeader filtered = snapshot;
  std::swap(filtered.scope_wkt, filtered.scope_filter);
  CHECK(finish(filtered) != finish(snapshot));
}

TEST_CASE("the content of a changeset sees the number and order of its changes") {
  const Digest a = change_hash("roads", upsert());
  const Digest b = change_hash("rivers", upsert());
  const auto content = [](const std::vector<Digest>& hashes) {
    ContentHasher hasher(header());
    for (const Digest& hash : hashes) hasher.add(hash);
    return hasher.finish();
  };
  CHECK(content({}) != content({a}));
  CHECK(content({a}) != content({a, a}));
  CHECK(content({a, b}) != content({b, a}));
}

TEST_CASE("the hash of a change sees its mask, and an unreadable change has a hash of its own kind") {
  Change partial = upsert();
  partial.mask = {0};
  Change other = upsert();
  other.mask = {0, 1};
  CHECK(change_hash("roads", partial) != change_hash("roads", upsert()));
  CHECK(change_hash("roads", partial) != change_hash("roads", other));
  CHECK(invalid_change_hash("roads", "a", "x") != invalid_change_hash("roads", "a", "y"));
  CHECK(invalid_change_hash("roads", "a", "x") != invalid_change_hash("rivers", "a", "x"));
  CHECK(invalid_change_hash("roads", "ax", "") != invalid_change_hash("roads", "a", "x"));
}

TEST_CASE("the hash of a change sees in which other CRS its geometry came") {
  const Change whole = upsert();
  Change partial = upsert();
  partial.mask = {0};
  const Digest content = content_hash(whole.record);
  CHECK(change_hash("roads", whole, content, "") == change_hash("roads", whole));
  CHECK(change_hash("roads", whole, content, "EPSG:4326") != change_hash("roads", whole));
  CHECK(change_hash("roads", whole, content, "EPSG:4326") != change_hash("roads", whole, content, "EPSG:3405"));
  CHECK(change_hash("roads", partial, content, "EPSG:4326") != change_hash("roads", whole, content, "EPSG:4326"));
  CHECK(change_hash("roads", partial, content, "EPSG:4326") != change_hash("roads", partial));
}

TEST_CASE("the identity of a source is its CRS, its operation and its bytes") {
  const Digest base = source_hash("EPSG:4326", "EPSG:6960", "wkb");
  CHECK(source_hash("EPSG:4326", "EPSG:6960", "wkb") == base);
  CHECK(source_hash("EPSG:4979", "EPSG:6960", "wkb") != base);
  CHECK(source_hash("EPSG:4326", "EPSG:5194", "wkb") != base);
  CHECK(source_hash("EPSG:4326", "EPSG:6960", "wkc") != base);
  CHECK(source_hash("EPSG:4326E", "PSG:6960", "wkb") != base);
}

TEST_CASE("a mask is written as text and read back") {
  CHECK(to_string(FieldMask{}).empty());
  CHECK(to_string(FieldMask{0, 3, 10000}) == "0,3,10000");
  CHECK(mask_from_string("0,3,10000") == FieldMask{0, 3, 10000});
  CHECK(mask_from_string("").empty());
  CHECK(mask_from_string("7") == FieldMask{7});
}

TEST_CASE("a mask changes just what it names") {
  State stored;
  stored.properties = {{1, Value(std::string("a"))}, {2, Value(std::int64_t{5})}, {3, Value(true)}};
  State partial;
  partial.properties = {{1, Value(std::string("b"))}};
  const State changed = apply_mask(stored, partial, {1, 2});
  CHECK(changed.properties == std::map<std::int32_t, Value>{{1, Value(std::string("b"))}, {3, Value(true)}});
  CHECK_FALSE(changed.geometry);
  stored.geometry = geo::parse_wkt("POINT (1 2)").value();
  CHECK(apply_mask(stored, partial, {1}).geometry == stored.geometry);
  CHECK_FALSE(apply_mask(stored, partial, {0}).geometry);
}

TEST_CASE("operations and severities have names") {
  CHECK(to_string(ChangeOp::kInsert) == "INSERT");
  CHECK(to_string(ChangeOp::kUpdate) == "UPDATE");
  CHECK(to_string(ChangeOp::kUpsert) == "UPSERT");
  CHECK(to_string(ChangeOp::kDelete) == "DELETE");
  CHECK(to_string(EntryOp::kInsert) == "INSERT");
  CHECK(to_string(EntryOp::kEnter) == "ENTER");
  CHECK(to_string(EntryOp::kUpdate) == "UPDATE");
  CHECK(to_string(EntryOp::kLeave) == "LEAVE");
  CHECK(to_string(EntryOp::kDelete) == "DELETE");
  CHECK(to_string(Severity::kError) == "ERROR");
  CHECK(to_string(Severity::kWarning) == "WARNING");
  CHECK(to_string(Severity::kInfo) == "INFO");
}

}  // namespace lt::feature
