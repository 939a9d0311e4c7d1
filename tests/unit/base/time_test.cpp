#include "base/time.hpp"

#include <chrono>

#include <catch2/catch.hpp>

#include "base/status.hpp"

namespace {

using lt::Rfc3339;

std::int64_t us_of(std::string_view text) {
  const auto value = lt::parse_rfc3339(text);
  REQUIRE(value.ok());
  return value->us;
}

void check_refused(std::string_view text) {
  INFO(text);
  const auto value = lt::parse_rfc3339(text);
  REQUIRE_FALSE(value.ok());
  CHECK(value.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(value.status()) == "TIMESTAMP_INVALID");
}

}  // namespace

TEST_CASE("parse_rfc3339 gives microseconds in UTC and keeps the offset") {
  CHECK(*lt::parse_rfc3339("1970-01-01T00:00:00Z") == Rfc3339{0, std::int16_t{0}});
  CHECK(*lt::parse_rfc3339("1970-01-01T07:00:00+07:00") == Rfc3339{0, std::int16_t{420}});
  CHECK(*lt::parse_rfc3339("1969-12-31T18:30:00-05:30") == Rfc3339{0, std::int16_t{-330}});
  CHECK(*lt::parse_rfc3339("2024-02-29T23:59:59.000001Z") == Rfc3339{1709251199000001, std::int16_t{0}});
  CHECK(*lt::parse_rfc3339("1969-12-31T23:59:59.999999Z") == Rfc3339{-1, std::int16_t{0}});
}

TEST_CASE("parse_rfc3339 keeps a missing offset as none and gives the local clock") {
  CHECK(*lt::parse_rfc3339("1970-01-01T07:00:00") == Rfc3339{25'200'000'000, std::nullopt});
}

TEST_CASE("parse_rfc3339 reads one to six fraction digits") {
  CHECK(us_of("1970-01-01T00:00:00.5Z") == 500'000);
  CHECK(us_of("1970-01-01T00:00:00.12Z") == 120'000);
  CHECK(us_of("1970-01-01T00:00:00.123456Z") == 123'456);
  check_refused("1970-01-01T00:00:00.1234567Z");
  check_refused("1970-01-01T00:00:00.0000000Z");
  check_refused("1970-01-01T00:00:00.Z");
}

TEST_CASE("parse_rfc3339 takes lower case letters and a space") {
  CHECK(us_of("1970-01-02t00:00:00z") == 86'400'000'000);
  CHECK(us_of("1970-01-02 00:00:00Z") == 86'400'000'000);
}

TEST_CASE("parse_rfc3339 refuses what is not exactly a timestamp") {
  for (const char* text :
       {"", "2024", "2024-05-06", "2024-05-06T07:08", "2024-05-06T07:08Z", "2024-5-6T07:08:09Z", "20240506T070809Z",
        "2024-05-06T07:08:09Z ", " 2024-05-06T07:08:09Z", "2024-05-06T07:08:09+0700", "2024-05-06T07:08:09+07",
        "2024-05-06T07:08:09 07:00", "2024-05-06T07:08:09ZZ", "2024-05-06T07:08:09,5Z", "-024-05-06T07:08:09Z",
        "12024-05-06T07:08:09Z", "2024-05-06_07:08:09Z", "2024-05-06T-7:08:09Z"}) {
    check_refused(text);
  }
}

TEST_CASE("parse_rfc3339 refuses days, hours and leap seconds that do not exist") {
  for (const char* text :
       {"0000-01-01T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-00-01T00:00:00Z",
        "2024-13-01T00:00:00Z", "2024-04-31T00:00:00Z", "2024-01-00T00:00:00Z", "2024-01-01T24:00:00Z",
        "2024-01-01T23:60:00Z", "2016-12-31T23:59:60Z"}) {
    check_refused(text);
  }
  CHECK(lt::parse_rfc3339("2000-02-29T00:00:00Z").ok());
}

TEST_CASE("parse_rfc3339 takes offsets up to eighteen hours") {
  CHECK(lt::parse_rfc3339("2024-01-01T00:00:00+18:00")->offset_minutes == std::int16_t{1080});
  CHECK(lt::parse_rfc3339("2024-01-01T00:00:00-18:00")->offset_minutes == std::int16_t{-1080});
  CHECK(lt::parse_rfc3339("2024-01-01T00:00:00-00:00")->offset_minutes == std::int16_t{0});
  check_refused("2024-01-01T00:00:00+18:01");
  check_refused("2024-01-01T00:00:00-18:01");
  check_refused("2024-01-01T00:00:00+07:60");
}

TEST_CASE("format_rfc3339 gives text that reads back to the same value") {
  for (const char* text :
       {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00+18:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59.999999-18:00", "1969-12-31T23:59:59.999999+07:00", "2024-02-29T12:00:00.1-03:30",
        "1970-01-01T00:00:00.000001", "1582-10-10T00:00:00Z"}) {
    INFO(text);
    const auto value = lt::parse_rfc3339(text);
    REQUIRE(value.ok());
    CHECK(lt::is_valid(*value));
    CHECK(lt::format_rfc3339(*value) == text);
  }
}

TEST_CASE("is_valid refuses years and offsets that have no text") {
  const std::int64_t first = us_of("0001-01-01T00:00:00Z");
  const std::int64_t last = us_of("9999-12-31T23:59:59.999999Z");
  CHECK(lt::is_valid({first, std::int16_t{0}}));
  CHECK_FALSE(lt::is_valid({first - 1, std::int16_t{0}}));
  CHECK(lt::is_valid({first - 1, std::int16_t{1}}));
  CHECK(lt::is_valid({last, std::nullopt}));
  CHECK_FALSE(lt::is_valid({last + 1, std::nullopt}));
  CHECK_FALSE(lt::is_valid({last, std::int16_t{1}}));
  CHECK_FALSE(lt::is_valid({0, std::int16_t{1081}}));
  CHECK_FALSE(lt::is_valid({0, std::int16_t{-1081}}));
  CHECK_FALSE(lt::is_valid({INT64_MAX, std::int16_t{1080}}));
  CHECK_FALSE(lt::is_valid({INT64_MIN, std::int16_t{-1080}}));
}

TEST_CASE("dates are days since 1970 over all years") {
  CHECK(*lt::parse_date("1970-01-01") == 0);
  CHECK(*lt::parse_date("1969-12-31") == -1);
  CHECK(*lt::parse_date("2000-02-29") == 11016);
  CHECK(*lt::parse_date("0001-01-01") == lt::kMinDate);
  CHECK(*lt::parse_date("9999-12-31") == lt::kMaxDate);
  CHECK(lt::format_date(lt::kMinDate) == "0001-01-01");
  CHECK(lt::format_date(lt::kMaxDate) == "9999-12-31");
  for (std::int32_t day = lt::kMinDate; day <= lt::kMaxDate; day += 97) {
    if (*lt::parse_date(lt::format_date(day)) != day) FAIL("day " << day << " does not read back");
  }
}

TEST_CASE("parse_date refuses what is not exactly a date") {
  for (const char* text :
       {"", "2024-02-30", "0000-01-01", "2024-2-3", "2024-02-03T00:00:00", "2024/02/03", "10000-01-01"}) {
    INFO(text);
    const auto date = lt::parse_date(text);
    REQUIRE_FALSE(date.ok());
    CHECK(lt::error_reason(date.status()) == "DATE_INVALID");
  }
}

TEST_CASE("now_us is the clock of the system") {
  const auto seconds = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  CHECK(std::abs(lt::now_us() / 1'000'000 - seconds) <= 2);
}
