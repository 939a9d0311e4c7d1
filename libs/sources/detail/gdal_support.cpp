#include "sources/detail/gdal_support.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <absl/strings/match.h>
#include <cpl_conv.h>
#include <cpl_error.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/status.hpp"
#include "geo/crs.hpp"

namespace lt::sources::detail {
namespace {

constexpr std::size_t kKeptMessages = 20;
constexpr int kMinConfidence = 90;

// Not files, or files that name other places to read from.
constexpr std::array<std::string_view, 28> kRefusedDrivers{
    "OGR_VRT",      "VRT",      "Memory",        "HTTP",       "WFS",        "OAPIF",    "OGCAPI",
    "CSW",          "EEDA",     "EEDAI",         "PostgreSQL", "MySQL",      "ODBC",     "PGeo",
    "MSSQLSpatial", "OGR_OGDI", "Elasticsearch", "Carto",      "AmigoCloud", "PLSCENES", "NGW",
    "GPSBabel",     "GMLAS",    "CouchDB",       "Cloudant",   "GDALG",      "PDF",      "netCDF"};

std::vector<const char*> allowed_drivers() {
  std::vector<const char*> names;
  for (int i = 0; i < GDALGetDriverCount(); ++i) {
    const GDALDriverH driver = GDALGetDriver(i);
    const char* name = GDALGetDriverShortName(driver);
    const bool vector = GDALGetMetadataItem(driver, GDAL_DCAP_VECTOR, nullptr) != nullptr;
    const bool refused = std::find(kRefusedDrivers.begin(), kRefusedDrivers.end(), name) != kRefusedDrivers.end();
    if (vector && !refused) names.push_back(name);
  }
  names.push_back(nullptr);
  return names;
}

std::string authority(OGRSpatialReferenceH srs) {
  const char* name = OSRGetAuthorityName(srs, nullptr);
  const char* code = OSRGetAuthorityCode(srs, nullptr);
  if (name == nullptr || code == nullptr) return {};
  return fmt::format("{}:{}", name, code);
}

struct Matches {
  OGRSpatialReferenceH* list = nullptr;
  int* confidence = nullptr;
  int count = 0;
  explicit Matches(OGRSpatialReferenceH srs) { list = OSRFindMatches(srs, nullptr, &count, &confidence); }
  ~Matches() {
    OSRFreeSRSArray(list);
    CPLFree(confidence);
  }
  Matches(const Matches&) = delete;
  Matches& operator=(const Matches&) = delete;
};

std::string name_of(OGRSpatialReferenceH srs) {
  const char* name = OSRGetName(srs);
  return name == nullptr ? "unnamed" : name;
}

absl::Status missing(std::string_view why) {
  return make_error(absl::StatusCode::kInvalidArgument, "CRS_MISSING",
                    fmt::format("{}; declare it with --crs EPSG:n", why));
}

}  // namespace

GdalErrors::GdalErrors() { CPLPushErrorHandlerEx(&GdalErrors::handle, this); }
GdalErrors::~GdalErrors() {
  CPLPopErrorHandler();
  CPLErrorReset();
}

void CPL_STDCALL GdalErrors::handle(CPLErr kind, CPLErrorNum /*number*/, const char* message) {
  auto* self = static_cast<GdalErrors*>(CPLGetErrorHandlerUserData());
  if (self == nullptr || kind == CE_None || kind == CE_Debug) return;
  auto& list = kind == CE_Warning ? self->warnings_ : self->failures_;
  if (list.size() < kKeptMessages) list.emplace_back(message);
}

std::string GdalErrors::text() const {
  const auto& list = failures_.empty() ? warnings_ : failures_;
  return list.empty() ? std::string("no reason given") : fmt::format("{}", fmt::join(list, "; "));
}

void use_gdal() {
  static const bool once = [] {
    const GdalErrors quiet;
    GDALAllRegister();
    return true;
  }();
  static_cast<void>(once);
}

const char* const* file_drivers() {
  static const std::vector<const char*> names = allowed_drivers();
  return names.data();
}

absl::StatusOr<std::string> epsg_of(OGRSpatialReferenceH given) {
  if (given == nullptr) return missing("the file names no coordinate reference system");
  const Srs srs(OSRClone(given));
  if (OSRIsCompound(srs.get()) != 0) OSRStripVertical(srs.get());
  const std::string own = authority(srs.get());
  if (own == "OGC:CRS84") return std::string("EPSG:4326");
  if (absl::StartsWith(own, "EPSG:")) {
    LT_ASSIGN_OR_RETURN(const geo::Crs crs, geo::find_crs(own));
    return crs.id();
  }
  const Matches matches(srs.get());
  int best = 0;
  std::vector<std::string> found;
  for (int i = 0; i < matches.count; ++i) {
    if (matches.confidence[i] < kMinConfidence || matches.confidence[i] < best) continue;
    const auto crs = geo::find_crs(authority(matches.list[i]));
    if (!crs.ok()) continue;  // a deprecated twin, or not EPSG's
    if (matches.confidence[i] > best) found.clear();
    best = matches.confidence[i];
    found.push_back(crs->id());
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return missing(
        fmt::format("the file's coordinate reference system '{}' is none that EPSG knows", name_of(srs.get())));
  }
  return missing(fmt::format("the file's coordinate reference system '{}' could be any of {}", name_of(srs.get()),
                             fmt::join(found, ", ")));
}

bool north_comes_first(OGRSpatialReferenceH srs) {
  if (srs == nullptr) return false;
  int count = 0;
  const int* mapping = OSRGetDataAxisToSRSAxisMapping(srs, &count);
  if (mapping == nullptr || count < 2) return false;
  const bool srs_starts_north = OSREPSGTreatsAsLatLong(srs) != 0 || OSREPSGTreatsAsNorthingEasting(srs) != 0;
  return mapping[0] == (srs_starts_north ? 1 : 2);
}

absl::StatusOr<Srs> make_srs(int epsg) {
  const GdalErrors errors;
  Srs srs(OSRNewSpatialReference(nullptr));
  if (OSRImportFromEPSG(srs.get(), epsg) != OGRERR_NONE) {
    return make_error(absl::StatusCode::kInvalidArgument, "CRS_UNKNOWN",
                      fmt::format("GDAL does not know EPSG:{}: {}", epsg, errors.text()));
  }
  OSRSetAxisMappingStrategy(srs.get(), OAMS_TRADITIONAL_GIS_ORDER);
  return srs;
}

}  // namespace lt::sources::detail
