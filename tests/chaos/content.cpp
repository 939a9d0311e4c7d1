#include "chaos/content.hpp"

#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "feature/record.hpp"

namespace lt::chaos {
namespace {

using feature::Change;
using feature::ChangeOp;

constexpr int kSharedFeatures = 150;  // the same for all publishers, so that they meet
constexpr int kLargeFeatures = 800;
constexpr std::size_t kSmallPayload = 40;
constexpr std::size_t kLargePayload = 5000;  // 800 of them are 4 MB: more than the exchange keeps in memory
constexpr std::uint64_t kMostChanges = 20;
constexpr std::uint64_t kHundred = 100;
// Upper ends, in percent, of the shares of each shape; the rest is small.
constexpr std::uint64_t kLargeBelow = 4;
constexpr std::uint64_t kSnapshotBelow = 8;
constexpr std::uint64_t kLargeSnapshotBelow = 10;
constexpr std::uint64_t kNoEffectBelow = 16;
constexpr std::uint64_t kBothBelow = 30;

std::string random_text(Random& random, std::size_t size) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_+*abcdefghijklmnopqrstuvwx";
  constexpr int kBits = 6;
  constexpr int kPerWord = 10;
  std::string text;
  text.reserve(size + kPerWord);
  while (text.size() < size) {
    std::uint64_t word = random.next();
    for (int i = 0; i < kPerWord; ++i, word >>= kBits) text += kLetters[word & (kLetters.size() - 1)];
  }
  text.resize(size);
  return text;
}

geo::Geometry point(double x, double y) { return *geo::parse_wkt(fmt::format("POINT ({} {})", x, y)); }

class Maker {
 public:
  Maker(const Author& author, std::int64_t number)
      : author_(author),
        number_(number),
        random_(author.seed * 1'000'003 + static_cast<std::uint64_t>(author.publisher) * 7'919 +
                static_cast<std::uint64_t>(number) * 104'729) {
    content_.header.changeset_id = changeset_id_of(author.publisher, number);
    dataset_ = dataset_name(static_cast<int>(random_.below(kDatasets)));
    content_.header.dataset = dataset_;
    content_.header.message = fmt::format("changeset {} of publisher {}", number, author.publisher);
    content_.shape = choose_shape();
  }

  ChangesetContent make() {
    switch (content_.shape) {
      case Shape::kSmall: add_some(); break;
      case Shape::kLarge: add_large(); break;
      case Shape::kSnapshot: add_most(); break;
      case Shape::kLargeSnapshot:
        add_most();
        add_large();
        break;
      case Shape::kNoEffect: add_absent(); break;
      case Shape::kBoth: add_both(); return std::move(content_);
    }
    const bool snapshot = content_.shape == Shape::kSnapshot || content_.shape == Shape::kLargeSnapshot;
    if (snapshot) {
      content_.header.kind = feature::ChangesetKind::kSnapshot;
      content_.header.allow_mass_delete = true;
    }
    if (content_.shape != Shape::kNoEffect) add_own(snapshot ? ChangeOp::kUpsert : ChangeOp::kInsert);
    return std::move(content_);
  }

 private:
  Shape choose_shape() {
    const std::uint64_t draw = random_.below(kHundred);
    if (draw < kLargeBelow) return Shape::kLarge;
    if (draw < kSnapshotBelow) return Shape::kSnapshot;
    if (draw < kLargeSnapshotBelow) return Shape::kLargeSnapshot;
    if (draw < kNoEffectBelow) return Shape::kNoEffect;
    return draw < kBothBelow ? Shape::kBoth : Shape::kSmall;
  }

  void add(ChangeOp op, std::string id, std::size_t payload) {
    Change change;
    change.sequence = ++sequence_;
    change.op = op;
    change.id = std::move(id);
    if (op == ChangeOp::kInsert) change.base_version = 0;
    if (op != ChangeOp::kDelete) {
      constexpr double kWest = 102, kSouth = 8, kStep = 0.001;
      constexpr std::uint64_t kSteps = 7000;
      feature::State state;
      state.geometry = point(kWest + kStep * static_cast<double>(random_.below(kSteps)),
                             kSouth + kStep * static_cast<double>(random_.below(kSteps)));
      state.properties[1] = fmt::format("{} by {}", change.id, content_.header.changeset_id);
      state.properties[2] = number_;
      state.properties[3] = random_text(random_, payload);
      change.record = feature::encode_record(1, state);
    }
    content_.changes[dataset_].push_back(std::move(change));
  }

  void add_own(ChangeOp op) { add(op, fmt::format("own-{}-{}", author_.publisher, number_), kSmallPayload); }

  void add_both() {
    for (int i = 0; i < kDatasets; ++i) {
      dataset_ = dataset_name(i);
      add_some();
      add_own(ChangeOp::kInsert);
    }
  }

  void add_some() {
    const std::uint64_t wanted = 1 + random_.below(kMostChanges);
    std::uint64_t feature = random_.below(kSharedFeatures);
    for (std::uint64_t i = 0; i < wanted; ++i) {
      feature += 1 + random_.below(kSharedFeatures / kMostChanges - 1);  // goes round less than once: no id twice
      const bool deletes = random_.below(3) == 0;
      add(deletes ? ChangeOp::kDelete : ChangeOp::kUpsert, fmt::format("shared-{}", feature % kSharedFeatures),
          kSmallPayload);
    }
  }

  void add_large() {
    for (int i = 0; i < kLargeFeatures; ++i) add(ChangeOp::kUpsert, fmt::format("large-{}", i), kLargePayload);
  }

  void add_most() {
    for (int i = 0; i < kSharedFeatures; ++i) {
      if (random_.below(5) > 0) add(ChangeOp::kUpsert, fmt::format("shared-{}", i), kSmallPayload);
    }
  }

  void add_absent() {
    for (int i = 0; i < 3; ++i) add(ChangeOp::kDelete, fmt::format("absent-{}", i), 0);
  }

  const Author author_;
  const std::int64_t number_;
  Random random_;
  ChangesetContent content_;
  std::string dataset_;  // of what is added next
  std::int64_t sequence_ = 0;
};

}  // namespace

std::string dataset_name(int index) { return fmt::format("chaos.{}", static_cast<char>('a' + index)); }

feature::Schema dataset_schema() {
  feature::Schema schema;
  schema.crs = "EPSG:4326";
  schema.geometry.types = {geo::GeometryType::kPoint};
  schema.fields.resize(3);
  for (std::int32_t i = 0; i < 3; ++i) schema.fields[static_cast<std::size_t>(i)].number = i + 1;
  schema.fields[0].name = "name";
  schema.fields[1].name = "number";
  schema.fields[1].type = feature::FieldType::kInt64;
  schema.fields[2].name = "payload";
  return schema;
}

std::uint64_t Random::next() {
  // @source Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014.
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::string_view to_string(Shape shape) {
  switch (shape) {
    case Shape::kSmall: return "small";
    case Shape::kLarge: return "large";
    case Shape::kSnapshot: return "snapshot";
    case Shape::kLargeSnapshot: return "large_snapshot";
    case Shape::kNoEffect: return "no_effect";
    case Shape::kBoth: return "both_datasets";
  }
  return "";
}

ChangesetContent make_content(const Author& author, std::int64_t number) { return Maker(author, number).make(); }

std::string changeset_id_of(int publisher, std::int64_t number) { return fmt::format("p{}-{}", publisher, number); }

std::optional<ChangesetName> parse_changeset_id(std::string_view id) {
  ChangesetName name;
  const char* const end = id.data() + id.size();
  if (!id.starts_with('p')) return std::nullopt;
  const auto publisher = std::from_chars(id.data() + 1, end, name.publisher);
  if (publisher.ec != std::errc() || publisher.ptr == end || *publisher.ptr != '-') return std::nullopt;
  const auto number = std::from_chars(publisher.ptr + 1, end, name.number);
  if (number.ec != std::errc() || number.ptr != end) return std::nullopt;
  return name;
}

}  // namespace lt::chaos
