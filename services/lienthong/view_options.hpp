// What to see of a dataset, on the command line.
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "lienthong/v1/exchange_service.pb.h"

namespace lt::cli {

struct ViewOptions {
  std::string area;
  std::string area_wkt;
  std::string filter;
  std::string columns;  ///< with commas
  std::string crs;

  /// Nothing when none of them is given.
  [[nodiscard]] std::optional<lienthong::v1::View> view() const;
};

/// --area, --area-wkt, --filter, --columns and --crs. `options` must outlive the parsing.
void add_view_options(CLI::App& verb, ViewOptions& options);

}  // namespace lt::cli
