#include "sources/detail/json_cutter.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"

namespace lt::sources::detail {
namespace {

constexpr char kRecordSeparator = '\x1e';

bool is_space(int c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == kRecordSeparator; }
bool ends_scalar(int c) { return c == JsonCutter::kEnd || c == ',' || c == '}' || c == ']' || is_space(c); }

absl::Status too_large() {
  return make_error(
      absl::StatusCode::kResourceExhausted, "FEATURE_TOO_LARGE",
      fmt::format("a JSON value is larger than {} MiB: split the feature", JsonCutter::kMaxValueBytes >> 20U));
}

}  // namespace

bool JsonCutter::fill() {
  if (!status_.ok()) return false;
  before_ += end_;
  at_ = end_ = 0;
  auto n = source_->read(buffer_);
  if (!n.ok()) {
    status_ = n.status();
    return false;
  }
  end_ = *n;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (before_ == 0 && std::string_view(buffer_.data(), end_).starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  return at_ < end_;
}

absl::Status JsonCutter::rewind() {
  at_ = end_ = before_ = 0;
  status_ = source_->rewind();
  return status_;
}

absl::Status JsonCutter::corrupt(std::string_view why) const {
  if (!status_.ok()) return status_;
  return make_error(absl::StatusCode::kDataLoss, "FILE_CORRUPT", fmt::format("{} (byte {})", why, offset()));
}

void JsonCutter::skip_space() {
  while (is_space(peek())) skip();
}

bool JsonCutter::take(char c) {
  skip_space();
  if (peek() != c) return false;
  skip();
  return true;
}

absl::Status JsonCutter::cut_string(std::string& out) {
  out += '"';
  skip();
  bool escaped = false;
  for (int c = peek(); c != kEnd; c = peek()) {
    skip();
    out += static_cast<char>(c);
    if (out.size() > kMaxValueBytes) return too_large();
    if (!escaped && c == '"') return absl::OkStatus();
    escaped = !escaped && c == '\\';
  }
  return corrupt("the file ends inside a string");
}

absl::Status JsonCutter::cut_nested(std::string& out) {
  std::size_t depth = 0;
  for (int c = peek(); c != kEnd; c = peek()) {
    if (c == '"') {
      LT_RETURN_IF_ERROR(cut_string(out));
      continue;
    }
    skip();
    out += static_cast<char>(c);
    if (out.size() > kMaxValueBytes) return too_large();
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return absl::OkStatus();
  }
  return corrupt("the file ends inside an object or array");
}

void JsonCutter::cut_scalar(std::string& out) {
  for (int c = peek(); !ends_scalar(c) && out.size() < kMaxValueBytes; c = peek()) {
    skip();
    out += static_cast<char>(c);
  }
}

absl::Status JsonCutter::cut(std::string& out) {
  out.clear();
  skip_space();
  const int c = peek();
  if (c == '"') return cut_string(out);
  if (c == '{' || c == '[') return cut_nested(out);
  cut_scalar(out);
  if (out.empty()) return corrupt(c == kEnd ? "the file ends where a value should stand" : "a value is missing");
  return status_;
}

absl::Status JsonCutter::cut_name(std::string& out) {
  skip_space();
  if (peek() != '"') return corrupt("a member name is missing");
  std::string text;
  LT_RETURN_IF_ERROR(cut_string(text));
  if (!take(':')) return corrupt("a colon is missing");
  const auto name = parse_json(text);
  if (!name.ok()) return corrupt(message_of(name.status()));
  out = name->get<std::string>();
  return absl::OkStatus();
}

absl::Status JsonCutter::cut_members(std::vector<JsonMember>& out) {
  out.clear();
  if (take('}')) return absl::OkStatus();
  while (true) {
    JsonMember member;
    LT_RETURN_IF_ERROR(cut_name(member.name));
    LT_RETURN_IF_ERROR(cut(member.text));
    out.push_back(std::move(member));
    if (take('}')) return absl::OkStatus();
    if (!take(',')) return corrupt("a comma or closing brace is missing");
  }
}

}  // namespace lt::sources::detail
