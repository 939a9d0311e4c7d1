// Canonical records: what is stored, and what programs publish and read.
#include "base/status.hpp"
#include "feature/record.hpp"
#include "support.hpp"

namespace {
constexpr lt::geo::GeometryLimits kSmall{.max_bytes = 512, .max_vertices = 16, .max_parts = 4, .max_depth = 1};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lt;
  const std::string_view record = fuzz::text_of(data, size);
  const auto stored = feature::decode_record(record);
  const auto sent = feature::decode_record(record, geo::GeometryLimits{});
  const auto small = feature::decode_record(record, kSmall);
  if (!sent.ok()) fuzz::require_refusal(sent.status());
  if (!small.ok()) fuzz::require_refusal(small.status());
  if (!stored.ok()) {
    fuzz::require(error_reason(stored.status()) == "RECORD_MALFORMED", "a record that cannot be read is malformed");
    fuzz::require(!sent.ok() && !small.ok(), "limits accept nothing more");
    return 0;
  }
  fuzz::require(feature::encode_record(stored->schema_revision, stored->state) == record, "a record has one form");
  fuzz::require_state(stored->state);
  for (const auto* limited : {&sent, &small}) {
    if (limited->ok()) {
      fuzz::require(feature::encode_record((*limited)->schema_revision, (*limited)->state) == record,
                    "limits do not change what is read");
    } else {
      fuzz::require(error_reason(limited->status()) == "GEOMETRY_TOO_LARGE", "limits give no other error");
    }
  }
  return 0;
}
