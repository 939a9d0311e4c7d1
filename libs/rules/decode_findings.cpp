#include "rules/decode_findings.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/schema.hpp"
#include "feature/text.hpp"

namespace lt::rules {
namespace {

struct Text {
  std::string_view reason;
  std::string_view rule;
  std::string_view vi;  // what is wrong and what to do
};

// By reason. docs/errors.md, "Features", is the list that the unit test compares with.
constexpr Text kTexts[] = {
    {"BASE_VERSION_INVALID", "F04",
     "base_version là số âm; hãy bỏ trống (không kiểm tra), gửi 0 (đối tượng chưa tồn tại) hoặc một phiên bản"},
    {"COORDINATES_IMPLAUSIBLE", "C02",
     "tọa độ nằm ngoài phạm vi sử dụng của hệ tọa độ; hãy kiểm tra hệ tọa độ, múi chiếu và thứ tự trục"},
    {"CRS_UNKNOWN", "C01", "hệ tọa độ không có trong hệ thống; hãy báo người vận hành"},
    {"DATASET_UNKNOWN", "F04", "tập dữ liệu nêu trong thay đổi không tồn tại; hãy kiểm tra tên tập dữ liệu"},
    {"DUPLICATE_ID", "P02",
     "mã đối tượng xuất hiện nhiều lần trong cùng một gói thay đổi; mỗi đối tượng chỉ gửi một lần"},
    {"FEATURE_FORM_MIXED", "F04", "thay đổi vừa có record vừa có hình học hoặc thuộc tính; chỉ gửi một trong hai dạng"},
    {"FEATURE_ID_INVALID", "F04",
     "mã đối tượng không phải UTF-8 hợp lệ hoặc chứa ký tự điều khiển; hãy sửa mã ở nguồn"},
    {"FEATURE_ID_MISSING", "F04", "đối tượng không có mã; đơn vị cung cấp phải đặt cho mỗi đối tượng một mã ổn định"},
    {"FEATURE_ID_TOO_LONG", "F04", "mã đối tượng dài quá 128 byte; hãy dùng mã ngắn hơn"},
    {"FEATURE_MISSING", "F04", "thay đổi không kèm đối tượng; hãy gửi đối tượng với ít nhất là mã của nó"},
    {"FEATURE_TOO_LARGE", "F04", "đối tượng vượt quá dung lượng cho phép; hãy đơn giản hóa hoặc chia nhỏ đối tượng"},
    {"FIELD_NOT_IN_MASK", "F04",
     "trường được gửi nhưng không có tên trong update_mask; hãy thêm tên trường hoặc bỏ trường này"},
    {"FIELD_REQUIRED", "F04", "trường bắt buộc không có giá trị; hãy điền giá trị"},
    {"GEOJSON_NEEDS_WGS84", "C01",
     "GeoJSON dùng WGS 84 (EPSG:4326) nhưng phần đầu nêu hệ tọa độ khác; hãy gửi WKT hoặc WKB theo hệ tọa độ đó, hoặc "
     "bỏ "
     "hệ tọa độ trong phần đầu"},
    {"GEOMETRY_CURVE", "G02",
     "hình học là cung, mặt hoặc TIN, không được chấp nhận; hãy chuyển thành các đoạn thẳng trước khi gửi"},
    {"GEOMETRY_MALFORMED", "G01", "không đọc được hình học; hãy kiểm tra định dạng WKT, WKB hoặc GeoJSON"},
    {"GEOMETRY_MIXED_DIMENSION", "G02",
     "các phần của hình học khác số chiều hoặc khác kiểu với toàn thể; hãy làm cho thống nhất"},
    {"GEOMETRY_NOT_ALLOWED", "G02", "tập dữ liệu này không có hình học; hãy bỏ hình học"},
    {"GEOMETRY_NOT_CLOSED", "G01", "đường bao vùng không khép kín: điểm đầu và điểm cuối khác nhau; hãy khép kín"},
    {"GEOMETRY_NOT_FINITE", "G01", "tọa độ không phải số hữu hạn (NaN hoặc vô cực); hãy sửa tọa độ"},
    {"GEOMETRY_NOT_VALID", "G01", "hình học không hợp lệ (tự cắt hoặc vòng sai); hãy sửa hình học ở nguồn"},
    {"GEOMETRY_REQUIRED", "G02", "đối tượng không có hình học; tập dữ liệu này yêu cầu có hình học"},
    {"GEOMETRY_TOO_FEW_POINTS", "G01",
     "hình học có quá ít điểm: đường cần ít nhất hai điểm, đường bao vùng ít nhất bốn điểm; hãy sửa hình học"},
    {"GEOMETRY_TOO_LARGE", "G01",
     "hình học quá lớn: quá nhiều byte, đỉnh, phần hoặc cấp lồng nhau; hãy đơn giản hóa hoặc chia nhỏ"},
    {"GEOMETRY_WRONG_DIMENSION", "G02", "số chiều của hình học không được phép; hãy thêm hoặc bỏ Z, M"},
    {"GEOMETRY_WRONG_TYPE", "G02", "kiểu hình học không được phép; hãy chuyển kiểu trước khi gửi"},
    {"JSON_NOT_OBJECT", "F04", "thuộc tính hoặc GeoJSON không phải là một đối tượng JSON; hãy gửi một đối tượng JSON"},
    {"JSON_TOO_DEEP", "F04", "JSON lồng nhau quá 64 cấp; hãy làm phẳng cấu trúc"},
    {"MASK_NEEDS_UPDATE", "F04", "update_mask chỉ dùng với OPERATION_UPDATE; hãy bỏ update_mask hoặc gửi UPDATE"},
    {"NO_OPERATION", "C01",
     "không có phép chuyển đổi với độ chính xác đã biết từ hệ tọa độ của hình học sang hệ tọa độ của tập dữ liệu; hãy "
     "chuyển đổi trước khi gửi"},
    {"OPERATION_MISSING", "F04", "thay đổi không nêu thao tác hợp lệ; hãy gửi INSERT, UPDATE, UPSERT hoặc DELETE"},
    {"RECORD_IN_OTHER_CRS", "C01",
     "record dùng hệ tọa độ của tập dữ liệu nhưng phần đầu nêu hệ tọa độ khác; hãy gửi WKT hoặc WKB kèm thuộc tính, "
     "hoặc bỏ "
     "hệ tọa độ trong phần đầu"},
    {"RECORD_MALFORMED", "F04", "record không theo đúng dạng chuẩn; hãy sửa chương trình mã hóa"},
    {"SCHEMA_REVISION_UNKNOWN", "F04",
     "record thuộc một bản lược đồ mà tập dữ liệu không có; hãy đọc lại lược đồ của tập dữ liệu"},
    {"SCOPE_OVERFLOW", "D03",
     "bộ lọc phạm vi tính từ đối tượng ra một số vượt quá kiểu của nó nên không biết đối tượng có thuộc phạm vi hay "
     "không; "
     "hãy kiểm tra giá trị hoặc sửa bộ lọc"},
    {"SNAPSHOT_NEEDS_UPSERT", "F04", "ảnh chụp toàn bộ chỉ gồm những gì đang có, nên mỗi thay đổi phải là UPSERT"},
    {"SRID_MISMATCH", "C01",
     "SRID trong hình học khác hệ tọa độ của tập dữ liệu; hãy chuyển hệ tọa độ trước khi gửi hoặc bỏ SRID"},
    {"TEXT_HAS_NUL", "F01", "văn bản chứa ký tự U+0000; hãy bỏ ký tự này"},
    {"TEXT_NOT_UTF8", "F01", "văn bản không phải UTF-8; hãy chuyển mã (TCVN3, VNI, …) trước khi gửi"},
    {"TRANSFORM_FAILED", "C02",
     "tọa độ nằm ngoài phạm vi mà phép chuyển đổi hệ tọa độ thực hiện được; hãy kiểm tra hệ tọa độ và thứ tự trục"},
    {"UNKNOWN_FIELD", "F04", "trường không có trong lược đồ; hãy sửa tên trường hoặc bỏ trường này"},
    {"VALUE_NOT_ALLOWED", "D01", "giá trị không thuộc danh mục; hãy dùng một mã của danh mục"},
    {"VALUE_NOT_FINITE", "D03", "giá trị không phải số hữu hạn; hãy để trống (null) nếu không có số liệu"},
    {"VALUE_OUT_OF_RANGE", "D03",
     "giá trị nằm ngoài khoảng cho phép hoặc ngoài phạm vi của kiểu; hãy kiểm tra giá trị và đơn vị"},
    {"VALUE_TOO_LONG", "F04", "giá trị dài quá mức cho phép; hãy rút ngắn giá trị"},
    {"VALUE_WRONG_TYPE", "F04", "giá trị không đúng kiểu của trường; hãy gửi đúng kiểu của lược đồ"},
};
constexpr std::string_view kOtherRule = "F04";
constexpr std::string_view kOtherText = "thay đổi không được chấp nhận; xem mô tả bằng tiếng Anh";

const Text* text_of(std::string_view reason) {
  const auto found =
      std::find_if(std::begin(kTexts), std::end(kTexts), [&](const Text& t) { return t.reason == reason; });
  return found == std::end(kTexts) ? nullptr : &*found;
}

std::string vietnamese(std::string_view sentence, std::string_view field) {
  if (field.empty() || field == feature::kGeometryName) return std::string(sentence);
  return fmt::format("trường \"{}\": {}", feature::cut(field), sentence);
}

}  // namespace

bool has_vietnamese(std::string_view reason) { return text_of(reason) != nullptr; }

feature::Finding make_finding(std::string_view reason, std::string_view feature_id, std::string_view field,
                              std::string message_en) {
  const Text* text = text_of(reason);
  return {std::string(text != nullptr ? text->rule : kOtherRule),
          feature::Severity::kError,
          std::string(reason),
          std::string(feature_id),
          std::string(field),
          {},
          vietnamese(text != nullptr ? text->vi : kOtherText, field),
          std::move(message_en)};
}

std::vector<feature::Finding> findings_from_status(const absl::Status& status, std::string_view feature_id) {
  if (status.ok()) return {};
  const auto detail = error_detail(status).value_or(ErrorDetail{});
  const auto metadata = [&detail](const char* key) {
    const auto found = detail.metadata.find(key);
    return found == detail.metadata.end() ? std::string() : found->second;
  };
  const std::string named = metadata("feature_id");
  return {make_finding(detail.reason, named.empty() ? feature_id : named, metadata("field"), message_of(status))};
}

}  // namespace lt::rules
