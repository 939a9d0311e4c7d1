// A fresh database for one test.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "pg/connection.hpp"

namespace lt::test {

/// A database of its own on the shared cluster, dropped by the destructor (also with sessions in it) unless
/// LT_KEEP_TEST_DB=1, which prints its URL instead. Cloned from a template, so that it is ready in a fraction of a
/// second. Throws std::runtime_error when there is no server. Move-only.
class TempDatabase {
 public:
  using Prepare = std::function<absl::Status(const std::string& url)>;

  /// With PostGIS and nothing else.
  TempDatabase();
  /// With what `prepare` does to a database with PostGIS. It runs once per test program and cluster; `prepare` must
  /// close its connections.
  /// @param name of the template, [a-z0-9_], short.
  static TempDatabase with_template(std::string_view name, const Prepare& prepare);

  ~TempDatabase();
  TempDatabase(TempDatabase&& other) noexcept;
  TempDatabase& operator=(TempDatabase&&) = delete;

  /// As superuser, over TCP.
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// A new session; throws when there is none to be had.
  [[nodiscard]] pg::Connection connect() const;

 private:
  TempDatabase(std::string_view template_name, const Prepare& prepare);

  std::string admin_url_;
  std::string name_;
  std::string url_;
};

}  // namespace lt::test
