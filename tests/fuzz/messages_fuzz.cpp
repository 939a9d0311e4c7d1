// The other messages that peers send and that are read into the domain: header of a changeset, schema, receipt, pieces.
#include <google/protobuf/util/message_differencer.h>

#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "feature/receipt.hpp"
#include "feature/schema.hpp"
#include "support.hpp"
#include "wire/catalog.hpp"
#include "wire/change.hpp"
#include "wire/parts.hpp"
#include "wire/receipt.hpp"

namespace {

using namespace lt;
namespace v1 = lienthong::v1;

void require_header(const v1::PublishHeader& proto) {
  const auto header = wire::header_from_proto(proto);
  if (!header.ok()) return fuzz::require_refusal(header.status());
  fuzz::require(feature::check_changeset_id(header->changeset_id).ok(), "an accepted changeset id is one");
  v1::PublishHeader written, written_again;
  wire::header_to_proto(*header, &written);
  const auto again = wire::header_from_proto(written);
  fuzz::require(again.ok(), "a header reads back");
  wire::header_to_proto(*again, &written_again);
  fuzz::require(google::protobuf::util::MessageDifferencer::Equals(written, written_again), "a header is kept");
}

void require_schema(const v1::Schema& proto) {
  const auto schema = wire::schema_from_proto(proto);
  if (!schema.ok()) return fuzz::require_refusal(schema.status());
  const auto checked = feature::check_schema(*schema);
  if (!checked.ok()) return fuzz::require_refusal(checked);
  v1::Schema written;
  wire::schema_to_proto(*schema, &written);
  const auto again = wire::schema_from_proto(written);
  fuzz::require(again.ok() && *again == *schema, "a schema that can be stored reads back from its message");
  const auto from_json = feature::schema_from_json(feature::schema_to_json(*schema));
  fuzz::require(from_json.ok() && *from_json == *schema, "a schema that can be stored reads back from its JSON");
}

void require_receipt(const v1::Receipt& proto) {
  const auto receipt = wire::receipt_from_proto(proto);
  if (!receipt.ok()) return fuzz::require_refusal(receipt.status());
  v1::Receipt written;
  wire::receipt_to_proto(*receipt, &written);
  const auto again = wire::receipt_from_proto(written);
  fuzz::require(again.ok() && *again == *receipt, "a receipt reads back from its message");
  fuzz::require(feature::receipt_digest(*again) == feature::receipt_digest(*receipt), "a receipt's digest is stable");
}

void require_pieces(std::string_view bytes) {
  if (bytes.empty()) return;
  wire::PartAssembler assembler;
  constexpr std::size_t kPiece = 16;
  std::optional<std::string> whole;
  for (const auto& part : wire::split_into_parts(bytes, 1, kPiece)) {
    auto added = assembler.add(part);
    fuzz::require(added.ok(), "a piece of what was divided is accepted");
    whole = *std::move(added);
  }
  fuzz::require(whole == bytes && assembler.check_complete().ok(), "what was divided comes together again");
}

template <typename Message, typename Require>
void with_message(std::string_view bytes, const Require& property) {
  Message message;
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) property(message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  with_message<v1::PublishHeader>(bytes, require_header);
  with_message<v1::Schema>(bytes, require_schema);
  with_message<v1::Receipt>(bytes, require_receipt);
  with_message<v1::FeaturePart>(bytes, [](const v1::FeaturePart& part) {
    wire::PartAssembler assembler;
    const auto added = assembler.add(part);
    if (!added.ok()) fuzz::require_refusal(added.status());
  });
  require_pieces(bytes);
  return 0;
}
