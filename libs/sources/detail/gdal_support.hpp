// The few things that everything on GDAL needs: drivers, messages of this thread, CRS. Only for .cpp files of this
// library: GDAL's headers stay out of the public ones.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <gdal.h>
#include <ogr_api.h>
#include <ogr_srs_api.h>

namespace lt::sources::detail {

/// Collects what GDAL says in this thread while it lives; nothing goes to standard error. Nests.
class GdalErrors {
 public:
  GdalErrors();
  ~GdalErrors();
  GdalErrors(const GdalErrors&) = delete;
  GdalErrors& operator=(const GdalErrors&) = delete;

  [[nodiscard]] bool failed() const { return !failures_.empty(); }
  /// The failures, or the warnings if there are none, joined; "no reason given" without any.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  static void CPL_STDCALL handle(CPLErr kind, CPLErrorNum number, const char* message);
  std::vector<std::string> failures_;
  std::vector<std::string> warnings_;
};

/// Registers GDAL's drivers once. Call before anything else of GDAL.
void use_gdal();

/// Short names of the drivers that may open a source: those of files. Databases, web services and VRT (which names
/// further files and URLs) are left out, so that a hostile file cannot reach elsewhere. Ends with nullptr.
[[nodiscard]] const char* const* file_drivers();

struct CloseDataset {
  void operator()(GDALDatasetH dataset) const { GDALClose(dataset); }
};
using Dataset = std::unique_ptr<void, CloseDataset>;

struct DestroyFeature {
  void operator()(OGRFeatureH feature) const { OGR_F_Destroy(feature); }
};
using OgrFeature = std::unique_ptr<std::remove_pointer_t<OGRFeatureH>, DestroyFeature>;

struct DestroyGeometry {
  void operator()(OGRGeometryH geometry) const { OGR_G_DestroyGeometry(geometry); }
};
using OgrGeometry = std::unique_ptr<std::remove_pointer_t<OGRGeometryH>, DestroyGeometry>;

struct ReleaseSrs {
  void operator()(OGRSpatialReferenceH srs) const { OSRRelease(srs); }
};
using Srs = std::unique_ptr<std::remove_pointer_t<OGRSpatialReferenceH>, ReleaseSrs>;

/// "EPSG:n" of a file's CRS: its own code, else PROJ's match with confidence >= 90 that the exchange knows.
/// Errors: INVALID_ARGUMENT CRS_MISSING, CRS_UNKNOWN, CRS_DEPRECATED.
[[nodiscard]] absl::StatusOr<std::string> epsg_of(OGRSpatialReferenceH srs);

/// True when the coordinates that GDAL delivers have y (north) first and must be swapped.
[[nodiscard]] bool north_comes_first(OGRSpatialReferenceH srs);

/// "EPSG:n" as GDAL's object, x = easting or longitude first.
[[nodiscard]] absl::StatusOr<Srs> make_srs(int epsg);

}  // namespace lt::sources::detail
