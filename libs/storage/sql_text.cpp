#include "storage/sql_text.hpp"

#include <absl/strings/str_replace.h>

namespace lt::storage {

std::string sql_for(std::string_view sql, int dataset, std::string_view staged, std::string_view effect) {
  return absl::StrReplaceAll(absl::string_view(sql.data(), sql.size()),
                             {{"{N}", std::to_string(dataset)},
                              {"{STAGED}", absl::string_view(staged.data(), staged.size())},
                              {"{EFFECT}", absl::string_view(effect.data(), effect.size())}});
}

}  // namespace lt::storage
