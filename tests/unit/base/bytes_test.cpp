#include "base/bytes.hpp"

#include <limits>

#include <catch2/catch.hpp>

namespace {

std::string uvarint(std::uint64_t value) {
  std::string out;
  lt::append_uvarint(out, value);
  return out;
}

}  // namespace

TEST_CASE("hexadecimal is written in lower case and read in both") {
  CHECK(lt::to_hex("") == "");
  CHECK(lt::to_hex(std::string_view("\x00\x7f\xff", 3)) == "007fff");
  CHECK(*lt::from_hex("007FfF") == std::string("\x00\x7f\xff", 3));
  CHECK(lt::from_hex("")->empty());
  CHECK_FALSE(lt::from_hex("0"));
  CHECK_FALSE(lt::from_hex("0g"));
  CHECK_FALSE(lt::from_hex("0x10"));
}

TEST_CASE("base64 gives the test vectors of RFC 4648") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    CHECK(lt::to_base64(plain) == encoded);
    CHECK(*lt::from_base64(encoded) == plain);
  }
  CHECK(*lt::from_base64("Zg") == "f");
  CHECK(lt::to_base64("\xfb\xff") == "+/8=");
  CHECK(lt::to_base64url("\xfb\xff") == "-_8");
  CHECK(*lt::from_base64("-_8") == "\xfb\xff");
  CHECK(*lt::from_base64("+/8=") == "\xfb\xff");
  CHECK_FALSE(lt::from_base64("Z"));
  CHECK_FALSE(lt::from_base64("Zm9v!"));
  CHECK_FALSE(lt::from_base64("+_8="));
}

TEST_CASE("is_utf8 accepts the ends of every range") {
  for (const std::string& text :
       {std::string(), std::string("\x00", 1), std::string("\x7f"), std::string("\xC2\x80"), std::string("\xDF\xBF"),
        std::string("\xE0\xA0\x80"), std::string("\xED\x9F\xBF"), std::string("\xEE\x80\x80"),
        std::string("\xEF\xBF\xBF"), std::string("\xF0\x90\x80\x80"), std::string("\xF4\x8F\xBF\xBF"),
        std::string("Đường bộ cao tốc")}) {
    INFO(lt::to_hex(text));
    CHECK(lt::is_utf8(text));
  }
}

TEST_CASE("is_utf8 refuses overlong forms, surrogates, broken and cut sequences") {
  for (const char* text : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
                           "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF", "\xC2",
                           "\xE1\x80", "\xF1\x80\x80", "\xC2\x41", "\xE1\x80\x41", "a\xF1\x80\x80\x41", "ok\xC2"}) {
    INFO(lt::to_hex(text));
    CHECK_FALSE(lt::is_utf8(text));
  }
}

TEST_CASE("utf8_length counts code points") {
  CHECK(lt::utf8_length("") == 0);
  CHECK(lt::utf8_length("abc") == 3);
  CHECK(lt::utf8_length("Đường") == 5);
  CHECK(lt::utf8_length("\xF0\x9F\x98\x80") == 1);
}

TEST_CASE("sha256 gives the vectors of FIPS 180 in one piece and in several") {
  CHECK(lt::to_hex(lt::view(lt::sha256(""))) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(lt::to_hex(lt::view(lt::sha256("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  lt::Sha256 hash;
  CHECK(hash.update("a").update("").update("bc").finish() == lt::sha256("abc"));
  CHECK(hash.finish() == lt::sha256(""));
}

TEST_CASE("digest_from_bytes takes 32 bytes only") {
  const auto digest = lt::sha256("x");
  CHECK(*lt::digest_from_bytes(lt::view(digest)) == digest);
  CHECK_FALSE(lt::digest_from_bytes(std::string(31, 'a')));
  CHECK_FALSE(lt::digest_from_bytes(std::string(33, 'a')));
  CHECK_FALSE(lt::digest_from_bytes(""));
}

TEST_CASE("fixed-width integers are little-endian") {
  std::string out;
  lt::append_u16(out, 0x0102);
  lt::append_u32(out, 0x01020304);
  lt::append_u64(out, 0x0102030405060708ULL);
  CHECK(lt::to_hex(out) ==
        "0201"
        "04030201"
        "0807060504030201");
  lt::ByteReader reader(out);
  CHECK(reader.u16() == 0x0102);
  CHECK(reader.u32() == 0x01020304U);
  CHECK(reader.u64() == 0x0102030405060708ULL);
  CHECK(reader.at_end());
}

TEST_CASE("uvarint reads back at the borders of its lengths") {
  CHECK(lt::to_hex(uvarint(0)) == "00");
  CHECK(lt::to_hex(uvarint(127)) == "7f");
  CHECK(lt::to_hex(uvarint(128)) == "8001");
  CHECK(lt::to_hex(uvarint(300)) == "ac02");
  CHECK(uvarint(std::numeric_limits<std::uint64_t>::max()).size() == 10);
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1}) {
      lt::ByteReader reader(std::string_view{});
      const std::string bytes = uvarint(value);
      reader = lt::ByteReader(bytes);
      CHECK(reader.uvarint() == value);
      CHECK(reader.at_end());
    }
  }
}

TEST_CASE("a reader refuses overlong, too large and cut uvarints and stays failed") {
  for (const std::string_view bytes :
       {std::string_view("\x80\x00", 2), std::string_view("\xff\x00", 2), std::string_view("\x80", 1),
        std::string_view(), std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10),
        std::string_view("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11)}) {
    INFO(lt::to_hex(bytes));
    lt::ByteReader reader(bytes);
    CHECK_FALSE(reader.uvarint());
    CHECK_FALSE(reader.at_end());
    CHECK_FALSE(reader.take(0));
  }
}

TEST_CASE("a reader never reads past the end") {
  std::string out;
  lt::append_bytes(out, "abc");
  lt::ByteReader whole(out);
  CHECK(whole.bytes() == "abc");
  CHECK(whole.at_end());
  lt::ByteReader cut(std::string_view(out).substr(0, 3));
  CHECK_FALSE(cut.bytes());
  CHECK_FALSE(cut.u8());
  std::string huge;
  lt::append_uvarint(huge, std::numeric_limits<std::uint64_t>::max());
  lt::ByteReader hostile(huge);
  CHECK_FALSE(hostile.bytes());
  lt::ByteReader three("abc");
  CHECK(three.remaining() == 3);
  CHECK_FALSE(three.u32());
}
