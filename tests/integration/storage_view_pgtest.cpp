// Random histories read through random views, against a classification by brute force over whole states.
#include <cstdlib>
#include <map>
#include <random>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "geo/validity.hpp"
#include "storage/retention.hpp"
#include "storage/view_read.hpp"
#include "storage_support.hpp"

namespace {

using namespace lt;
using namespace lt::test;
using feature::EntryOp;
using feature::State;
using storage::ViewPtr;

using Model = std::map<std::string, State>;

constexpr int kIds = 24;
constexpr int kSide = 60;  // metres: the world of these tests, in steps of 1 m, so that borders are often met
constexpr double kEast = 500'000, kNorth = 2'000'000;

/// What a view shows, said a second time and without grids, boxes or SQL.
struct PlainView {
  std::optional<geo::Geometry> area;
  std::optional<std::int64_t> more_lanes_than;
  bool only_lanes = false;
  std::string crs;

  bool shows(const State& state) const {
    if (area) {
      if (!state.geometry || !must(geo::Geos().is_inside(*state.geometry, *area))) return false;
    }
    if (!more_lanes_than) return true;
    const auto lanes = state.properties.find(2);
    return lanes != state.properties.end() && std::get<std::int64_t>(lanes->second) > *more_lanes_than;
  }
  State seen(State state) const {
    if (only_lanes) state.properties.erase(1);
    return state;
  }
  ViewPtr compiled(const feature::Schema& schema) const {
    auto view = std::make_shared<feature::View>();
    view->area = area;
    if (area) view->grid.emplace(*area);
    if (more_lanes_than)
      view->filter = must(feature::Filter::parse(fmt::format("lanes > {}", *more_lanes_than), schema));
    if (only_lanes) view->columns = {2};
    view->crs = crs;
    return view;
  }
};

struct Seen {
  EntryOp op = EntryOp::kInsert;
  std::string record, before;
};
using Answer = std::map<std::string, Seen>;

std::string text_of(const Answer& answer) {
  std::string text;
  for (const auto& [id, seen] : answer) {
    text += fmt::format("{} {} after {} before {}\n", id, feature::to_string(seen.op), to_hex(seen.record),
                        to_hex(seen.before));
  }
  return text;
}

std::string record_of(const State& state) { return feature::encode_record(1, state); }

Answer expected(const Model& a, const PlainView& before, const Model& b, const PlainView& after, bool include_before) {
  Answer answer;
  for (int i = 0; i < kIds; ++i) {
    const auto id = fmt::format("f{:02}", i);
    const auto then = a.find(id);
    const auto now = b.find(id);
    const bool was = then != a.end() && before.shows(then->second);
    const bool is = now != b.end() && after.shows(now->second);
    if (!was && !is) continue;
    Seen seen;
    if (is) seen.record = record_of(after.seen(now->second));
    if (was && include_before) seen.before = record_of(before.seen(then->second));
    const bool otherwise = before.only_lanes != after.only_lanes || before.crs != after.crs;
    if (was && is) {
      if (!otherwise && before.seen(then->second) == after.seen(now->second)) continue;
      seen.op = EntryOp::kUpdate;
    } else if (is) {
      seen.op = then == a.end() ? EntryOp::kInsert : EntryOp::kEnter;
    } else {
      seen.op = now == b.end() ? EntryOp::kDelete : EntryOp::kLeave;
    }
    answer[id] = seen;
  }
  return answer;
}

Answer answer_of(const std::vector<feature::Entry>& entries) {
  Answer answer;
  for (const auto& entry : entries) {
    const bool once = answer.emplace(entry.id, Seen{entry.op, entry.record, entry.before}).second;
    CHECK(once);
  }
  return answer;
}

using Copy = std::map<std::string, std::string>;

void follow(Copy& copy, const std::vector<feature::Entry>& entries) {
  for (const auto& entry : entries) {
    const bool gone = entry.op == EntryOp::kLeave || entry.op == EntryOp::kDelete;
    const bool came = entry.op == EntryOp::kInsert || entry.op == EntryOp::kEnter;
    INFO(feature::to_string(entry.op) << " " << entry.id);
    CHECK(copy.contains(entry.id) != came);
    if (gone) {
      copy.erase(entry.id);
    } else {
      copy[entry.id] = entry.record;
    }
  }
}

class ViewFixture : public StorageFixture {
 public:
  explicit ViewFixture(unsigned seed) : random_(seed) {
    schema_ = points_schema();
    schema_.geometry.types = {geo::GeometryType::kGeometry};
    dataset_ = must(catalog_.create_dataset("test.any", "operator", "", schema_));
    models_.emplace_back();
  }

  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  std::string place(int dx = 0, int dy = 0) {
    return fmt::format("{} {}", kEast + pick(kSide) + dx, kNorth + pick(kSide) + dy);
  }
  std::string rectangle(int x, int y, int w, int h) {
    const double x1 = kEast + x, y1 = kNorth + y;
    return fmt::format("({0} {1}, {2} {1}, {2} {3}, {0} {3}, {0} {1})", x1, y1, x1 + w, y1 + h);
  }

  std::optional<geo::Geometry> random_geometry() {
    const int x = pick(kSide), y = pick(kSide), w = 1 + pick(kSide / 2), h = 1 + pick(kSide / 2);
    switch (pick(9)) {
      case 0: return std::nullopt;
      case 1: return must(geo::parse_wkt("POLYGON EMPTY"));
      case 2:
        return must(geo::parse_wkt(fmt::format("LINESTRING ({}, {} {})", place(), kEast + x, kNorth + kSide + y)));
      case 3: return must(geo::parse_wkt("POLYGON (" + rectangle(x, y, w, h) + ")"));
      case 4:  // with a hole
        return must(geo::parse_wkt(
            fmt::format("POLYGON ({}, {})", rectangle(x, y, w + 2, h + 2), rectangle(x + 1, y + 1, w, h))));
      case 5: return must(geo::parse_wkt(fmt::format("MULTIPOINT (({}), ({}))", place(), place())));
      case 6:
        return must(geo::parse_wkt(fmt::format("GEOMETRYCOLLECTION (POINT ({}), LINESTRING ({} {}, {} {}))", place(),
                                               kEast + x, kNorth + y, kEast + x + w, kNorth + y)));
      default: return must(geo::parse_wkt("POINT (" + place() + ")"));
    }
  }
  State random_state() {
    State state;
    state.geometry = random_geometry();
    if (pick(5) > 0) state.properties[1] = std::string(pick(2) == 0 ? "Đường số 1" : "a");
    if (pick(5) > 0) state.properties[2] = std::int64_t{pick(4)};
    return state;
  }

  void random_version() {
    Model model = models_.back();
    std::vector<TestChange> changes;
    std::map<std::string, bool> touched;
    for (int n = 1 + pick(8); n > 0; --n) {
      const auto id = fmt::format("f{:02}", pick(kIds));
      if (!touched.emplace(id, true).second) continue;
      const auto stored = model.find(id);
      if (stored != model.end() && pick(4) == 0) {
        changes.push_back(deletion(id));
        model.erase(stored);
        continue;
      }
      State state = random_state();
      if (stored != model.end() && pick(3) == 0) state.geometry = stored->second.geometry;
      changes.push_back(upsert(id, state));
      model[id] = state;
    }
    const auto receipt = must(publish(changes));
    if (receipt.changed) models_.push_back(std::move(model));
  }

  PlainView random_view() {
    PlainView view;
    const int x = pick(kSide / 2), y = pick(kSide / 2);
    switch (pick(4)) {
      case 0: break;
      case 1:  // with a hole
        view.area = must(
            geo::parse_wkt(fmt::format("POLYGON ({}, {})", rectangle(x, y, 30, 30), rectangle(x + 10, y + 10, 5, 9))));
        break;
      case 2:
        view.area = must(geo::parse_wkt(
            fmt::format("MULTIPOLYGON (({}), ({}))", rectangle(x, y, 8, 20), rectangle(x + 12, y + 3, 7, 9))));
        break;
      default:
        view.area =
            must(geo::parse_wkt(fmt::format("POLYGON (({0} {1}, {2} {3}, {4} {5}, {0} {1}))", kEast + x, kNorth + y,
                                            kEast + x + 40, kNorth + y + 7, kEast + x + 13, kNorth + y + 29)));
    }
    if (pick(2) == 0) view.more_lanes_than = pick(3);
    view.only_lanes = pick(3) == 0;
    if (pick(6) == 0) view.crs = "EPSG:4326";
    return view;
  }

  Copy copy_of(std::int64_t version, const PlainView& view) const {
    Copy copy;
    for (const auto& [id, state] : models_[static_cast<std::size_t>(version)]) {
      if (view.shows(state)) copy[id] = record_of(view.seen(state));
    }
    return copy;
  }
  const Model& at(std::int64_t version) const { return models_[static_cast<std::size_t>(version)]; }
  std::int64_t last() const { return static_cast<std::int64_t>(models_.size()) - 1; }

  void check_range(std::int64_t a, std::int64_t b, const PlainView& plain, storage::PageLimits limits) {
    const auto view = plain.compiled(schema_);
    const bool include_before = pick(2) == 0;
    const auto entries = all(*storage::read_diff(pool_, dataset_.id, a, b, view, include_before, limits));
    CHECK(text_of(answer_of(entries)) == text_of(expected(at(a), plain, at(b), plain, include_before)));
    Copy copy = copy_of(a, plain);
    follow(copy, entries);
    CHECK(copy == copy_of(b, plain));

    copy = copy_of(a, plain);
    follow(copy, all(*storage::read_changes(pool_, dataset_.id, a, b, view, limits)));
    CHECK(copy == copy_of(b, plain));

    copy.clear();
    follow(copy, all(*storage::read_snapshot(pool_, dataset_.id, b, view, limits)));
    CHECK(copy == copy_of(b, plain));
  }

  void check_view_change(std::int64_t a, const PlainView& before, std::int64_t b, const PlainView& after,
                         storage::PageLimits limits) {
    const bool include_before = pick(2) == 0;
    const auto entries = all(*storage::read_view_change(pool_, dataset_.id, a, before.compiled(schema_), b,
                                                        after.compiled(schema_), include_before, limits));
    CHECK(text_of(answer_of(entries)) == text_of(expected(at(a), before, at(b), after, include_before)));
    Copy copy = copy_of(a, before);
    follow(copy, entries);
    CHECK(copy == copy_of(b, after));
  }

  storage::PageLimits random_limits() {
    constexpr std::array<storage::PageLimits, 4> kLimits{{{1, 1}, {300, 3}, {1 << 20, 2}, storage::PageLimits{}}};
    return kLimits[static_cast<std::size_t>(pick(kLimits.size()))];
  }

  feature::Schema schema_;
  std::mt19937 random_;
  std::vector<Model> models_;  ///< by version
};

unsigned first_seed() {
  const char* given = std::getenv("LIENTHONG_SEED");
  return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
}

TEST_CASE("every entry of a view is what brute force says, over random histories, ranges and view changes") {
  const unsigned seed = first_seed();
  INFO("repeat with LIENTHONG_SEED=" << seed);
  ViewFixture f(seed);
  for (int v = 0; v < 14; ++v) f.random_version();
  REQUIRE(f.last() > 5);
  for (int round = 0; round < 60; ++round) {
    const std::int64_t a = f.pick(static_cast<int>(f.last()) + 1);
    const std::int64_t b = a + f.pick(static_cast<int>(f.last() - a) + 1);
    const auto view = f.random_view();
    const auto limits = f.random_limits();
    INFO("round " << round << ", (" << a << ", " << b << "], pages of " << limits.rows << " rows, " << limits.bytes
                  << " bytes");
    f.check_range(a, b, view, limits);
    f.check_view_change(a, view, b, f.random_view(), limits);
  }
}

TEST_CASE("views read the same after old history was compacted") {
  const unsigned seed = first_seed();
  INFO("repeat with LIENTHONG_SEED=" << seed);
  ViewFixture f(seed);
  for (int v = 0; v < 12; ++v) f.random_version();
  const std::int64_t horizon = f.last() / 2;
  must(storage::compact(f.pool_, f.dataset_.id, horizon, [] { return false; }));
  for (int round = 0; round < 20; ++round) {
    const std::int64_t a = horizon + f.pick(static_cast<int>(f.last() - horizon) + 1);
    const std::int64_t b = a + f.pick(static_cast<int>(f.last() - a) + 1);
    const auto view = f.random_view();
    f.check_range(a, b, view, f.random_limits());
    f.check_view_change(a, view, b, f.random_view(), f.random_limits());
  }
  std::vector<feature::Entry> none;
  const auto gone =
      storage::read_diff(f.pool_, f.dataset_.id, horizon - 1, f.last(), f.random_view().compiled(f.schema_), false)
          ->next(none);
  CHECK(error_reason(gone.status()) == "HISTORY_COMPACTED");
}

TEST_CASE("a point that goes to and fro over a border enters and leaves, and on it is in both areas") {
  ViewFixture f(1);
  const auto west = PlainView{must(geo::parse_wkt("POLYGON (" + f.rectangle(0, 0, 20, 20) + ")")), {}, false, {}};
  const auto east = PlainView{must(geo::parse_wkt("POLYGON (" + f.rectangle(20, 0, 20, 20) + ")")), {}, false, {}};
  for (const int x : {10, 30, 10, 20}) {
    State state;
    state.geometry = must(geo::parse_wkt(fmt::format("POINT ({} {})", kEast + x, kNorth + 10)));
    must(f.publish({upsert("f00", state)}));
  }
  must(f.publish({deletion("f00")}));
  const auto ops = [&](const PlainView& view, std::int64_t a, std::int64_t b) {
    std::string text;
    const auto reader = storage::read_changes(f.pool_, f.dataset_.id, a, b, view.compiled(f.schema_));
    for (const auto& entry : StorageFixture::all(*reader)) text += feature::to_string(entry.op)[0];
    return text;
  };
  CHECK(ops(west, 0, 5) == "ILEUD");
  CHECK(ops(east, 0, 5) == "ELED");  // it was not there when it was made outside
  CHECK(ops(west, 1, 3) == "LE");
  const auto reader = storage::read_diff(f.pool_, f.dataset_.id, 1, 3, west.compiled(f.schema_), false);
  CHECK(StorageFixture::all(*reader).empty());  // back where it was
}

}  // namespace
