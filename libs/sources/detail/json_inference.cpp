#include "sources/detail/json_inference.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/time.hpp"
#include "sources/detail/json_cutter.hpp"

namespace lt::sources::detail {
namespace {

using feature::FieldType;

class TextSource final : public ByteSource {
 public:
  explicit TextSource(const std::string& text) : text_(text) {}
  absl::StatusOr<std::size_t> read(std::span<char> out) override {
    const std::size_t n = std::min(out.size(), text_.size() - at_);
    std::memcpy(out.data(), text_.data() + at_, n);
    at_ += n;
    return n;
  }
  absl::Status rewind() override {
    at_ = 0;
    return absl::OkStatus();
  }

 private:
  const std::string& text_;
  std::size_t at_ = 0;
};

bool is_int64(const nlohmann::json& value) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return value.is_number_integer() && (!value.is_number_unsigned() || value.get<std::uint64_t>() <= kMax);
}

bool is_list_of_text(const nlohmann::json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), [](const auto& v) { return v.is_string(); });
}

}  // namespace

void JsonInference::look(const nlohmann::json& value, Seen& seen) {
  if (value.is_null()) return;
  if (value.is_boolean()) {
    seen.boolean = true;
  } else if (is_int64(value)) {
    seen.integer = true;
  } else if (value.is_number()) {
    seen.real = true;
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    seen.text = true;
    seen.only_dates = seen.only_dates && parse_date(text).ok();
    seen.only_timestamps = seen.only_timestamps && parse_rfc3339(text).ok();
  } else if (is_list_of_text(value)) {
    seen.list = true;
  } else {
    seen.other = true;
  }
}

void JsonInference::learn_names(const std::string& text) {
  JsonCutter cutter(std::make_unique<TextSource>(text));
  std::vector<JsonMember> members;
  if (!cutter.take('{') || !cutter.cut_members(members).ok()) return;
  for (const auto& member : members) {
    if (seen_.try_emplace(member.name).second) order_.push_back(member.name);
  }
}

void JsonInference::add(const nlohmann::json& properties, const std::string& text) {
  for (const auto& [name, value] : properties.items()) {
    if (!seen_.contains(name)) learn_names(text);
    look(value, seen_[name]);
  }
}

void JsonInference::apply(InferredSchema& out) const {
  for (const auto& name : order_) {
    const Seen& seen = seen_.at(name);
    feature::Field field;
    field.number = static_cast<std::int32_t>(out.schema.fields.size()) + 1;
    field.name = name;
    const int kinds =
        int{seen.boolean} + int{seen.integer || seen.real} + int{seen.text} + int{seen.list} + int{seen.other};
    if (kinds == 0) {
      out.notes.push_back(fmt::format("field '{}' has only nulls: taken as string", name));
    } else if (kinds > 1) {
      field.type = FieldType::kJson;
      out.notes.push_back(fmt::format("field '{}' has values of several kinds: taken as json", name));
    } else if (seen.text) {
      field.type = seen.only_dates ? FieldType::kDate : seen.only_timestamps ? FieldType::kTimestamp : field.type;
      if (field.type != FieldType::kString) {
        out.notes.push_back(
            fmt::format("every text of field '{}' is a {}: taken as that", name, feature::to_string(field.type)));
      }
    } else {
      field.type = seen.boolean ? FieldType::kBool
                   : seen.real  ? FieldType::kDouble
                   : seen.list  ? FieldType::kStringList
                   : seen.other ? FieldType::kJson
                                : FieldType::kInt64;
    }
    if (seen.integer && seen.real && kinds == 1) {
      out.notes.push_back(fmt::format("field '{}' has whole numbers and fractions: taken as double", name));
    }
    out.schema.fields.push_back(std::move(field));
  }
}

}  // namespace lt::sources::detail
