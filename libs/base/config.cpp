#include "base/config.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/status.hpp"

namespace lt {
namespace {

absl::Status invalid(const std::string& name, const std::string& message) {
  return make_error(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID", message, {{"key", name}});
}

// Levenshtein distance: the number of letters to insert, delete or replace.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view suffix;
    std::int64_t ms;
  };
  static constexpr std::array<Unit, 4> kUnits{{{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
  constexpr std::int64_t kMaxDuration = std::int64_t{365} * 24 * 3'600'000;
  for (const auto& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto count = parse_number<std::int64_t>(text.substr(0, text.size() - unit.suffix.size()));
    if (!count) continue;
    if (*count < 0 || *count > kMaxDuration / unit.ms) return std::nullopt;
    return std::chrono::milliseconds(*count * unit.ms);
  }
  return std::nullopt;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> items;
  std::istringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) items.push_back(item);
  return items;
}

// Stores one value given as text. `from` says where it stands, for messages.
struct Store {
  const std::string& name;
  const std::string& from;
  const std::string& text;
  std::int64_t min;
  std::int64_t max;

  absl::Status refuse(const std::string& wanted) const {
    return invalid(name, fmt::format("{} ({}) must be {}", name, from, wanted));
  }
  absl::Status operator()(std::string* target) const {
    *target = text;
    return absl::OkStatus();
  }
  absl::Status operator()(bool* target) const {
    if (text != "true" && text != "false") return refuse("true or false");
    *target = text == "true";
    return absl::OkStatus();
  }
  absl::Status operator()(std::int64_t* target) const {
    const auto value = parse_number<std::int64_t>(text);
    if (!value || *value < min || *value > max) return refuse(fmt::format("a whole number from {} to {}", min, max));
    *target = *value;
    return absl::OkStatus();
  }
  absl::Status operator()(int* target) const {
    std::int64_t value = 0;
    LT_RETURN_IF_ERROR((*this)(&value));
    *target = static_cast<int>(value);
    return absl::OkStatus();
  }
  absl::Status operator()(double* target) const {
    const auto value = parse_number<double>(text);
    if (!value || !(*value >= -std::numeric_limits<double>::max() && *value <= std::numeric_limits<double>::max())) {
      return refuse("a number");
    }
    *target = *value;
    return absl::OkStatus();
  }
  absl::Status operator()(std::chrono::milliseconds* target) const {
    const auto value = parse_duration(text);
    if (!value) return refuse("a duration with its unit, such as 250ms, 30s, 5m or 2h");
    *target = *value;
    return absl::OkStatus();
  }
  absl::Status operator()(std::vector<std::string>* target) const {
    *target = split_list(text);
    return absl::OkStatus();
  }
};

absl::Status store_sequence(const std::string& name, const std::string& from, const YAML::Node& node,
                            std::vector<std::string>& target) {
  std::vector<std::string> items;
  for (const auto& item : node) {
    if (!item.IsScalar()) return invalid(name, fmt::format("{} ({}) must be a list of texts", name, from));
    items.push_back(item.Scalar());
  }
  target = std::move(items);
  return absl::OkStatus();
}

absl::Status store_node(const std::string& name, const std::string& from, const YAML::Node& node,
                        const ConfigFields::Target& target, std::int64_t min, std::int64_t max) {
  auto* const* list = std::get_if<std::vector<std::string>*>(&target);
  if (list != nullptr && node.IsSequence()) return store_sequence(name, from, node, **list);
  if (!node.IsScalar() || list != nullptr) {
    return invalid(name, fmt::format("{} ({}) must be a {}", name, from, list != nullptr ? "list" : "single value"));
  }
  return std::visit(Store{name, from, node.Scalar(), min, max}, target);
}

std::string place(const YAML::Mark& mark) { return fmt::format("line {}", mark.line + 1); }

absl::Status unknown_key(const std::string& name, const std::string& where, const std::vector<std::string>& known) {
  std::string nearest;
  std::size_t best = std::numeric_limits<std::size_t>::max();
  for (const auto& candidate : known) {
    const std::size_t d = distance(name, candidate);
    if (d < best) {
      best = d;
      nearest = candidate;
    }
  }
  return make_error(absl::StatusCode::kInvalidArgument, "CONFIG_UNKNOWN_KEY",
                    fmt::format("{} ({}) is not a known setting; did you mean {}?", name, where, nearest),
                    {{"key", name}, {"nearest", nearest}});
}

bool is_loopback_v4(const std::string& host) {
  constexpr std::string_view kPrefix = "127.";
  if (!host.starts_with(kPrefix)) return false;
  int parts = 0;
  std::istringstream stream(host);
  for (std::string part; std::getline(stream, part, '.'); ++parts) {
    if (!parse_number<std::uint8_t>(part)) return false;
  }
  return parts == 4;
}

}  // namespace

void ConfigFields::add_field(std::string section, std::string key, Target target, std::int64_t min, std::int64_t max) {
  fields_.push_back({std::move(section), std::move(key), target, min, max});
}

ConfigFields::Environment ConfigFields::process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

absl::Status ConfigFields::load_file(const std::string& path, const Environment& environment) {
  if (path.empty()) return read_environment(environment);
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (!file || !(text << file.rdbuf())) {
    if (file && file.peek() == std::ifstream::traits_type::eof()) return read_environment(environment);  // empty file
    return make_error(absl::StatusCode::kNotFound, "CONFIG_NOT_FOUND",
                      "cannot read the configuration file " + path + "; check the path and its permissions");
  }
  return annotate(load_text(text.str(), environment), path);
}

absl::Status ConfigFields::load_text(const std::string& yaml, const Environment& environment) {
  LT_RETURN_IF_ERROR(read_yaml(yaml));
  return read_environment(environment);
}

std::vector<std::string> ConfigFields::names() const {
  std::vector<std::string> names;
  for (const auto& field : fields_) names.push_back(field.section + "." + field.key);
  return names;
}

const ConfigFields::Field* ConfigFields::find(const std::string& name) const {
  const auto it = std::find_if(fields_.begin(), fields_.end(),
                               [&](const Field& field) { return field.section + "." + field.key == name; });
  return it == fields_.end() ? nullptr : &*it;
}

absl::Status ConfigFields::read_yaml(const std::string& yaml) {
  YAML::Node root;
  try {
    root = YAML::Load(yaml);
  } catch (const YAML::Exception& e) {
    return invalid("", fmt::format("malformed YAML at {}: {}", place(e.mark), e.msg));
  }
  if (root.IsNull()) return absl::OkStatus();
  if (!root.IsMap()) return invalid("", "the configuration must be sections with keys");
  std::set<std::string> seen;
  for (const auto& section : root) {
    if (!section.first.IsScalar()) return invalid("", "the name of a section must be a single value");
    const std::string& section_name = section.first.Scalar();
    if (section.second.IsNull()) continue;
    if (!section.second.IsMap()) {
      return invalid(section_name,
                     fmt::format("{} ({}) must be a section with keys", section_name, place(section.first.Mark())));
    }
    for (const auto& entry : section.second) {
      if (!entry.first.IsScalar()) return invalid(section_name, "a key in " + section_name + " must be a single value");
      const std::string name = section_name + "." + entry.first.Scalar();
      const std::string where = place(entry.first.Mark());
      const Field* field = find(name);
      if (field == nullptr) return unknown_key(name, where, names());
      if (!seen.insert(name).second) return invalid(name, fmt::format("{} ({}) stands there twice", name, where));
      LT_RETURN_IF_ERROR(store_node(name, where, entry.second, field->target, field->min, field->max));
    }
  }
  return absl::OkStatus();
}

absl::Status ConfigFields::read_environment(const Environment& environment) {
  for (const auto& field : fields_) {
    std::string variable = "LIENTHONG_" + field.section + "_" + field.key;
    for (char& c : variable) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const auto value = environment(variable);
    if (!value) continue;
    const std::string name = field.section + "." + field.key;
    LT_RETURN_IF_ERROR(std::visit(Store{name, variable, *value, field.min, field.max}, field.target));
  }
  return absl::OkStatus();
}

bool ListenAddress::is_loopback() const { return host == "localhost" || host == "::1" || is_loopback_v4(host); }

absl::StatusOr<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, std::min(colon, text.size()));
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto port =
      colon == std::string_view::npos ? std::nullopt : parse_number<std::uint16_t>(text.substr(colon + 1));
  const bool bare_v6 = !bracketed && host.find(':') != std::string_view::npos;
  if (!port || host.empty() || bare_v6 || host.find_first_of("[]/ ") != std::string_view::npos) {
    return make_error(absl::StatusCode::kInvalidArgument, "LISTEN_ADDRESS_INVALID",
                      fmt::format("\"{}\" is not HOST:PORT; write for example 127.0.0.1:7460 or [::1]:7460", text));
  }
  return ListenAddress{std::string(host), *port};
}

}  // namespace lt
