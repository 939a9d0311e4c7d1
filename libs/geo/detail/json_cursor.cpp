#include "geo/detail/json_cursor.hpp"

#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "geo/detail/text.hpp"
#include "geo/detail/wkb_writer.hpp"

namespace lt::geo::detail {
namespace {

constexpr std::size_t kMaxMembers = 1024;  // names of open objects are remembered, so their number is bounded
constexpr int kNumberOverflow = 406;       // nlohmann::json::out_of_range of a number
constexpr std::size_t kMaxNameInMessage = 40;

std::string short_name(const std::string& name) { return name.size() <= kMaxNameInMessage ? name : "..."; }

// Keeps nothing but the names of the objects that are open.
class Checker {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit Checker(int max_depth) : max_depth_(max_depth) {}

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(number_integer_t) { return true; }
  bool number_unsigned(number_unsigned_t) { return true; }
  bool number_float(number_float_t, const string_t&) { return true; }
  bool string(string_t&) { return true; }
  bool binary(binary_t&) { return true; }
  bool start_object(std::size_t) {
    names_.emplace_back();
    return enter();
  }
  bool end_object() {
    --depth_;
    names_.pop_back();
    return true;
  }
  bool start_array(std::size_t) { return enter(); }
  bool end_array() {
    --depth_;
    return true;
  }
  bool key(string_t& name) {
    if (names_.back().size() >= kMaxMembers)
      return fail(fmt::format("an object has more than {} members", kMaxMembers));
    if (names_.back().insert(name).second) return true;
    return fail(fmt::format("member \"{}\" stands twice in one object", short_name(name)));
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
    if (error.id == kNumberOverflow) {
      status = refuse("GEOMETRY_NOT_FINITE",
                      fmt::format("json at byte {}: number is outside the range of a 64-bit float", position));
      return false;
    }
    return fail(fmt::format("malformed json at byte {}", position));
  }

  absl::Status status;

 private:
  bool enter() { return ++depth_ <= max_depth_ || fail(fmt::format("json nested deeper than {}", max_depth_)); }
  bool fail(const std::string& message) {
    status = refuse("GEOMETRY_MALFORMED", message);
    return false;
  }
  int max_depth_;
  int depth_ = 0;
  std::vector<std::set<std::string>> names_;
};

struct Child {
  std::string step;
  std::size_t begin;
};

// The member or element of the array or object at the cursor that contains `offset`; the cursor need not be kept.
std::optional<Child> child_at(JsonCursor cursor, std::size_t offset) {
  const bool object = cursor.accept('{');
  if (!object && !cursor.accept('[')) return std::nullopt;
  const char closing = object ? '}' : ']';
  for (std::size_t i = 0; cursor.peek() != closing; ++i) {
    std::string step = fmt::format("[{}]", i);
    if (object) {
      const std::string name = cursor.read_string();
      step = "." + short_name(name);
      cursor.accept(':');
    }
    cursor.peek();
    const std::size_t begin = cursor.at();
    cursor.skip_value();
    if (begin <= offset && offset < cursor.at()) return Child{std::move(step), begin};
    cursor.accept(',');
  }
  return std::nullopt;
}

}  // namespace

absl::Status check_json(std::string_view text, int max_depth) {
  Checker checker(max_depth);
  if (nlohmann::json::sax_parse(text, &checker)) return absl::OkStatus();
  return checker.status.ok() ? refuse("GEOMETRY_MALFORMED", "malformed json") : checker.status;
}

char JsonCursor::peek() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonCursor::accept(char c) {
  if (peek() != c) return false;
  ++at_;
  return true;
}

void JsonCursor::skip_string() {
  ++at_;
  while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2U : 1U;
  ++at_;
}

void JsonCursor::skip_value() {
  int depth = 0;
  do {
    switch (peek()) {
      case '"': skip_string(); break;
      case '[':
      case '{':
        ++depth;
        ++at_;
        break;
      case ']':
      case '}':
        --depth;
        ++at_;
        break;
      case ',':
      case ':': ++at_; break;
      default:  // number, true, false, null
        while (at_ < text_.size() && std::string_view(",]}:").find(text_[at_]) == std::string_view::npos &&
               !is_space(text_[at_])) {
          ++at_;
        }
    }
  } while (depth > 0 && at_ < text_.size());
}

std::string JsonCursor::read_string() {
  peek();
  const std::size_t start = at_;
  skip_string();
  const std::string_view token = text_.substr(start, at_ - start);
  if (token.find('\\') == std::string_view::npos) return std::string(token.substr(1, token.size() - 2));
  const auto value = nlohmann::json::parse(token, nullptr, false);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string json_path(std::string_view text, std::size_t offset) {
  std::string path = "$";
  JsonCursor cursor(text);
  cursor.peek();
  while (auto child = child_at(cursor, offset)) {
    path += child->step;
    cursor.move_to(child->begin);
  }
  return path;
}

}  // namespace lt::geo::detail
