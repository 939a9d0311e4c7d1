#include "rules/schema_rules.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include "base/bytes.hpp"
#include "feature/text.hpp"
#include "geo/crs.hpp"
#include "rules/coordinates.hpp"
#include "rules/decimal.hpp"

namespace lt::rules {
namespace {

using feature::cut;
using feature::Field;
using feature::FieldType;
using feature::Finding;
using feature::State;
using feature::Value;

constexpr std::size_t kCodesShown = 8;
constexpr std::string_view kFields = "F04";
constexpr std::string_view kCodeList = "D01";
constexpr std::string_view kRange = "D03";
constexpr std::string_view kGeometryRule = "G02";
constexpr std::string_view kCrsDeclared = "C01";

// One field with what its checks need, prepared once.
struct FieldPlan {
  const Field* field = nullptr;
  absl::flat_hash_set<std::string> allowed;
  std::string codes;             // the code list as it is shown
  std::string minimum, maximum;  // as decimal text; empty = no limit
};

std::string shown_codes(const std::vector<std::string>& codes) {
  std::string out;
  for (std::size_t i = 0; i < codes.size() && i < kCodesShown; ++i) {
    out += fmt::format("{}\"{}\"", i > 0 ? ", " : "", cut(codes[i]));
  }
  if (codes.size() > kCodesShown) out += fmt::format(", … ({})", codes.size());
  return out;
}

FieldPlan plan_of(const Field& field) {
  FieldPlan plan{&field, {field.allowed.begin(), field.allowed.end()}, shown_codes(field.allowed), {}, {}};
  if (field.minimum) plan.minimum = shortest_decimal(*field.minimum);
  if (field.maximum) plan.maximum = shortest_decimal(*field.maximum);
  return plan;
}

// "from 1 to 16", "at least 1", "at most 16" in both languages.
std::pair<std::string, std::string> range_texts(const FieldPlan& plan) {
  if (plan.maximum.empty()) return {"từ " + plan.minimum + " trở lên", "at least " + plan.minimum};
  if (plan.minimum.empty()) return {"không quá " + plan.maximum, "at most " + plan.maximum};
  return {"từ " + plan.minimum + " đến " + plan.maximum, "from " + plan.minimum + " to " + plan.maximum};
}

template <typename T, typename Name>
std::string joined(const std::vector<T>& items, Name name) {
  std::string out;
  for (const T item : items) out += (out.empty() ? "" : ", ") + std::string(name(item));
  return out;
}

// The finding-making half: every text that people see stands here.
class Reporter {
 public:
  explicit Reporter(std::string_view feature_id) : feature_id_(feature_id) {}

  std::vector<Finding> take() { return std::move(findings_); }
  const std::string& feature_id() const { return feature_id_; }

  void add(Finding finding) { findings_.push_back(std::move(finding)); }

  void add(std::string_view rule, std::string_view reason, std::string_view field, std::string vi, std::string en,
           std::string place = {}) {
    findings_.push_back({std::string(rule), feature::Severity::kError, std::string(reason), feature_id_,
                         std::string(field), std::move(place), std::move(vi), std::move(en)});
  }

  void unknown_field(std::int32_t number) {
    add(kFields, "UNKNOWN_FIELD", std::to_string(number),
        fmt::format("trường số {} không có trong lược đồ; bỏ trường này hoặc bổ sung vào lược đồ trước khi gửi",
                    number),
        fmt::format("field number {} is not in the schema; remove it, or add it to the schema first", number));
  }

  void required(const Field& field) {
    add(kFields, "FIELD_REQUIRED", field.name,
        fmt::format("trường \"{}\" là bắt buộc nhưng không có giá trị; hãy điền giá trị", cut(field.name)),
        fmt::format("field \"{}\" is required but has no value; supply one", cut(field.name)));
  }

  void wrong_type(const Field& field, FieldType found) {
    add(kFields, "VALUE_WRONG_TYPE", field.name,
        fmt::format("trường \"{}\" phải có kiểu {} nhưng nhận được kiểu {}; hãy gửi đúng kiểu của lược đồ",
                    cut(field.name), to_string(field.type), to_string(found)),
        fmt::format("field \"{}\" must be {} but is {}; send it in the type of the schema", cut(field.name),
                    to_string(field.type), to_string(found)));
  }

  void too_long(const Field& field, std::size_t length, const std::string& value) {
    const bool text = field.type == FieldType::kString;
    const bool bytes = field.type == FieldType::kBytes;
    const std::string vi_value = text ? fmt::format(" (\"{}\")", cut(value)) : "";
    add(kFields, "VALUE_TOO_LONG", field.name,
        fmt::format("trường \"{}\" dài {} {}{}, tối đa {}; hãy rút ngắn giá trị", cut(field.name), length,
                    text    ? "ký tự"
                    : bytes ? "byte"
                            : "phần tử",
                    vi_value, *field.max_length),
        fmt::format("field \"{}\" has {} {}{}, at most {} are allowed; shorten it", cut(field.name), length,
                    text    ? "characters"
                    : bytes ? "bytes"
                            : "items",
                    vi_value, *field.max_length));
  }

  void not_allowed(const FieldPlan& plan, const std::string& value, std::string place) {
    add(kCodeList, "VALUE_NOT_ALLOWED", plan.field->name,
        fmt::format("trường \"{}\": giá trị \"{}\" không thuộc danh mục; chỉ chấp nhận {} (phân biệt chữ hoa và dấu)",
                    cut(plan.field->name), cut(value), plan.codes),
        fmt::format("field \"{}\": value \"{}\" is not in the code list; use one of {} (case and accents count)",
                    cut(plan.field->name), cut(value), plan.codes),
        std::move(place));
  }

  void out_of_range(const FieldPlan& plan, const std::string& value) {
    const auto [vi, en] = range_texts(plan);
    const std::string unit = plan.field->unit.empty() ? "" : " " + cut(plan.field->unit);
    add(kRange, "VALUE_OUT_OF_RANGE", plan.field->name,
        fmt::format("trường \"{}\": giá trị {} nằm ngoài khoảng cho phép ({}{}); hãy kiểm tra giá trị và đơn vị",
                    cut(plan.field->name), cut(value), vi, unit),
        fmt::format("field \"{}\": value {} is out of range ({}{}); check the value and its unit",
                    cut(plan.field->name), cut(value), en, unit));
  }

  void not_finite(const Field& field, double value) {
    const std::string_view name = std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    add(kRange, "VALUE_NOT_FINITE", field.name,
        fmt::format("trường \"{}\": giá trị {} không phải số hữu hạn; để trống (null) nếu không có số liệu",
                    cut(field.name), name),
        fmt::format("field \"{}\": value {} is not a finite number; leave it out (null) when there is no measurement",
                    cut(field.name), name));
  }

  void geometry(std::string_view reason, std::string vi, std::string en) {
    add(kGeometryRule, reason, feature::kGeometryName, std::move(vi), std::move(en));
  }

 private:
  std::string feature_id_;
  std::vector<Finding> findings_;
};

}  // namespace

struct SchemaChecker::Impl {
  feature::Schema schema;
  std::vector<FieldPlan> plans;                  // in the order of schema.fields, which they point into
  std::optional<CoordinateChecker> coordinates;  // none when the CRS is not known
  std::string types, dimensions;                 // as they are shown

  explicit Impl(const feature::Schema& source) : schema(source) {
    plans.reserve(schema.fields.size());
    for (const Field& field : schema.fields) plans.push_back(plan_of(field));
    types = joined(schema.geometry.types, [](geo::GeometryType type) { return geo::to_string(type); });
    dimensions = joined(schema.geometry.dimensions, [](geo::Dimension dimension) { return geo::to_string(dimension); });
    if (auto found = geo::find_crs(schema.crs); !schema.crs.empty() && found.ok()) {
      coordinates.emplace(*std::move(found));
    }
  }

  // Fields and values are both ordered by number: one pass over both.
  void check_fields(const State& state, Reporter& report) const {
    auto value = state.properties.begin();
    const auto end = state.properties.end();
    for (const FieldPlan& plan : plans) {
      for (; value != end && value->first < plan.field->number; ++value) report.unknown_field(value->first);
      if (value == end || value->first != plan.field->number) {
        if (plan.field->required) report.required(*plan.field);
        continue;
      }
      check_value(plan, value->second, report);
      ++value;
    }
    for (; value != end; ++value) report.unknown_field(value->first);
  }

  static void check_value(const FieldPlan& plan, const Value& value, Reporter& report) {
    const FieldType found = type_of(value);
    if (found != plan.field->type) return report.wrong_type(*plan.field, found);
    switch (found) {
      case FieldType::kString: return check_string(plan, std::get<std::string>(value), report);
      case FieldType::kInt64: return check_int64(plan, std::get<std::int64_t>(value), report);
      case FieldType::kDouble: return check_double(plan, std::get<double>(value), report);
      case FieldType::kDecimal: return check_range(plan, std::get<feature::Decimal>(value).text, report);
      case FieldType::kBytes: return check_length(plan, std::get<feature::Bytes>(value).bytes.size(), {}, report);
      case FieldType::kStringList: return check_list(plan, std::get<feature::StringList>(value), report);
      default: return;
    }
  }

  static void check_length(const FieldPlan& plan, std::size_t length, const std::string& value, Reporter& report) {
    const auto& limit = plan.field->max_length;
    if (limit && length > static_cast<std::size_t>(std::max(*limit, 0))) report.too_long(*plan.field, length, value);
  }

  static void check_string(const FieldPlan& plan, const std::string& value, Reporter& report) {
    if (plan.field->max_length) check_length(plan, utf8_length(value), value, report);
    if (!plan.allowed.empty() && !plan.allowed.contains(value)) report.not_allowed(plan, value, {});
  }

  static void check_list(const FieldPlan& plan, const feature::StringList& list, Reporter& report) {
    check_length(plan, list.size(), {}, report);
    if (plan.allowed.empty()) return;
    const auto bad =
        std::find_if(list.begin(), list.end(), [&](const std::string& item) { return !plan.allowed.contains(item); });
    if (bad != list.end()) report.not_allowed(plan, *bad, fmt::format("[{}]", bad - list.begin()));
  }

  static void check_int64(const FieldPlan& plan, std::int64_t value, Reporter& report) {
    if (plan.field->minimum || plan.field->maximum) check_range(plan, std::to_string(value), report);
  }

  static void check_range(const FieldPlan& plan, const std::string& value, Reporter& report) {
    const bool low = !plan.minimum.empty() && compare_decimal(value, plan.minimum) < 0;
    const bool high = !plan.maximum.empty() && compare_decimal(value, plan.maximum) > 0;
    if (low || high) report.out_of_range(plan, value);
  }

  static void check_double(const FieldPlan& plan, double value, Reporter& report) {
    const Field& field = *plan.field;
    if (!std::isfinite(value) && !field.allow_non_finite) return report.not_finite(field, value);
    // NaN is no number of the range and passes; infinities are compared.
    const bool outside = (field.minimum && value < *field.minimum) || (field.maximum && value > *field.maximum);
    if (outside) report.out_of_range(plan, fmt::format("{}", value));
  }

  void check_geometry(const State& state, Reporter& report) const {
    const feature::GeometryRule& rule = schema.geometry;
    if (!state.geometry) {
      if (rule.types.empty() || rule.nullable) return;
      return report.geometry("GEOMETRY_REQUIRED",
                             fmt::format("đối tượng không có hình học; tập dữ liệu này yêu cầu {}", types),
                             fmt::format("the feature has no geometry; this dataset requires {}", types));
    }
    if (rule.types.empty()) {
      return report.geometry("GEOMETRY_NOT_ALLOWED", "tập dữ liệu này không có hình học; hãy bỏ hình học",
                             "this dataset has no geometry; send the feature without one");
    }
    check_form(*state.geometry, report);
    check_place(*state.geometry, report);
  }

  void check_form(const geo::Geometry& geometry, Reporter& report) const {
    if (!schema.geometry.allows(geometry.type)) {
      const std::string_view found = geo::to_string(geometry.type);
      report.geometry("GEOMETRY_WRONG_TYPE",
                      fmt::format("kiểu hình học {} không được phép; chỉ chấp nhận {}; hãy chuyển kiểu trước khi gửi",
                                  found, types),
                      fmt::format("geometry type {} is not allowed; use {}; convert it before sending", found, types));
    }
    if (!schema.geometry.allows(geometry.dimension)) {
      const std::string_view found = geo::to_string(geometry.dimension);
      report.geometry(
          "GEOMETRY_WRONG_DIMENSION",
          fmt::format("số chiều {} không được phép; chỉ chấp nhận {}; hãy thêm hoặc bỏ Z, M", found, dimensions),
          fmt::format("dimension {} is not allowed; use {}; add or drop Z or M", found, dimensions));
    }
  }

  void check_place(const geo::Geometry& geometry, Reporter& report) const {
    if (!coordinates) {
      return report.add(
          kCrsDeclared, "CRS_UNKNOWN", feature::kGeometryName,
          fmt::format("hệ tọa độ \"{}\" của lược đồ không có trong hệ thống; hãy báo người vận hành", cut(schema.crs)),
          fmt::format("the schema's CRS \"{}\" is not known here; tell the operator", cut(schema.crs)));
    }
    if (auto finding = coordinates->check(report.feature_id(), geometry)) report.add(*std::move(finding));
  }
};

SchemaChecker::SchemaChecker(const feature::Schema& schema) : impl_(std::make_unique<const Impl>(schema)) {}
SchemaChecker::SchemaChecker(SchemaChecker&&) noexcept = default;
SchemaChecker& SchemaChecker::operator=(SchemaChecker&&) noexcept = default;
SchemaChecker::~SchemaChecker() = default;

std::vector<Finding> SchemaChecker::check(std::string_view feature_id, const State& state) const {
  Reporter report(feature_id);
  impl_->check_fields(state, report);
  impl_->check_geometry(state, report);
  return report.take();
}

std::vector<Finding> check_state(const feature::Schema& schema, std::string_view feature_id, const State& state) {
  return SchemaChecker(schema).check(feature_id, state);
}

}  // namespace lt::rules
