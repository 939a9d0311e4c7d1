// Names as people type them: without regard to case and diacritics.
#pragma once

#include <string>
#include <string_view>

namespace lt::feature {

/// Lower case without diacritics, white space at the ends and doubled: "  Kiên  Giang" and "KIEN GIANG" are both "kien
/// giang"; đ becomes d. Only for finding names, never for comparing data. Malformed UTF-8 becomes U+FFFD.
[[nodiscard]] std::string fold_name(std::string_view name);

}  // namespace lt::feature
