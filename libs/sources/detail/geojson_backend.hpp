// GeoJSON in all its forms, read feature by feature from its text.
#pragma once

#include <memory>

#include "sources/detail/backend.hpp"
#include "sources/detail/byte_source.hpp"
#include "sources/detail/json_cutter.hpp"

namespace lt::sources::detail {

/// The member of a feature that holds a geometry which GeoJSON cannot: hexadecimal WKB (docs/cli.md).
inline constexpr char kWkbMember[] = "lt_wkb";

class GeoJsonBackend final : public Backend {
 public:
  /// Reads up to the first feature, so that another kind of file is refused here.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Backend>> open(const ReadOptions& options,
                                                                     std::unique_ptr<ByteSource> source);

  [[nodiscard]] const std::string& crs() const override { return crs_; }
  [[nodiscard]] absl::StatusOr<InferredSchema> infer_schema() override;
  [[nodiscard]] absl::Status bind(const feature::Schema& schema) override;
  [[nodiscard]] bool bound() const override { return schema_.has_value(); }
  [[nodiscard]] absl::StatusOr<std::optional<SourceFeature>> next() override;
  [[nodiscard]] std::optional<std::int64_t> count_hint() const override { return std::nullopt; }
  [[nodiscard]] absl::Status rewind() override;
  [[nodiscard]] const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  /// The members of a feature that matter, as text; empty = absent.
  struct RawFeature {
    std::string type, id, geometry, properties, wkb;
  };

  GeoJsonBackend(const ReadOptions& options, std::unique_ptr<ByteSource> source);
  [[nodiscard]] absl::StatusOr<std::optional<RawFeature>> next_raw();
  [[nodiscard]] absl::StatusOr<std::optional<RawFeature>> next_in_collection();
  [[nodiscard]] absl::StatusOr<std::optional<RawFeature>> next_at_top();
  [[nodiscard]] absl::Status enter_collection(const std::vector<JsonMember>& before);
  [[nodiscard]] absl::Status leave_collection();
  [[nodiscard]] absl::Status use_crs_member(const std::string& text, bool before_features);
  [[nodiscard]] absl::StatusOr<RawFeature> to_raw(std::vector<JsonMember> members) const;
  [[nodiscard]] absl::StatusOr<std::optional<geo::Geometry>> read_geometry(const RawFeature& raw) const;
  [[nodiscard]] absl::StatusOr<std::string> read_id(const RawFeature& raw, const nlohmann::json& properties);
  [[nodiscard]] absl::Status read_properties(const nlohmann::json& properties, SourceFeature& out, Place& place) const;
  [[nodiscard]] absl::Status no_ids();

  std::string file_, id_field_, crs_;
  bool crs_given_ = false;
  JsonCutter cutter_;
  bool in_collection_ = false, first_element_ = true;
  std::int64_t position_ = 0;
  std::optional<feature::Schema> schema_;
  std::vector<std::string> warnings_;
};

}  // namespace lt::sources::detail
