// absl::Status in Catch2 assertions.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <catch2/catch.hpp>

#include "base/status.hpp"

namespace lt::test {

inline absl::Status status_of(absl::Status status) { return status; }
template <typename T>
absl::Status status_of(const absl::StatusOr<T>& value) {
  return value.status();
}

inline std::string describe(const absl::Status& status) {
  return absl::StatusCodeToString(status.code()) + " " + error_reason(status) + ": " + message_of(status);
}

/// The value, or an exception (which fails the test) that says what went wrong.
template <typename T>
T must(absl::StatusOr<T> value) {
  if (!value.ok()) throw std::runtime_error(describe(value.status()));
  return std::move(value).value();
}
inline void must(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(describe(status));
}

}  // namespace lt::test

/// Requires success; shows code, reason and message otherwise.
#define REQUIRE_OK(expr)                                         \
  do {                                                           \
    const absl::Status lt_checked = ::lt::test::status_of(expr); \
    INFO(::lt::test::describe(lt_checked));                      \
    REQUIRE(lt_checked.ok());                                    \
  } while (false)

/// Requires an error with this code and this reason.
#define REQUIRE_ERROR(expr, expected_code, expected_reason)       \
  do {                                                            \
    const absl::Status lt_checked = ::lt::test::status_of(expr);  \
    INFO(::lt::test::describe(lt_checked));                       \
    REQUIRE(lt_checked.code() == (expected_code));                \
    REQUIRE(::lt::error_reason(lt_checked) == (expected_reason)); \
  } while (false)
