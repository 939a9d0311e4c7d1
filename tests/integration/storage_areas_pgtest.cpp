// Areas as stored: the units shipped, references, polygons by version, imports.
#include <set>
#include <thread>

#include <catch2/catch.hpp>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "feature/provinces.hpp"
#include "storage/areas.hpp"
#include "storage_support.hpp"

namespace lt::test {
namespace {

using Code = absl::StatusCode;
using storage::AreaDraft;
using storage::AreaImport;
using storage::AreaOutcome;

class AreasFixture {
 public:
  AreasFixture() : database_(TempDatabase::with_template("storage", migrate_url)), pool_(options(), 4), areas_(pool_) {
    auto connection = database_.connect();
    must(storage::seed_areas(connection));
  }
  pg::ConnectOptions options() const {
    pg::ConnectOptions options;
    options.url = database_.url();
    return options;
  }
  std::int64_t count(const std::string& sql) {
    auto connection = database_.connect();
    return must(connection.execute(sql)).get_int(0, 0);
  }
  /// Everything about areas, as one text.
  std::string stored() {
    auto connection = database_.connect();
    const auto result = must(connection.execute(
        "SELECT (SELECT string_agg(a::text, ' ' ORDER BY id) FROM lienthong.area a)"
        " || (SELECT string_agg(l::text, ' ' ORDER BY list) FROM lienthong.area_list l)"
        " || coalesce((SELECT string_agg(p::text, ' ' ORDER BY area_id, version) FROM lienthong.area_polygon p), '')"
        " || (SELECT string_agg(r::text, ' ' ORDER BY r) FROM lienthong.area_relation r)"));
    return std::string(result.get_text(0, 0));
  }
  absl::StatusOr<std::vector<storage::ImportedArea>> put(const std::vector<AreaDraft>& areas,
                                                         const std::string& list = "ADM-2025", int epsg = 4326,
                                                         bool dry_run = false) {
    return areas_.put_areas({"operator", list, epsg, dry_run, areas});
  }

  TempDatabase database_;
  pg::Pool pool_;
  storage::Areas areas_;
};

geo::Geometry square(double x, double y, double size = 1) {
  const auto vertex = [](double a, double b) { return std::to_string(a) + " " + std::to_string(b); };
  return must(geo::parse_wkt("POLYGON ((" + vertex(x, y) + "," + vertex(x + size, y) + "," +
                             vertex(x + size, y + size) + "," + vertex(x, y + size) + "," + vertex(x, y) + "))"));
}

AreaDraft draft(const std::string& code, std::optional<geo::Geometry> polygon = std::nullopt) {
  AreaDraft made;
  made.code = code;
  made.polygon = std::move(polygon);
  return made;
}
AreaDraft commune(const std::string& code, const std::string& name) {
  AreaDraft made = draft(code);
  made.name = name;
  made.level = "commune";
  return made;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE_METHOD(AreasFixture,
                 "the provinces of both lists are there, with validity and succession, without polygons") {
  const auto lists = must(areas_.list_area_lists("", 10));
  REQUIRE(lists.size() == 2);
  CHECK(lists[0].list == "ADM-2004");
  CHECK(lists[0].areas == 63);
  CHECK(lists[0].with_polygon == 0);
  CHECK_FALSE(lists[0].current);
  CHECK_FALSE(lists[0].valid_from.has_value());
  CHECK(lists[0].valid_to == must(parse_date("2025-06-30")));
  CHECK(lists[1].list == "ADM-2025");
  CHECK(lists[1].areas == 34);
  CHECK(lists[1].current);
  CHECK(lists[1].valid_from == must(parse_date("2025-07-01")));

  const auto now = must(areas_.find_area("ADM-2025:91"));
  CHECK(now.name == "An Giang");
  CHECK(now.kind == "tỉnh");
  CHECK(now.level == "province");
  CHECK(now.valid_from == must(parse_date("2025-07-01")));
  CHECK_FALSE(now.valid_to.has_value());
  CHECK(now.predecessors == std::vector<std::string>{"ADM-2004:89", "ADM-2004:91"});
  CHECK(now.successors.empty());
  CHECK(now.version == 0);
  CHECK(now.polygon.empty);
  const auto before = must(areas_.find_area("ADM-2004:91"));
  CHECK(before.name == "Kiên Giang");
  CHECK(before.valid_to == must(parse_date("2025-06-30")));
  CHECK(before.successors == std::vector<std::string>{"ADM-2025:91"});
  CHECK(before.unit_id != now.unit_id);
}

TEST_CASE_METHOD(AreasFixture, "every unit shipped is in the database as the tables say, and unit ids never change") {
  std::set<std::string> ids;
  for (const auto& province : feature::provinces()) {
    const auto area = must(areas_.find_area("ADM-2025:" + province.code));
    CHECK(area.name == province.name);
    CHECK(area.kind == province.kind);
    CHECK_FALSE(area.predecessors.empty());
    ids.insert(area.unit_id);
  }
  for (const auto& old : feature::successions()) {
    const auto area = must(areas_.find_area("ADM-2004:" + old.old_code));
    CHECK(area.name == old.old_name);
    CHECK(area.successors == std::vector<std::string>{"ADM-2025:" + old.new_code});
    ids.insert(area.unit_id);
  }
  CHECK(ids.size() == 34 + 63);
  CHECK(must(areas_.find_area("ADM-2025:91")).unit_id == "79635a57-8130-840e-a872-bca417f72e08");
}

TEST_CASE_METHOD(AreasFixture, "seeding again changes nothing, also not what was changed since") {
  AreaDraft renamed = draft("91", square(105, 10));
  renamed.name = "An Giang mới";
  must(put({renamed}));
  const std::string before = stored();
  auto connection = database_.connect();
  must(storage::seed_areas(connection));
  CHECK(stored() == before);
}

TEST_CASE_METHOD(AreasFixture, "two exchanges may seed at once") {
  TempDatabase other = TempDatabase::with_template("storage", migrate_url);
  std::vector<std::thread> threads;
  std::vector<absl::Status> results(4);
  for (auto& result : results) {
    threads.emplace_back([&other, &result] {
      auto connection = other.connect();
      result = storage::seed_areas(connection);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) CHECK(describe(result).substr(0, 2) == "OK");
  auto connection = other.connect();
  CHECK(must(connection.execute("SELECT count(*) FROM lienthong.area")).get_int(0, 0) == 97);
}

TEST_CASE_METHOD(AreasFixture, "a bare code or name is refused with the areas it may mean") {
  for (const std::string reference : {"91", "Kiên Giang", "kien giang", "KIÊN  GIANG"}) {
    const auto refused = areas_.find_area(reference).status();
    CAPTURE(reference, refused.ToString());
    CHECK(refused.code() == Code::kInvalidArgument);
    CHECK(error_reason(refused) == "AREA_AMBIGUOUS");
    CHECK(contains(message_of(refused), "ADM-2004:91 Kiên Giang until 2025-06-30 (now ADM-2025:91)"));
  }
  const auto both = areas_.get_area("91").status();
  CHECK(error_reason(both) == "AREA_AMBIGUOUS");
  CHECK(contains(message_of(both), "ADM-2025:91 An Giang since 2025-07-01, ADM-2004:91 Kiên Giang"));
  CHECK(error_detail(both)->metadata.at("candidates") == "ADM-2025:91 ADM-2004:91");
  const auto name = areas_.get_area("an giang").status();
  CHECK(error_detail(name)->metadata.at("candidates") == "ADM-2025:91 ADM-2004:89");
  // One that exists in one list only is refused too: the next list may have it.
  CHECK(error_reason(areas_.get_area("Hậu Giang").status()) == "AREA_AMBIGUOUS");
}

TEST_CASE_METHOD(AreasFixture, "an unknown area is refused with those that are near") {
  const auto old_code = areas_.get_area("ADM-2025:89").status();
  CHECK(old_code.code() == Code::kNotFound);
  CHECK(error_reason(old_code) == "AREA_UNKNOWN");
  CHECK(contains(message_of(old_code), "ADM-2004:89 An Giang until 2025-06-30 (now ADM-2025:91)"));
  const auto by_name = areas_.find_area("ADM-2025:An Giang").status();
  CHECK(error_reason(by_name) == "AREA_UNKNOWN");
  CHECK(contains(message_of(by_name), "ADM-2025:91 An Giang"));
  const auto with_kind = areas_.find_area("tỉnh Hậu Giang").status();
  CHECK(error_reason(with_kind) == "AREA_UNKNOWN");
  CHECK(contains(message_of(with_kind), "ADM-2004:93 Hậu Giang"));
  for (const std::string nothing : {"", ":", "ADM-2025:", ":91x", "zz", "ADM-2025:91 ", "adm-2025:91x", "a:b:c", "%",
                                    "_", "ADM-2025:'; DROP TABLE lienthong.area; --"}) {
    CAPTURE(nothing);
    CHECK(error_reason(areas_.find_area(nothing).status()) == "AREA_UNKNOWN");
  }
  CHECK(error_reason(areas_.find_area(std::string(1 << 20, 'a')).status()) == "AREA_UNKNOWN");
  CHECK(error_reason(areas_.find_area(std::string("ADM-2025:91\0", 12)).status()) == "AREA_UNKNOWN");
  CHECK(error_reason(areas_.find_area("ADM-2025:\xff").status()) == "AREA_UNKNOWN");
  CHECK(error_reason(areas_.list_areas("ADM-1900", "", 10).status()) == "AREA_LIST_UNKNOWN");
}

TEST_CASE_METHOD(AreasFixture, "the polygon of a unit is asked for only when there is one") {
  const auto none = areas_.get_area("ADM-2025:91").status();
  CHECK(none.code() == Code::kFailedPrecondition);
  CHECK(error_reason(none) == "AREA_WITHOUT_POLYGON");
  CHECK(contains(message_of(none), "lienthong area import ADM-2025"));
  must(put({draft("91", square(105, 10))}));
  const auto area = must(areas_.get_area("ADM-2025:91"));
  CHECK(area->version == 1);
  CHECK(area->epsg == 4326);
  CHECK(area->polygon == square(105, 10));
  CHECK(area->sha256 == to_hex(view(sha256(square(105, 10).wkb))));
  CHECK(area->predecessors.size() == 2);
  CHECK(error_reason(areas_.get_area("ADM-2025:91", 2).status()) == "AREA_VERSION_UNKNOWN");
  CHECK(error_reason(areas_.get_area("ADM-2025:91", 0).status()) == "AREA_VERSION_UNKNOWN");
  CHECK(error_reason(areas_.get_area("ADM-2025:91", -1).status()) == "AREA_VERSION_UNKNOWN");
}

TEST_CASE_METHOD(AreasFixture, "an equal polygon adds no version, another does, and old versions stay") {
  const auto first = must(put({draft("91", square(105, 10)), draft("01", square(105, 21))}));
  REQUIRE(first.size() == 2);
  CHECK(first[0].reference == "ADM-2025:91");
  CHECK(first[0].version == 1);
  CHECK(first[0].outcome == AreaOutcome::kChanged);
  const std::string before = stored();
  const auto again = must(put({draft("91", square(105, 10)), draft("01", square(105, 21))}));
  CHECK(again[0].outcome == AreaOutcome::kUnchanged);
  CHECK(again[1].outcome == AreaOutcome::kUnchanged);
  CHECK(again[1].version == 1);
  CHECK(stored() == before);

  const auto changed = must(put({draft("91", square(105, 10, 2)), draft("01", square(105, 21))}));
  CHECK(changed[0].version == 2);
  CHECK(changed[0].outcome == AreaOutcome::kChanged);
  CHECK(changed[1].outcome == AreaOutcome::kUnchanged);
  CHECK(must(areas_.get_area("ADM-2025:91"))->polygon == square(105, 10, 2));
  CHECK(must(areas_.get_area("ADM-2025:91", 1))->polygon == square(105, 10));
  // The first polygon again is a third version: versions count what was in force, one after the other.
  CHECK(must(put({draft("91", square(105, 10))}))[0].version == 3);
  // The same numbers in another CRS are another polygon.
  CHECK(must(put({draft("91", square(105, 10))}, "ADM-2025", 4756))[0].version == 4);
  CHECK(must(areas_.get_area("ADM-2025:91"))->epsg == 4756);
  CHECK(must(areas_.get_area("ADM-2025:91", 3))->epsg == 4326);
}

TEST_CASE_METHOD(AreasFixture, "what is kept in memory is what is stored, with the words of today") {
  must(put({draft("91", square(105, 10))}));
  const auto first = must(areas_.get_area("ADM-2025:91"));
  CHECK(must(areas_.get_area("ADM-2025:91")).get() == first.get());
  CHECK(must(areas_.get_area("ADM-2025:91", 1)).get() == first.get());
  AreaDraft renamed = draft("91");
  renamed.name = "An Giang mới";
  CHECK(must(put({renamed}))[0].outcome == AreaOutcome::kChanged);
  const auto second = must(areas_.get_area("ADM-2025:91"));
  CHECK(second->name == "An Giang mới");
  CHECK(second->version == 1);
  CHECK(second->polygon == first->polygon);
  CHECK(first->name == "An Giang");
  // Another process sees what this one wrote.
  storage::Areas other(pool_);
  CHECK(must(other.get_area("ADM-2025:91"))->name == "An Giang mới");
  must(other.put_areas({"operator", "ADM-2025", 4326, false, {draft("91", square(1, 1))}}));
  CHECK(must(areas_.get_area("ADM-2025:91"))->version == 2);
}

TEST_CASE_METHOD(AreasFixture, "units of other lists and levels are created with their relations") {
  AreaDraft a = commune("30355", "Xã A"), b = commune("30358", "Xã B"), c = commune("30361", "Xã C");
  a.kind = "xã";
  a.valid_from = must(parse_date("2025-07-01"));
  a.predecessors = {"ADM-2004:89"};
  a.successors = {"COMMUNES:30361"};  // imported later in the same call
  b.successors = {"COMMUNES:30361"};
  b.valid_to = must(parse_date("2025-06-30"));
  const auto made = must(put({a, b, c}, "COMMUNES"));
  for (const auto& one : made) {
    CHECK(one.outcome == AreaOutcome::kCreated);
    CHECK(one.version == 0);
  }
  const auto stored_a = must(areas_.find_area("COMMUNES:30355"));
  CHECK(stored_a.unit_id == made[0].unit_id);
  CHECK(stored_a.level == "commune");
  CHECK(stored_a.kind == "xã");
  CHECK(stored_a.valid_from == a.valid_from);
  CHECK(stored_a.predecessors == std::vector<std::string>{"ADM-2004:89"});
  CHECK(stored_a.successors == std::vector<std::string>{"COMMUNES:30361"});
  CHECK(must(areas_.find_area("COMMUNES:30361")).predecessors ==
        std::vector<std::string>{"COMMUNES:30355", "COMMUNES:30358"});
  CHECK(must(areas_.find_area("ADM-2004:89")).successors == std::vector<std::string>{"ADM-2025:91", "COMMUNES:30355"});
  CHECK(must(put({a, b, c}, "COMMUNES"))[0].outcome == AreaOutcome::kUnchanged);
  const auto page = must(areas_.list_areas("COMMUNES", "30355", 1));
  REQUIRE(page.size() == 1);
  CHECK(page[0].code == "30358");
  CHECK(page[0].valid_to == b.valid_to);
  CHECK(must(areas_.list_area_lists("", 10)).size() == 3);
}

TEST_CASE_METHOD(AreasFixture, "an import is made wholly or not at all") {
  must(put({draft("91", square(105, 10))}));
  const std::string before = stored();
  AreaDraft no_name = commune("30355", "");
  AreaDraft stray = commune("30358", "Xã B");
  stray.successors = {"ADM-2025:99"};
  AreaDraft own = commune("30358", "Xã B");
  own.successors = {"ADM-2025:30358"};
  AreaDraft backwards = draft("92");
  backwards.valid_to = must(parse_date("2000-01-01"));
  AreaDraft wrong_level = draft("92");
  wrong_level.level = "commune";
  const struct {
    AreaDraft wrong;
    std::string reason;
  } cases[] = {{draft("99", square(1, 1)), "AREA_UNKNOWN"},
               {no_name, "AREA_INVALID"},
               {stray, "AREA_UNKNOWN"},
               {own, "AREA_INVALID"},
               {backwards, "AREA_INVALID"},
               {wrong_level, "AREA_INVALID"},
               {draft("91", square(1, 1)), "AREA_REPEATED"},
               {draft("", square(1, 1)), "AREA_INVALID"},
               {draft("9 1"), "AREA_INVALID"},
               {draft("9:1"), "AREA_INVALID"},
               {commune("30355", "a\nb"), "AREA_INVALID"},
               {commune("30355", "\xff"), "AREA_INVALID"},
               {commune("30355", std::string(257, 'a')), "AREA_INVALID"}};
  for (const auto& [wrong, reason] : cases) {
    CAPTURE(wrong.code, wrong.name, reason);
    const auto refused = put({draft("91", square(105, 10, 3)), commune("30400", "Xã"), wrong}).status();
    CHECK(error_reason(refused) == reason);
    CHECK(stored() == before);
  }
  CHECK(error_reason(put({}, "ADM-2025").status()) == "AREA_INVALID");
  CHECK(error_reason(put({draft("91")}, "").status()) == "AREA_INVALID");
  CHECK(error_reason(put({draft("91")}, "A:B").status()) == "AREA_INVALID");
  CHECK(error_reason(put({draft("91")}, "NONE").status()) == "AREA_LIST_UNKNOWN");
  CHECK(stored() == before);
}

TEST_CASE_METHOD(AreasFixture, "a dry run tells what would be and leaves nothing") {
  const std::string before = stored();
  const auto told = must(put({draft("91", square(105, 10)), commune("30355", "Xã A")}, "ADM-2025", 4326, true));
  CHECK(told[0].version == 1);
  CHECK(told[0].outcome == AreaOutcome::kChanged);
  CHECK(told[1].outcome == AreaOutcome::kCreated);
  CHECK(stored() == before);
  CHECK(error_reason(areas_.get_area("ADM-2025:91").status()) == "AREA_WITHOUT_POLYGON");
}

TEST_CASE_METHOD(AreasFixture, "imports at once do not lose a version") {
  constexpr int kImports = 8;
  std::vector<std::thread> threads;
  std::vector<absl::Status> results(kImports);
  for (int i = 0; i < kImports; ++i) {
    threads.emplace_back([this, i, &results] {
      results[static_cast<std::size_t>(i)] =
          put({draft("91", square(100 + i, 10)), draft("01", square(i, 0))}).status();
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) CHECK(describe(result).substr(0, 2) == "OK");
  CHECK(must(areas_.get_area("ADM-2025:91"))->version == kImports);
  CHECK(count("SELECT count(DISTINCT sha256) FROM lienthong.area_polygon WHERE version BETWEEN 1 AND 8") == 16);
}

}  // namespace
}  // namespace lt::test
