#include "wire/receipt.hpp"

#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "wire_support.hpp"

namespace {

namespace v1 = lienthong::v1;
using lt::feature::Receipt;

Receipt full_receipt() {
  Receipt receipt;
  receipt.commit_id = "0193-commit";
  receipt.attempt_id = "0193-attempt";
  receipt.changeset_id = "2026-11/đợt 1";
  receipt.organisation = "transport";
  receipt.message = "Cập nhật \"QL1\" <&> \u2028 \t";
  receipt.committed_us = 1'795'000'000'123'456;
  receipt.changed = true;
  receipt.datasets = {{"transport.road_segment", "uid-1", 9'007'199'254'740'993, "ab12"},
                      {"transport.bridge", "uid-2", 1, ""}};
  receipt.counts = {1, 2, 3, 4, 5, 6};
  receipt.content_sha256 = "00ff";
  receipt.digest = lt::feature::receipt_digest(receipt);
  return receipt;
}

/// The names of the .proto file, as grpcurl prints them.
google::protobuf::util::JsonPrintOptions proto_names() {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  return options;
}

nlohmann::json proto_json(const Receipt& receipt) {
  v1::Receipt proto;
  lt::wire::receipt_to_proto(receipt, &proto);
  std::string text;
  REQUIRE(google::protobuf::util::MessageToJsonString(proto, &text, proto_names()).ok());
  return nlohmann::json::parse(text);
}

TEST_CASE("the proto3 JSON of a receipt is the JSON that its digest is made of") {
  Receipt receipt = full_receipt();
  SECTION("with everything") {}
  SECTION("with nothing but defaults") { receipt = Receipt(); }
  SECTION("of a changeset without changes") {
    receipt.changed = false;
    receipt.counts = {};
  }
  SECTION("of a changeset without effect") {
    receipt.changed = false;
    receipt.commit_id.clear();
    receipt.counts = {};
    receipt.counts.unchanged = 7;
  }
  SECTION("at a whole second") { receipt.committed_us = 1'795'000'000'000'000; }
  SECTION("at a whole millisecond") { receipt.committed_us = 1'795'000'000'120'000; }
  SECTION("before 1970") { receipt.committed_us = -1; }
  CHECK(proto_json(receipt) == lt::feature::receipt_to_json(receipt));
}

TEST_CASE("anyone can check the digest on the proto3 JSON") {
  auto json = proto_json(full_receipt());
  const auto digest = json["digest"].get<std::string>();
  json.erase("digest");
  CHECK(lt::to_hex(lt::view(lt::sha256(*lt::canonical_json(json)))) == digest);
}

TEST_CASE("a receipt is the same after a round trip") {
  const Receipt receipt = GENERATE(full_receipt(), Receipt());
  v1::Receipt proto;
  proto.set_organisation("left over");
  lt::wire::receipt_to_proto(receipt, &proto);
  const auto back = lt::wire::receipt_from_proto(proto);
  REQUIRE(back.ok());
  CHECK(*back == receipt);
}

TEST_CASE("a commit time that is no time in microseconds is refused") {
  v1::Receipt proto;
  lt::wire::receipt_to_proto(full_receipt(), &proto);
  SECTION("finer than a microsecond") { proto.mutable_committed_at()->set_nanos(1); }
  SECTION("negative nanoseconds") { proto.mutable_committed_at()->set_nanos(-1000); }
  SECTION("a second of nanoseconds") { proto.mutable_committed_at()->set_nanos(1'000'000'000); }
  SECTION("beyond the year 9999") { proto.mutable_committed_at()->set_seconds(253'402'300'800); }
  const auto read = lt::wire::receipt_from_proto(proto);
  CHECK(read.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(read.status()) == "RECEIPT_MALFORMED");
}

}  // namespace
