#include "wire/parts.hpp"

#include "base/bytes.hpp"
#include "wire_support.hpp"

namespace {

using lienthong::v1::FeaturePart;
using lt::wire::PartAssembler;
using lt::wire::split_into_parts;

std::string text_of(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

// What the assembler makes of the pieces: the message after the last one, or the first error.
absl::StatusOr<std::string> assemble(PartAssembler& assembler, const std::vector<FeaturePart>& parts) {
  for (const auto& part : parts) {
    LT_ASSIGN_OR_RETURN(auto whole, assembler.add(part));
    if (whole) return *whole;
  }
  return assembler.check_complete();
}

absl::Status error_of(const std::vector<FeaturePart>& parts, std::int64_t max = lt::wire::kDefaultMaxFeatureBytes) {
  PartAssembler assembler(max);
  return assemble(assembler, parts).status();
}

TEST_CASE("pieces of any size make up the message again") {
  const std::size_t size = GENERATE(std::size_t{1}, std::size_t{9}, std::size_t{10}, std::size_t{11}, std::size_t{25});
  const std::string message = text_of(size);
  const auto parts = split_into_parts(message, 4, 10);
  CHECK(parts.size() == (size + 9) / 10);
  PartAssembler assembler;
  const auto whole = assemble(assembler, parts);
  REQUIRE(whole.ok());
  CHECK(*whole == message);
  CHECK_FALSE(assembler.in_progress());
}

TEST_CASE("pieces may be cut one at a time, each of another size") {
  const std::string message = text_of(100);
  PartAssembler assembler;
  std::size_t offset = 0;
  for (const std::size_t size : {std::size_t{1}, std::size_t{40}, std::size_t{58}}) {
    const auto part = lt::wire::make_part(message, 1, offset, size);
    CHECK(part.sha256().empty());
    CHECK_FALSE(*assembler.add(part));
    offset += part.bytes().size();
  }
  CHECK(offset == 99);
  CHECK(*assembler.add(lt::wire::make_part(message, 1, offset, 40)) == message);
}

TEST_CASE("one assembler takes one message after another") {
  PartAssembler assembler;
  CHECK(*assemble(assembler, split_into_parts("first message", 1, 4)) == "first message");
  CHECK(*assemble(assembler, split_into_parts("second", 2, 4)) == "second");
}

TEST_CASE("pieces carry sequence, offset and total, and the last one the hash") {
  const auto parts = split_into_parts("abcde", 7, 2);
  REQUIRE(parts.size() == 3);
  for (const auto& part : parts) {
    CHECK(part.sequence() == 7);
    CHECK(part.total() == 5);
  }
  CHECK(parts[1].offset() == 2);
  CHECK(parts[1].sha256().empty());
  CHECK(parts[2].bytes() == "e");
  CHECK(parts[2].sha256() == lt::view(lt::sha256("abcde")));
}

TEST_CASE("a piece is never larger than a receiver takes") {
  const auto parts = split_into_parts(text_of(lt::wire::kMaxPieceBytes + 1), 1, 64 << 20);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].bytes().size() == lt::wire::kMaxPieceBytes);
  CHECK(error_of(parts).ok());
}

TEST_CASE("a message at the limit passes, one byte more is too large and told from the first piece") {
  CHECK(error_of(split_into_parts(text_of(20), 1, 7), 20).ok());
  PartAssembler assembler(20);
  const auto status = assembler.add(split_into_parts(text_of(21), 1, 7).front()).status();
  CHECK(status.code() == absl::StatusCode::kResourceExhausted);
  CHECK(lt::error_reason(status) == "FEATURE_TOO_LARGE");
  CHECK(lt::wire_test::metadata_of(status, "limit") == "20");
}

TEST_CASE("pieces that do not continue are out of order") {
  auto parts = split_into_parts(text_of(30), 3, 10);
  SECTION("a gap") { parts.erase(parts.begin() + 1); }
  SECTION("a start in the middle") { parts.erase(parts.begin()); }
  SECTION("a piece twice") { parts.insert(parts.begin() + 1, parts[0]); }
  SECTION("another sequence in between") { parts[1].set_sequence(4); }
  SECTION("another total in between") { parts[1].set_total(29); }
  SECTION("a negative offset") { parts[0].set_offset(-1); }
  SECTION("an end before the last piece") { parts.pop_back(); }
  const auto status = error_of(parts);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(status) == "PART_OUT_OF_ORDER");
}

TEST_CASE("a piece that is no piece is malformed") {
  auto parts = split_into_parts(text_of(30), 3, 10);
  SECTION("an empty piece") { parts[1].clear_bytes(); }
  SECTION("a total of nothing") { parts[0].set_total(0); }
  SECTION("a negative total") { parts[0].set_total(-5); }
  SECTION("a piece past the total") { parts[2].set_bytes(text_of(11)); }
  SECTION("a hash before the last piece") { parts[0].set_sha256(parts[2].sha256()); }
  SECTION("a piece over 1 MiB") {
    parts[0].set_total(4 << 20);
    parts[0].set_bytes(text_of(lt::wire::kMaxPieceBytes + 1));
  }
  const auto status = error_of(parts);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(status) == "PART_MALFORMED");
}

TEST_CASE("the hash must be there and fit") {
  auto parts = split_into_parts(text_of(30), 3, 10);
  SECTION("missing") { parts[2].clear_sha256(); }
  SECTION("of something else") { parts[2].set_sha256(std::string(32, 'x')); }
  SECTION("cut short") { parts[2].mutable_sha256()->pop_back(); }
  SECTION("of bytes that changed on the way") { (*parts[1].mutable_bytes())[3] = '!'; }
  const auto status = error_of(parts);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(status) == "PART_HASH_MISMATCH");
}

TEST_CASE("an assembler knows when a message is incomplete") {
  PartAssembler assembler;
  CHECK_FALSE(assembler.in_progress());
  CHECK(assembler.check_complete().ok());
  const auto first = assembler.add(split_into_parts(text_of(30), 3, 10).front());
  REQUIRE(first.ok());
  CHECK_FALSE(first->has_value());
  CHECK(assembler.in_progress());
  CHECK(lt::error_reason(assembler.check_complete()) == "PART_OUT_OF_ORDER");
}

}  // namespace
