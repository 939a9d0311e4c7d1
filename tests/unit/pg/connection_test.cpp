#include "pg/connection.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "base/status.hpp"

namespace lt::pg {
namespace {

TEST_CASE("with_database replaces the database and keeps the rest") {
  const auto url = with_database("postgresql://u:p%40x@127.0.0.1:5433/old?sslmode=disable", "new db");
  REQUIRE(url.ok());
  CHECK(*url == "postgresql://u:p%40x@127.0.0.1:5433/new%20db?sslmode=disable");
}

TEST_CASE("with_database reads key=value strings and socket directories") {
  const auto url = with_database("host=/tmp/x user=u dbname=old", "n");
  REQUIRE(url.ok());
  CHECK(*url == "postgresql://u@%2Ftmp%2Fx/n");
}

TEST_CASE("a URL that cannot be read is refused without being repeated") {
  const std::string bad = "postgresql://u:s3cret@host:port:9/x?nonsense=1";
  const auto connection = Connection::open({.url = bad});
  REQUIRE(connection.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(connection.status()) == "DATABASE_URL_INVALID");
  CHECK(message_of(connection.status()).find("s3cret") == std::string::npos);
  CHECK(error_reason(with_database(bad, "x").status()) == "DATABASE_URL_INVALID");
}

TEST_CASE("a server that is not there is unavailable and its password stays secret") {
  const auto connection = Connection::open({.url = "postgresql://u:s3cret@127.0.0.1:1/x"});
  REQUIRE(connection.status().code() == absl::StatusCode::kUnavailable);
  CHECK(error_reason(connection.status()) == "CONNECTION_FAILED");
  CHECK(message_of(connection.status()).find("s3cret") == std::string::npos);
}

}  // namespace
}  // namespace lt::pg
