// SQL of the per-dataset tables: the files of sql/ with their two placeholders filled in.
#pragma once

#include <string>
#include <string_view>

namespace lt::storage {

/// `sql` with {N} = the dataset's number, {STAGED} = `staged`, {EFFECT} = `effect`. All come from this library, never
/// from a request.
[[nodiscard]] std::string sql_for(std::string_view sql, int dataset, std::string_view staged = {},
                                  std::string_view effect = {});

}  // namespace lt::storage
