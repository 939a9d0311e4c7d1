// The values of a filter as parameters of its SQL.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "feature/filter.hpp"
#include "pg/params.hpp"

namespace lt::storage {

struct AddFilterValue {
  pg::Params& params;
  void operator()(const feature::UtcTime& time) const { params.add_timestamp_us(time.us); }
  void operator()(const std::vector<std::int64_t>& list) const { params.add_int8_array(list); }
  void operator()(const std::vector<std::string>& list) const { params.add_text_array(list); }
  template <typename Plain>
  void operator()(const Plain& value) const {
    params.add(value);
  }
};

/// Adds $first_parameter, $first_parameter+1, ... of SqlColumns.
inline void add_filter_values(pg::Params& params, const feature::SqlFilter& filter) {
  for (const auto& value : filter.values) std::visit(AddFilterValue{params}, value);
}

}  // namespace lt::storage
