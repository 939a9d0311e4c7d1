#include "base/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"

namespace lt {
namespace {

constexpr std::int64_t kMaxExact = (std::int64_t{1} << 53) - 1;

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

// UTF-16 code units of well-formed UTF-8, for the member order of RFC 8785 §3.2.3.
std::u16string utf16(std::string_view text) {
  std::u16string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t cp = n == 1 ? lead : lead & (0xFFU >> (n + 1));
    for (std::size_t k = 1; k < n && i + k < text.size(); ++k)
      cp = (cp << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    if (cp >= 0x10000) {
      out.push_back(static_cast<char16_t>(0xD800 + ((cp - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xDC00 + ((cp - 0x10000) & 0x3FF)));
    } else {
      out.push_back(static_cast<char16_t>(cp));
    }
    i += n;
  }
  return out;
}

absl::Status append_value(std::string& out, const nlohmann::json& value);

absl::Status append_integer(std::string& out, const nlohmann::json& value) {
  const bool fits = value.is_number_unsigned()
                        ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kMaxExact)
                        : value.get<std::int64_t>() >= -kMaxExact && value.get<std::int64_t>() <= kMaxExact;
  if (!fits) return absl::InvalidArgumentError("json integer beyond 2^53 - 1 has no exact form; send it as a string");
  out += value.dump();
  return absl::OkStatus();
}

absl::Status append_object(std::string& out, const nlohmann::json& value) {
  std::vector<std::pair<std::u16string, nlohmann::json::const_iterator>> members;
  for (auto it = value.begin(); it != value.end(); ++it) members.emplace_back(utf16(it.key()), it);
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  out.push_back('{');
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_string(out, members[i].second.key());
    out.push_back(':');
    LT_RETURN_IF_ERROR(append_value(out, members[i].second.value()));
  }
  out.push_back('}');
  return absl::OkStatus();
}

absl::Status append_array(std::string& out, const nlohmann::json& value) {
  out.push_back('[');
  bool first = true;
  for (const auto& item : value) {
    if (!first) out.push_back(',');
    first = false;
    LT_RETURN_IF_ERROR(append_value(out, item));
  }
  out.push_back(']');
  return absl::OkStatus();
}

absl::Status append_value(std::string& out, const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::object: return append_object(out, value);
    case nlohmann::json::value_t::array: return append_array(out, value);
    case nlohmann::json::value_t::string: append_string(out, value.get_ref<const std::string&>()); break;
    case nlohmann::json::value_t::boolean: out += value.get<bool>() ? "true" : "false"; break;
    case nlohmann::json::value_t::number_integer:
    case nlohmann::json::value_t::number_unsigned: return append_integer(out, value);
    case nlohmann::json::value_t::number_float: {
      const double number = value.get<double>();
      if (!std::isfinite(number)) return absl::InvalidArgumentError("json number is not finite");
      out += canonical_number(number);
      break;
    }
    default: out += "null";
  }
  return absl::OkStatus();
}

// Builds the document while refusing depth and repeated names, before they cost memory.
class LimitedSax : public nlohmann::detail::json_sax_dom_parser<nlohmann::json> {
 public:
  using Base = nlohmann::detail::json_sax_dom_parser<nlohmann::json>;
  LimitedSax(nlohmann::json& out, int max_depth) : Base(out, false), max_depth_(max_depth) {}

  bool start_object(std::size_t n) {
    names_.emplace_back();
    return enter() && Base::start_object(n);
  }
  bool end_object() {
    --depth_;
    names_.pop_back();
    return Base::end_object();
  }
  bool start_array(std::size_t n) { return enter() && Base::start_array(n); }
  bool end_array() {
    --depth_;
    return Base::end_array();
  }
  bool key(std::string& name) {
    if (!names_.back().insert(name).second) {
      problem = "member \"" + name + "\" stands twice in one object";
      return false;
    }
    return Base::key(name);
  }
  template <typename Exception>
  bool parse_error(std::size_t position, const std::string&, const Exception&) {
    problem = fmt::format("malformed json at byte {}", position);
    return false;
  }

  std::string problem = "malformed json";

 private:
  bool enter() {
    if (++depth_ <= max_depth_) return true;
    problem = fmt::format("json nested deeper than {}", max_depth_);
    return false;
  }
  int max_depth_;
  int depth_ = 0;
  std::vector<std::set<std::string>> names_;
};

}  // namespace

std::string canonical_number(double value) {
  if (value == 0) return "0";
  char raw[32];
  const auto end = std::to_chars(raw, raw + sizeof raw, std::abs(value), std::chars_format::scientific).ptr;
  const std::string_view text(raw, static_cast<std::size_t>(end - raw));
  const std::size_t e = text.find('e');
  int exponent = 0;
  const char* digits_of_exponent = text.data() + e + 1;
  if (*digits_of_exponent == '+') ++digits_of_exponent;
  std::from_chars(digits_of_exponent, text.data() + text.size(), exponent);
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c != '.') digits.push_back(c);
  }
  // ECMA-262: n is the position of the decimal point after the first digit, k the number of digits.
  const int n = exponent + 1;
  const int k = static_cast<int>(digits.size());
  std::string out = value < 0 ? "-" : "";
  if (k <= n && n <= 21) {
    out += digits + std::string(static_cast<std::size_t>(n - k), '0');
  } else if (0 < n && n <= 21) {
    out += digits.substr(0, static_cast<std::size_t>(n)) + "." + digits.substr(static_cast<std::size_t>(n));
  } else if (-6 < n && n <= 0) {
    out += "0." + std::string(static_cast<std::size_t>(-n), '0') + digits;
  } else {
    out += digits.substr(0, 1);
    if (k > 1) out += "." + digits.substr(1);
    out += fmt::format("e{}{}", n > 0 ? "+" : "-", std::abs(n - 1));
  }
  return out;
}

absl::StatusOr<std::string> canonical_json(const nlohmann::json& value) {
  std::string out;
  LT_RETURN_IF_ERROR(append_value(out, value));
  return out;
}

absl::StatusOr<nlohmann::json> parse_json(std::string_view text, int max_depth) {
  // The parser takes U+0000 as the end of its input and would let anything follow.
  if (text.find('\0') != std::string_view::npos) return absl::InvalidArgumentError("json has a NUL byte");
  nlohmann::json document;
  LimitedSax sax(document, max_depth);
  if (!nlohmann::json::sax_parse(text, &sax)) return absl::InvalidArgumentError(sax.problem);
  return document;
}

}  // namespace lt
