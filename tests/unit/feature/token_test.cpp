#include "feature/token.hpp"

#include <limits>

#include <catch2/catch.hpp>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "feature/receipt.hpp"
#include "generators.hpp"

namespace lt::feature {
namespace {

ResumeToken diff_token() {
  return {AnswerKind::kDiff, "uid-1", 3,  9, std::string(64, 'a'), std::string(64, 'b'), true, 7,
          "QL1-7 'é'",       42,      "", ""};
}

ResumeToken random_token(test::Random& random) {
  const auto digest = [&] { return to_hex(view(sha256(std::to_string(random.bits())))); };
  ResumeToken token;
  token.kind = static_cast<AnswerKind>(1 + random.below(3));
  token.dataset_uid = "uid-" + std::to_string(random.below(1000));
  token.to = 1 + static_cast<std::int64_t>(random.bits() >> 2);
  token.to_digest = digest();
  if (token.kind != AnswerKind::kSnapshot) {
    token.from = random.one_in(3) ? 0 : static_cast<std::int64_t>(random.bits()) & (token.to - 1);
    token.last_version = token.to;
  }
  if (token.from > 0) token.from_digest = digest();
  token.include_before = token.kind == AnswerKind::kDiff && random.one_in(2);
  token.last_id = std::string(1 + random.below(128), 'x');
  token.count = 1 + static_cast<std::int64_t>(random.bits() >> 2);
  if (random.one_in(2)) token.view = token.from_view = "view-" + std::to_string(random.below(9));
  if (token.kind == AnswerKind::kDiff && random.one_in(2)) {
    token.from_view = "another";
    token.last_version = 0;
  }
  return token;
}

std::string reason_of(std::string_view text) {
  const auto token = decode_resume_token(text);
  if (token.ok()) return "OK";
  CHECK(token.status().code() == absl::StatusCode::kInvalidArgument);
  return error_reason(token.status());
}

// With a right checksum, so that only the content is judged.
std::string text_of(std::string bytes) {
  bytes.append(view(sha256(bytes)).substr(0, 4));
  return to_base64url(bytes);
}

}  // namespace

TEST_CASE("resume tokens survive their text, which stands in a URL or a shell unquoted") {
  CHECK(decode_resume_token(encode_resume_token(diff_token())).value() == diff_token());
  test::Random random(7);
  for (int n = 0; n < 200; ++n) {
    const ResumeToken token = random_token(random);
    const std::string text = encode_resume_token(token);
    REQUIRE(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
            std::string::npos);
    const auto back = decode_resume_token(text);
    REQUIRE(back.ok());
    REQUIRE(*back == token);
  }
}

TEST_CASE("a resume token with any byte changed, cut or added is refused") {
  const std::string text = encode_resume_token(diff_token());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    REQUIRE(reason_of(changed) == "TOKEN_MALFORMED");
    REQUIRE(reason_of(text.substr(0, i)) == "TOKEN_MALFORMED");
  }
  CHECK(reason_of(text + "A") == "TOKEN_MALFORMED");
  CHECK(reason_of(text + "=") == "TOKEN_MALFORMED");
  CHECK(reason_of(" " + text) == "TOKEN_MALFORMED");
  CHECK(reason_of(std::string(100'000, 'A')) == "TOKEN_MALFORMED");
  CHECK(reason_of(text_of("")) == "TOKEN_MALFORMED");
}

TEST_CASE("a cursor is no resume token, and a resume token no cursor") {
  CHECK(reason_of(encode_cursor({"", {{"uid-1", 3, std::string(64, 'a')}}})) == "TOKEN_MALFORMED");
  CHECK(error_reason(decode_cursor(encode_resume_token(diff_token())).status()) == "CURSOR_MALFORMED");
}

TEST_CASE("a resume token that does not fit together is refused, whatever its checksum says") {
  ResumeToken token = diff_token();
  SECTION("backwards") { token.from = 10; }
  SECTION("the entry before the range") { token.last_version = 3; }
  SECTION("the entry after the range") { token.last_version = 10; }
  SECTION("no entry") { token.count = 0; }
  SECTION("no dataset") { token.dataset_uid.clear(); }
  SECTION("no feature") { token.last_id.clear(); }
  SECTION("an id too long") { token.last_id = std::string(129, 'x'); }
  SECTION("an id with U+0000") { token.last_id = std::string("a\0b", 3); }
  SECTION("an id that is not UTF-8") { token.last_id = "\xff"; }
  SECTION("changes with states before") { token.kind = AnswerKind::kChanges; }
  SECTION("a snapshot of a range") { token.kind = AnswerKind::kSnapshot; }
  SECTION("an unknown kind") { token.kind = static_cast<AnswerKind>(4); }
  SECTION("a negative number") { token.count = std::numeric_limits<std::int64_t>::min(); }
  CHECK(reason_of(encode_resume_token(token)) == "TOKEN_MALFORMED");
}

}  // namespace lt::feature
