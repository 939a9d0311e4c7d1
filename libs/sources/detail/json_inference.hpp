// Field types out of JSON values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "sources/gdal_reader.hpp"

namespace lt::sources::detail {

class JsonInference {
 public:
  /// `text`: the same object as it stands in the file, for the order of new names.
  void add(const nlohmann::json& properties, const std::string& text);
  /// Appends the fields, numbered by first appearance.
  void apply(InferredSchema& out) const;

 private:
  /// Which kinds of value a field has.
  struct Seen {
    bool boolean = false, integer = false, real = false, text = false, list = false, other = false;
    bool only_dates = true, only_timestamps = true;  ///< of the texts
  };
  static void look(const nlohmann::json& value, Seen& seen);
  void learn_names(const std::string& text);

  std::vector<std::string> order_;
  std::map<std::string, Seen> seen_;
};

}  // namespace lt::sources::detail
