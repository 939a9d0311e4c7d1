#include "sources/sample.hpp"

#include <algorithm>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/provinces.hpp"
#include "geo/crs.hpp"
#include "sources/detail/sample_maker.hpp"

namespace lt::sources {
namespace {

using detail::Draft;
using detail::Random;
using feature::ChangeOp;

constexpr std::int64_t kClusterSize = 25;
constexpr std::uint64_t kHistoryStream = 41;

/// What a generator and a history share: how feature `index` looks.
struct Workshop {
  std::unique_ptr<detail::SampleMaker> maker;
  detail::SampleGrid grid;
  feature::Schema schema;

  [[nodiscard]] std::string id(std::int64_t index) const {
    return fmt::format("{}-{:09}", maker->id_prefix(), index + 1);
  }
  [[nodiscard]] absl::StatusOr<feature::State> finish(Draft draft) const {
    LT_ASSIGN_OR_RETURN(draft.state.geometry,
                        detail::make_geometry(grid, schema.geometry.types.front(), draft.vertices));
    return std::move(draft.state);
  }
};

absl::StatusOr<Workshop> make_workshop(const SampleOptions& options) {
  LT_ASSIGN_OR_RETURN(auto maker, detail::make_maker(options.kind, options.seed));
  if (options.count < 0 || (options.kind == "parcels" && options.count > kMaxSampleParcels)) {
    return make_error(absl::StatusCode::kInvalidArgument, "SAMPLE_TOO_LARGE",
                      fmt::format("a sample of {} has 0 to {} features", options.kind, kMaxSampleParcels));
  }
  LT_ASSIGN_OR_RETURN(const std::string crs, sample_crs(options));
  LT_ASSIGN_OR_RETURN(auto grid, detail::SampleGrid::create(options, crs));
  LT_ASSIGN_OR_RETURN(auto schema, sample_schema(options.kind, crs));
  return Workshop{std::move(maker), grid, std::move(schema)};
}

/// The edits of one round, by index.
struct Planned {
  ChangeOp op = ChangeOp::kUpdate;
  std::int64_t index = 0;
};

/// Which features were touched by the rounds so far.
class History {
 public:
  History(std::uint64_t seed, std::int64_t count, std::int64_t edits) : seed_(seed), total_(count), edits_(edits) {}

  std::vector<Planned> next_round() {
    ++version_;
    constexpr std::int64_t kTenth = 10, kHalf = 5;
    const std::int64_t deletes = (edits_ + kHalf) / kTenth;
    const std::int64_t inserts = (edits_ * 2 + kHalf) / kTenth;
    std::vector<std::int64_t> chosen = choose(edits_ - inserts);
    std::vector<Planned> plan;
    const auto found = static_cast<std::int64_t>(chosen.size());
    for (std::int64_t i = 0; i < found; ++i) {
      // Deletes are spread evenly over the places.
      const bool remove = (i + 1) * deletes / found != i * deletes / found;
      plan.push_back({remove ? ChangeOp::kDelete : ChangeOp::kUpdate, chosen[static_cast<std::size_t>(i)]});
    }
    for (std::int64_t i = found; i < edits_; ++i) plan.push_back({ChangeOp::kInsert, total_++});
    remember(plan);
    return plan;
  }

  /// Versions that updated `index`, ascending.
  [[nodiscard]] const std::vector<int>* updates(std::int64_t index) const {
    const auto it = updates_.find(index);
    return it == updates_.end() ? nullptr : &it->second;
  }

 private:
  std::vector<std::int64_t> choose(std::int64_t wanted) {
    std::vector<std::int64_t> chosen;
    if (total_ == 0) return chosen;
    absl::flat_hash_set<std::int64_t> taken;
    const auto take = [&](std::int64_t index) {
      if (static_cast<std::int64_t>(chosen.size()) >= wanted || deleted_.contains(index)) return;
      if (taken.insert(index).second) chosen.push_back(index);
    };
    Random r = Random::of(seed_, kHistoryStream, version_);
    // Places that were changed before have fewer features left: some more tries than places needed.
    const std::int64_t tries = 4 * (wanted / kClusterSize + 1);
    for (std::int64_t i = 0; i < tries; ++i) {
      const std::int64_t first = r.below(total_);
      for (std::int64_t k = 0; k < kClusterSize; ++k) take((first + k) % total_);
    }
    if (static_cast<std::int64_t>(chosen.size()) < wanted) {
      for (std::int64_t i = 0; i < total_; ++i) take(i);
    }
    return chosen;
  }

  void remember(const std::vector<Planned>& plan) {
    for (const auto& p : plan) {
      if (p.op == ChangeOp::kDelete) deleted_.insert(p.index);
      if (p.op == ChangeOp::kUpdate) updates_[p.index].push_back(version_);
    }
  }

  std::uint64_t seed_;
  std::int64_t total_;  ///< features ever made
  std::int64_t edits_;
  int version_ = 0;
  absl::flat_hash_set<std::int64_t> deleted_;
  absl::flat_hash_map<std::int64_t, std::vector<int>> updates_;
};

}  // namespace

absl::StatusOr<feature::Schema> sample_schema(std::string_view kind, std::string_view crs) {
  LT_ASSIGN_OR_RETURN(const auto maker, detail::make_maker(kind, 0));
  feature::Schema schema = maker->schema();
  schema.crs = crs;
  return schema;
}

absl::StatusOr<std::string> sample_crs(const SampleOptions& options) {
  const feature::Province* province = feature::find_province(options.province_code);
  if (province == nullptr) {
    return make_error(absl::StatusCode::kInvalidArgument, "PROVINCE_UNKNOWN",
                      fmt::format("there is no province '{}' in ADM-2025", options.province_code));
  }
  if (options.crs.empty()) return fmt::format("EPSG:{}", province->epsg);
  LT_ASSIGN_OR_RETURN(const geo::Crs crs, geo::find_crs(options.crs));
  return crs.id();
}

struct SampleGenerator::Impl {
  Workshop workshop;
  std::int64_t count = 0;
  std::int64_t at = 0;
};

SampleGenerator::SampleGenerator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SampleGenerator::SampleGenerator(SampleGenerator&&) noexcept = default;
SampleGenerator& SampleGenerator::operator=(SampleGenerator&&) noexcept = default;
SampleGenerator::~SampleGenerator() = default;

absl::StatusOr<SampleGenerator> SampleGenerator::create(const SampleOptions& options) {
  LT_ASSIGN_OR_RETURN(auto workshop, make_workshop(options));
  return SampleGenerator(std::make_unique<Impl>(Impl{std::move(workshop), options.count, 0}));
}

const feature::Schema& SampleGenerator::schema() const { return impl_->workshop.schema; }

absl::StatusOr<std::optional<SourceFeature>> SampleGenerator::next() {
  if (impl_->at >= impl_->count) return std::optional<SourceFeature>();
  const std::int64_t index = impl_->at++;
  SourceFeature feature;
  feature.id = impl_->workshop.id(index);
  feature.position = index + 1;
  LT_ASSIGN_OR_RETURN(feature.state, impl_->workshop.finish(impl_->workshop.maker->make(index)));
  return std::optional<SourceFeature>(std::move(feature));
}

struct SampleEdits::Impl {
  Workshop workshop;
  History history;
  std::vector<Planned> plan;
  std::size_t at = 0;
};

SampleEdits::SampleEdits(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SampleEdits::SampleEdits(SampleEdits&&) noexcept = default;
SampleEdits& SampleEdits::operator=(SampleEdits&&) noexcept = default;
SampleEdits::~SampleEdits() = default;

absl::StatusOr<SampleEdits> SampleEdits::create(const SampleOptions& options, int version, std::int64_t edits) {
  if (version < 1 || edits < 0) {
    return make_error(absl::StatusCode::kInvalidArgument, "SAMPLE_VERSION_INVALID",
                      "rounds of edits count from 1, and their number of edits from 0");
  }
  LT_ASSIGN_OR_RETURN(auto workshop, make_workshop(options));
  auto impl = std::make_unique<Impl>(Impl{std::move(workshop), History(options.seed, options.count, edits), {}, 0});
  for (int i = 0; i < version; ++i) impl->plan = impl->history.next_round();
  return SampleEdits(std::move(impl));
}

const feature::Schema& SampleEdits::schema() const { return impl_->workshop.schema; }

absl::StatusOr<std::optional<SampleEdit>> SampleEdits::next() {
  if (impl_->at >= impl_->plan.size()) return std::optional<SampleEdit>();
  const Planned planned = impl_->plan[impl_->at++];
  const Workshop& workshop = impl_->workshop;
  SampleEdit edit{planned.op, workshop.id(planned.index), {}};
  if (planned.op == ChangeOp::kDelete) return std::optional<SampleEdit>(std::move(edit));
  Draft draft = workshop.maker->make(planned.index);
  if (planned.op == ChangeOp::kUpdate) {
    for (const int version : *impl_->history.updates(planned.index)) {
      workshop.maker->change(draft, planned.index, version);
    }
  }
  LT_ASSIGN_OR_RETURN(edit.state, workshop.finish(std::move(draft)));
  return std::optional<SampleEdit>(std::move(edit));
}

}  // namespace lt::sources
