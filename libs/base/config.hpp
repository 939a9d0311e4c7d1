// Configuration of a service: a struct with defaults, filled from YAML and the environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lt {

/// Where a configuration goes: "section.key" to the member of a struct that holds the default.
///   ExchangeConfig config;
///   ConfigFields fields;
///   fields.add("server", "listen", config.listen);
///   fields.add("server", "threads", config.threads, 1, 256);
///   LT_RETURN_IF_ERROR(fields.load_file(path));
/// YAML has two levels, section and key. Then the environment is asked for LIENTHONG_<SECTION>_<KEY> (upper case),
/// which wins; a list is separated by commas there. Members must outlive the object. Not thread-safe.
/// Errors of all loads: INVALID_ARGUMENT CONFIG_INVALID malformed YAML, a value of the wrong type or out of its range,
/// a key twice; INVALID_ARGUMENT CONFIG_UNKNOWN_KEY naming the key, its line and the nearest known key; NOT_FOUND
/// CONFIG_NOT_FOUND no such file. After an error members may hold part of the new values.
class ConfigFields {
 public:
  using Target = std::variant<std::string*, bool*, std::int64_t*, int*, double*, std::chrono::milliseconds*,
                              std::vector<std::string>*>;

  /// Text, bool, double, or list of text. Durations are written with their unit: 250ms, 30s, 5m, 2h.
  void add(std::string section, std::string key, std::string& member) { add_field(section, key, &member); }
  void add(std::string section, std::string key, bool& member) { add_field(section, key, &member); }
  void add(std::string section, std::string key, double& member) { add_field(section, key, &member); }
  void add(std::string section, std::string key, std::vector<std::string>& member) { add_field(section, key, &member); }
  void add(std::string section, std::string key, std::chrono::milliseconds& member) {
    add_field(section, key, &member);
  }
  /// Whole numbers with the allowed range, both ends included.
  void add(std::string section, std::string key, int& member, std::int64_t min = std::numeric_limits<int>::min(),
           std::int64_t max = std::numeric_limits<int>::max()) {
    add_field(section, key, &member, min, max);
  }
  void add(std::string section, std::string key, std::int64_t& member,
           std::int64_t min = std::numeric_limits<std::int64_t>::min(),
           std::int64_t max = std::numeric_limits<std::int64_t>::max()) {
    add_field(section, key, &member, min, max);
  }

  /// The environment: value of a variable, if set.
  using Environment = std::function<std::optional<std::string>(const std::string& name)>;
  [[nodiscard]] static Environment process_environment();

  /// An empty path reads no file: defaults and environment only.
  [[nodiscard]] absl::Status load_file(const std::string& path, const Environment& environment = process_environment());
  [[nodiscard]] absl::Status load_text(const std::string& yaml, const Environment& environment = process_environment());

  /// "section.key" of every field, in the order added.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  struct Field {
    std::string section;
    std::string key;
    Target target;
    std::int64_t min;
    std::int64_t max;
  };
  void add_field(std::string section, std::string key, Target target,
                 std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                 std::int64_t max = std::numeric_limits<std::int64_t>::max());
  [[nodiscard]] absl::Status read_yaml(const std::string& yaml);
  [[nodiscard]] absl::Status read_environment(const Environment& environment);
  [[nodiscard]] const Field* find(const std::string& name) const;

  std::vector<Field> fields_;
};

/// An address to listen on.
struct ListenAddress {
  std::string host;  ///< "127.0.0.1", "::1" (without brackets), "localhost", "0.0.0.0", a host name.
  std::uint16_t port = 0;
  /// True for 127.0.0.0/8, ::1 and "localhost".
  [[nodiscard]] bool is_loopback() const;
};

/// Parses "HOST:PORT" or "[IPV6]:PORT".
/// Errors: INVALID_ARGUMENT LISTEN_ADDRESS_INVALID.
[[nodiscard]] absl::StatusOr<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace lt
