#include "lienthong/view_options.hpp"

#include <absl/strings/str_split.h>

namespace lt::cli {

std::optional<lienthong::v1::View> ViewOptions::view() const {
  lienthong::v1::View view;
  view.set_area(area);
  view.set_area_wkt(area_wkt);
  view.set_filter(filter);
  view.set_crs(crs);
  for (const auto name : absl::StrSplit(columns, ',', absl::SkipWhitespace())) {
    view.add_columns(std::string(absl::StripAsciiWhitespace(name)));
  }
  if (view.ByteSizeLong() == 0) return std::nullopt;
  return view;
}

void add_view_options(CLI::App& verb, ViewOptions& options) {
  auto* const area = verb.add_option("--area", options.area, "only what is inside an area: LIST:CODE, ADM-2025:91");
  verb.add_option("--area-wkt", options.area_wkt,
                  "only what is inside a polygon in the dataset's CRS; SRID=n; before it for another")
      ->excludes(area);
  verb.add_option("--filter", options.filter, "only what this CQL2 text holds for: \"lanes >= 2 AND name LIKE 'Q%'\"");
  verb.add_option("--columns", options.columns, "only these properties, with commas between them; geometry always");
  verb.add_option("--crs", options.crs, "coordinates in this CRS: EPSG:9210");
}

}  // namespace lt::cli
