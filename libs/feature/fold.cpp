#include "feature/fold.hpp"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

namespace lt::feature {
namespace {

constexpr UChar32 kSmallD = 0x0111;  // đ: a letter of its own, not a d with a mark

// Base letters alone, one space for any white space within.
icu::UnicodeString bare(const icu::UnicodeString& decomposed) {
  icu::UnicodeString out;
  bool space = false;
  for (std::int32_t i = 0; i < decomposed.length(); i = decomposed.moveIndex32(i, 1)) {
    const UChar32 c = decomposed.char32At(i);
    if (u_charType(c) == U_NON_SPACING_MARK) continue;
    if (u_isUWhiteSpace(c) != 0) {
      space = !out.isEmpty();
      continue;
    }
    if (space) out.append(static_cast<UChar32>(' '));
    space = false;
    out.append(c == kSmallD ? static_cast<UChar32>('d') : c);
  }
  return out;
}

}  // namespace

std::string fold_name(std::string_view name) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* const normalizer = icu::Normalizer2::getNFDInstance(error);
  icu::UnicodeString text =
      icu::UnicodeString::fromUTF8(icu::StringPiece(name.data(), static_cast<std::int32_t>(name.size())));
  text.foldCase();
  if (U_SUCCESS(error)) text = normalizer->normalize(text, error);
  std::string out;
  bare(text).toUTF8String(out);
  return out;
}

}  // namespace lt::feature
