#include "geo/crs.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "geo/detail/proj.hpp"
#include "geo/detail/text.hpp"
#include "geo/vn2000.hpp"

namespace lt::geo {
namespace {

using detail::ProjObject;

constexpr int kVn2000 = 4756;
constexpr Box kWholeWorld{-180, -90, 180, 90};
// Plausible ranges of VN-2000 grids in metres: docs/data-model.md. Northings include the archipelagos.
constexpr double kMinNorthing = 480'000;
constexpr double kMaxNorthing = 2'650'000;
constexpr Box kTm3Range{200'000, kMinNorthing, 800'000, kMaxNorthing};
constexpr Box kUtmRange{160'000, kMinNorthing, 840'000, kMaxNorthing};
// No projected CRS puts the Earth further out than its circumference (4e7 m) in the smallest unit in use (feet).
constexpr double kAnywhere = 2e8;

// 6956..6959 repeat 5896..5899 with false easting and northing exchanged.
constexpr int kFirstSwapped = 6956;
constexpr int kLastSwapped = 6959;
constexpr int kSwappedOffset = 6956 - 5896;

absl::Status unknown(std::string_view message) {
  return make_error(absl::StatusCode::kInvalidArgument, "CRS_UNKNOWN", message);
}

bool take_prefix(std::string_view& text, std::string_view upper_prefix) {
  if (text.size() < upper_prefix.size()) return false;
  for (std::size_t i = 0; i < upper_prefix.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c) != upper_prefix[i]) return false;
  }
  text.remove_prefix(upper_prefix.size());
  return true;
}

std::optional<int> parse_code(std::string_view id) {
  if (!take_prefix(id, "URN:OGC:DEF:CRS:EPSG::")) take_prefix(id, "EPSG:");
  if (id.empty() || !std::all_of(id.begin(), id.end(), detail::is_digit)) return std::nullopt;
  int code = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), code);
  if (error != std::errc() || end != id.data() + id.size()) return std::nullopt;
  return code;
}

// Codes that PROJ gives instead, as "EPSG:5896" or "EPSG:1 or EPSG:2"; may be empty.
std::string replacements(PJ_CONTEXT* context, int epsg, const PJ* crs) {
  if (epsg >= kFirstSwapped && epsg <= kLastSwapped) return fmt::format("EPSG:{}", epsg - kSwappedOffset);
  const detail::ProjList list(proj_get_non_deprecated(context, crs));
  std::string out;
  for (int i = 0; list && i < proj_list_get_count(list.get()); ++i) {
    const ProjObject item(proj_list_get(context, list.get(), i));
    const char* code = item ? proj_get_id_code(item.get(), 0) : nullptr;
    if (code == nullptr) continue;
    if (!out.empty()) out += " or ";
    out += fmt::format("{}:{}", proj_get_id_auth_name(item.get(), 0), code);
  }
  return out;
}

absl::Status check_deprecated(PJ_CONTEXT* context, int epsg, const PJ* crs) {
  if (proj_is_deprecated(crs) == 0) return absl::OkStatus();
  const std::string instead = replacements(context, epsg, crs);
  const std::string hint = instead.empty() ? "choose a current one" : "use " + instead + " instead";
  return make_error(absl::StatusCode::kInvalidArgument, "CRS_DEPRECATED",
                    fmt::format("EPSG:{} is deprecated; {}", epsg, hint), {{"crs", fmt::format("EPSG:{}", epsg)}});
}

// Axes that can be put into the order easting (longitude), northing (latitude): anything else has another x.
absl::Status check_axes(PJ_CONTEXT* context, int epsg, const PJ* crs, bool geographic) {
  const ProjObject system(proj_crs_get_coordinate_system(context, crs));
  if (!system || proj_cs_get_axis_count(context, system.get()) != 2) {
    return unknown(fmt::format("EPSG:{} is not two-dimensional; choose a geographic 2D or projected CRS", epsg));
  }
  std::array<std::string_view, 2> directions;
  std::string_view unit;
  for (int i = 0; i < 2; ++i) {
    const char* direction = "";
    const char* unit_name = "";
    proj_cs_get_axis_info(context, system.get(), i, nullptr, nullptr, &direction, nullptr, &unit_name, nullptr,
                          nullptr);
    directions[static_cast<std::size_t>(i)] = direction;
    unit = unit_name;
  }
  const bool polar =
      !geographic && directions[0] == directions[1] && (directions[0] == "north" || directions[0] == "south");
  std::sort(directions.begin(), directions.end());
  if (!polar && (directions[0] != "east" || directions[1] != "north")) {
    return unknown(fmt::format("axes of EPSG:{} do not point east and north; transform the data first", epsg));
  }
  if (geographic && unit != "degree") {
    return unknown(fmt::format("EPSG:{} is not in degrees; transform the data first", epsg));
  }
  return absl::OkStatus();
}

bool is_epsg(const PJ* object, int epsg) {
  const char* authority = object != nullptr ? proj_get_id_auth_name(object, 0) : nullptr;
  const char* code = object != nullptr ? proj_get_id_code(object, 0) : nullptr;
  return authority != nullptr && code != nullptr && std::string_view(authority) == "EPSG" &&
         code == std::to_string(epsg);
}

Box plausible_box(const Crs& crs) {
  if (crs.geographic) return crs.vn2000 ? kVietnam : kWholeWorld;
  if (!crs.vn2000) return {-kAnywhere, -kAnywhere, kAnywhere, kAnywhere};
  return crs.name.find("UTM") != std::string::npos ? kUtmRange : kTm3Range;
}

absl::StatusOr<Crs> load_crs(PJ_CONTEXT* context, int epsg) {
  const ProjObject object = detail::make_crs(context, epsg);
  if (!object) return unknown(fmt::format("EPSG:{} is not a CRS of the EPSG registry", epsg));
  const PJ_TYPE type = proj_get_type(object.get());
  const bool geographic = type == PJ_TYPE_GEOGRAPHIC_2D_CRS;
  if (!geographic && type != PJ_TYPE_PROJECTED_CRS) {
    return unknown(fmt::format("EPSG:{} is not a horizontal CRS; choose a geographic 2D or projected one", epsg));
  }
  LT_RETURN_IF_ERROR(check_deprecated(context, epsg, object.get()));
  LT_RETURN_IF_ERROR(check_axes(context, epsg, object.get(), geographic));
  const ProjObject base(proj_crs_get_geodetic_crs(context, object.get()));
  Crs crs{epsg, proj_get_name(object.get()), geographic, is_epsg(base.get(), kVn2000), {}};
  crs.plausible = plausible_box(crs);
  return crs;
}

// What was found, for the life of the process: at most as many entries as EPSG has codes.
struct Cache {
  std::mutex mutex;
  detail::ProjContext context = detail::make_proj_context();
  std::map<int, Crs> found;
};

}  // namespace

ProjObject detail::make_crs(PJ_CONTEXT* context, int epsg) {
  return ProjObject(
      proj_create_from_database(context, "EPSG", std::to_string(epsg).c_str(), PJ_CATEGORY_CRS, 0, nullptr));
}

std::string Crs::id() const { return fmt::format("EPSG:{}", epsg); }

absl::StatusOr<Crs> find_crs(std::string_view id) {
  const std::optional<int> code = parse_code(id);
  if (!code) return unknown("a CRS is named by its EPSG code, such as EPSG:9210");
  static Cache cache;
  const std::lock_guard lock(cache.mutex);
  if (const auto it = cache.found.find(*code); it != cache.found.end()) return it->second;
  LT_ASSIGN_OR_RETURN(const Crs crs, load_crs(cache.context.get(), *code));
  cache.found.emplace(*code, crs);
  return crs;
}

const std::vector<int>& vn2000_codes() {
  static const std::vector<int> codes = [] {
    std::vector<int> all;
    for (const Vn2000System& system : vn2000_systems()) all.push_back(system.epsg);
    return all;
  }();
  return codes;
}

}  // namespace lt::geo
