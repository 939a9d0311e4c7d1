// Publishing in a stream, reading back in every form, receipts, cursors, and streams that break.
#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "exchange_support.hpp"
#include "feature/record.hpp"
#include "geo/geometry.hpp"

namespace lt::test {
namespace {

using Code = absl::StatusCode;

/// Anything beyond a few changes goes through the staging table.
exchange::Config staging_config() {
  auto config = exchange_config();
  config.publish_memory_bytes = 4096;
  config.staging_piece_bytes = 64 << 10;
  return config;
}

/// Batch `sequence` of features "s-i", i counting from 0 to size - 1.
v1::PublishRequest points_batch(std::int64_t sequence, int size, int lanes = 2) {
  std::vector<v1::Change> changes;
  for (int i = 0; i < size; ++i) {
    changes.push_back(upsert_point(std::to_string(sequence) + "-" + std::to_string(i), i, lanes));
  }
  return batch_of(sequence, changes);
}

std::vector<v1::PublishRequest> points_messages(const v1::PublishHeader& header, int batches, int size, int lanes = 2) {
  std::vector<v1::PublishRequest> messages{request_of(header)};
  for (int i = 1; i <= batches; ++i) messages.push_back(points_batch(i, size, lanes));
  return messages;
}

/// The names of the .proto file, as grpcurl prints them.
google::protobuf::util::JsonPrintOptions proto_names() {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  return options;
}

/// Hex SHA-256 of the RFC 8785 form of the receipt's JSON without its digest: what jq and sha256sum compute.
std::string digest_of(const v1::Receipt& receipt) {
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(receipt, &text, proto_names()).ok())
    throw std::runtime_error("no JSON");
  auto json = must(parse_json(text));
  json.erase("digest");
  return to_hex(view(sha256(must(canonical_json(json)))));
}

/// A line of so many vertices in test.shapes, as a record of 16 bytes a vertex.
std::string line_record(std::uint32_t vertices) {
  std::string wkb("\x01\x02\x00\x00\x00", 5);
  append_u32(wkb, vertices);
  for (std::uint32_t i = 0; i < vertices; ++i) {
    for (const double ordinate : {500000 + i * 0.25, 2000000 + i * 0.5}) {
      char bytes[sizeof ordinate];
      std::memcpy(bytes, &ordinate, sizeof ordinate);
      wkb.append(bytes, sizeof bytes);
    }
  }
  feature::State state;
  state.geometry = must(geo::parse_wkb(wkb));
  state.properties[1] = std::string("long");
  return feature::encode_record(1, state);
}

v1::Change with_record(const std::string& id, const std::string& record) {
  v1::Change made;
  made.set_op(v1::OPERATION_UPSERT);
  made.mutable_feature()->set_id(id);
  made.mutable_feature()->set_record(record);
  return made;
}

TEST_CASE("a stream of many batches goes through staging and makes one version") {
  ExchangeFixture exchange(staging_config());
  int progress = 0;
  const auto receipt = must(exchange.publish_stream(points_messages(exchange.header(), 30, 50), &progress));
  CHECK(progress > 0);
  CHECK(receipt.counts().inserted() == 1500);
  CHECK(receipt.changed());
  REQUIRE(receipt.datasets_size() == 1);
  CHECK(receipt.datasets(0).version() == 1);
  const auto dataset = must(exchange.dataset());
  CHECK(dataset.head() == 1);
  CHECK(dataset.feature_count() == 1500);
  CHECK(dataset.head_digest() == receipt.digest());
  const auto snapshot = must(exchange.snapshot(R"({"dataset":"test.points"})"));
  CHECK(snapshot.entries.size() == 1500);
  CHECK(snapshot.end.count() == 1500);
  // The table is dropped before the receipt's stream ends, or shortly after.
  CHECK(
      wait_until([&] { return exchange.staged_tables() == 0 && exchange.attempts() == 0; }, std::chrono::seconds(20)));
}

TEST_CASE("an empty stream is a changeset without effect") {
  ExchangeFixture exchange;
  const auto receipt = must(exchange.publish_stream({request_of(exchange.header())}));
  CHECK_FALSE(receipt.changed());
  CHECK(receipt.commit_id().empty());
  CHECK(must(exchange.dataset()).head() == 0);
}

/// Opens a Publish, sends batches until they are staged, and leaves the stream open.
class HalfDone {
 public:
  HalfDone(ExchangeFixture& exchange, v1::ExchangeService::Stub& stub) : call_(ExchangeFixture::context()) {
    stream_ = stub.Publish(call_.get());
    const auto messages = points_messages(exchange.header(), 20, 50);
    for (const auto& message : messages) REQUIRE(stream_->Write(message));
    REQUIRE(wait_until([&] { return exchange.staged_tables() == 1 && exchange.attempts() == 1; }));
  }
  grpc::ClientContext& call() { return *call_; }
  absl::Status finish() { return rpc::from_grpc_status(stream_->Finish()); }

 private:
  std::unique_ptr<grpc::ClientContext> call_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PublishRequest, v1::PublishResponse>> stream_;
};

void require_nothing_left(ExchangeFixture& exchange, const std::string& before) {
  CHECK(
      wait_until([&] { return exchange.staged_tables() == 0 && exchange.attempts() == 0; }, std::chrono::seconds(30)));
  CHECK(exchange.stored() == before);
}

TEST_CASE("a stream that the client cancels leaves nothing behind") {
  ExchangeFixture exchange(staging_config());
  const std::string before = exchange.stored();
  HalfDone half(exchange, *exchange.stub_);
  half.call().TryCancel();
  CHECK(half.finish().code() == Code::kCancelled);
  require_nothing_left(exchange, before);
}

/// Passes bytes between one client and the exchange until cut() resets both connections.
class Wire {
 public:
  explicit Wire(const std::string& target)
      : listener_(::socket(AF_INET, SOCK_STREAM, 0)), target_port_(std::stoi(target.substr(target.rfind(':') + 1))) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { run(); });
  }
  ~Wire() { cut(); }
  const std::string& address() const { return address_; }
  void cut() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }
  static bool pass(int from, int to) {
    char bytes[16384];
    const ssize_t n = ::recv(from, bytes, sizeof bytes, 0);
    for (ssize_t sent = 0; sent < n;) {
      const ssize_t m = ::send(to, bytes + sent, static_cast<std::size_t>(n - sent), MSG_NOSIGNAL);
      if (m <= 0) return false;
      sent += m;
    }
    return n > 0;
  }
  static void reset(int socket) {
    const linger hard{1, 0};  // close() sends RST instead of FIN
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(socket);
  }
  void run() {
    constexpr int kPollMs = 20;
    pollfd waiting{listener_, POLLIN, 0};
    while (!stop_ && ::poll(&waiting, 1, kPollMs) == 0) {
    }
    if (!stop_) {
      const int client = ::accept(listener_, nullptr, nullptr);
      const int server = ::socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in address = loopback(target_port_);
      bool open = ::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
      while (open && !stop_) {
        pollfd ends[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
        ::poll(ends, 2, kPollMs);
        if (ends[0].revents != 0) open = pass(client, server);
        if (open && ends[1].revents != 0) open = pass(server, client);
      }
      reset(client);
      reset(server);
    }
    ::close(listener_);
  }

  const int listener_;
  const int target_port_;
  std::string address_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST_CASE("a stream whose connection is reset leaves nothing behind") {
  ExchangeFixture exchange(staging_config());
  const std::string before = exchange.stored();
  Wire wire(exchange.exchange_->address());
  const auto stub = v1::ExchangeService::NewStub(rpc::make_channel(wire.address()));
  HalfDone half(exchange, *stub);
  wire.cut();
  CHECK(half.finish().code() == Code::kUnavailable);
  require_nothing_left(exchange, before);
}

TEST_CASE("the same changeset again gives the identical receipt") {
  ExchangeFixture exchange(staging_config());
  auto header = exchange.header();
  header.set_message("lần đầu");
  const auto messages = points_messages(header, 10, 20);
  const auto first = must(exchange.publish_stream(messages));
  const std::string after_first = exchange.stored();

  SECTION("without a content hash: everything is sent and hashed again") {
    CHECK(same(must(exchange.publish_stream(messages)), first));
  }
  SECTION("with the content hash: the header is enough") {
    header.set_content_sha256(first.content_sha256());
    CHECK(same(must(exchange.publish_stream({request_of(header)})), first));
    CHECK(same(must(exchange.publish(header, {})), first));
  }
  SECTION("with the content hash in upper case") {
    std::string upper = first.content_sha256();
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    header.set_content_sha256(upper);
    CHECK(same(must(exchange.publish_stream({request_of(header)})), first));
  }
  SECTION("in other batches: where they are cut is no part of the content") {
    std::vector<v1::PublishRequest> whole{request_of(header), batch_of(1, {})};
    for (std::size_t i = 1; i < messages.size(); ++i) {
      whole[1].mutable_batch()->mutable_changes()->MergeFrom(messages[i].batch().changes());
    }
    CHECK(same(must(exchange.publish_stream(whole)), first));
  }
  SECTION("with other content it is refused, with the hash or without") {
    REQUIRE_ERROR(exchange.publish_stream(points_messages(header, 10, 20, 3)), Code::kAlreadyExists,
                  "CHANGESET_ID_REUSED");
    header.set_content_sha256(std::string(64, '0'));
    REQUIRE_ERROR(exchange.publish_stream({request_of(header)}), Code::kAlreadyExists, "CHANGESET_ID_REUSED");
  }
  CHECK(exchange.stored() == after_first);
}

TEST_CASE("another organisation may use the same changeset id") {
  ExchangeFixture exchange;
  const auto header = exchange.header();
  const auto ours = must(exchange.publish(header, {upsert_point("a", 0)}));
  const auto theirs = must(exchange.publish(header, {upsert_point("a", 1)}, "operator"));
  CHECK(theirs.datasets(0).version() == 2);
  CHECK(same(must(exchange.changeset(R"({"changesetId":")" + header.changeset_id() + "\"}")), ours));
  CHECK(
      same(must(exchange.changeset(R"({"changesetId":")" + header.changeset_id() + R"(","organisation":"operator"})")),
           theirs));
}

TEST_CASE("a declared content hash that fits is accepted") {
  ExchangeFixture exchange;
  auto header = exchange.header();
  auto trial = header;
  trial.set_dry_run(true);
  header.set_content_sha256(must(exchange.publish(trial, {upsert_point("a", 0)})).content_sha256());
  CHECK(must(exchange.publish(header, {upsert_point("a", 0)})).changed());
}

TEST_CASE("a dry run checks and counts and keeps nothing") {
  ExchangeFixture exchange(staging_config());
  must(exchange.publish({upsert_point("1-0", 0), upsert_point("1-1", 1), upsert_point("gone", 2)}));
  const std::string before = exchange.stored();
  auto header = exchange.header();
  header.set_dry_run(true);
  auto messages = points_messages(header, 5, 20);
  messages.push_back(batch_of(6, {delete_of("gone")}));
  const auto trial = must(exchange.publish_stream(messages));
  CHECK(trial.changed());
  CHECK(trial.digest().empty());
  CHECK(trial.commit_id().empty());
  CHECK(trial.counts().inserted() == 98);
  CHECK(trial.counts().unchanged() == 2);
  CHECK(trial.counts().deleted() == 1);
  CHECK(exchange.stored() == before);
  auto conflicting = upsert_point("1-0", 5);
  conflicting.set_op(v1::OPERATION_INSERT);
  auto bad = exchange.header();
  bad.set_dry_run(true);
  REQUIRE_ERROR(exchange.publish(bad, {conflicting}), Code::kAlreadyExists, "FEATURE_EXISTS");
  // The id is not used up.
  messages[0].mutable_header()->set_dry_run(false);
  const auto real = must(exchange.publish_stream(messages));
  CHECK(real.datasets(0).version() == 2);
  CHECK(real.content_sha256() == trial.content_sha256());
  CHECK(same(real.counts(), trial.counts()));
}

TEST_CASE("a feature over 4 MiB travels in parts both ways and keeps its bytes") {
  ExchangeFixture exchange;
  const std::string record = line_record(300'000);
  REQUIRE(record.size() > (4U << 20));
  std::vector<v1::PublishRequest> messages{request_of(exchange.header("test.shapes")),
                                           batch_of(1, {with_record("a-small", line_record(2))})};
  for (const auto& part : wire::split_into_parts(with_record("large", record).SerializeAsString(), 2)) {
    messages.push_back(request_of(part));
  }
  messages.push_back(batch_of(3, {with_record("z-small", line_record(3))}));
  CHECK(must(exchange.publish_stream(messages)).counts().inserted() == 3);

  const auto snapshot = must(exchange.snapshot(R"({"dataset":"test.shapes","form":"FEATURE_FORM_RECORD"})"));
  REQUIRE(snapshot.entries.size() == 3);
  CHECK(snapshot.parts > 4);
  CHECK(snapshot.end.count() == 3);
  CHECK(snapshot.entries[0].id() == "a-small");
  CHECK(snapshot.entries[1].id() == "large");
  CHECK(snapshot.entries[1].record() == record);
  CHECK(snapshot.entries[2].id() == "z-small");

  const auto diff = must(exchange.diff(R"({"dataset":"test.shapes","form":"FEATURE_FORM_RECORD"})"));
  REQUIRE(diff.entries.size() == 3);
  CHECK(diff.parts > 4);
  CHECK(diff.entries[1].op() == v1::ENTRY_OP_INSERT);
  CHECK(diff.entries[1].feature().record() == record);

  const auto refused = exchange.feature(R"({"dataset":"test.shapes","id":"large","form":"FEATURE_FORM_RECORD"})");
  REQUIRE_ERROR(refused, Code::kOutOfRange, "FEATURE_TOO_LARGE");
  CHECK(metadata_of(refused.status(), "feature_id") == "large");

  const auto wkb = must(exchange.snapshot(R"({"dataset":"test.shapes","form":"FEATURE_FORM_WKB"})"));
  REQUIRE(wkb.entries.size() == 3);
  CHECK(wkb.entries[1].wkb() == must(feature::decode_record(record)).state.geometry->wkb);
}

TEST_CASE("every form reads back the same state and may be published again without effect") {
  ExchangeFixture exchange;
  std::vector<v1::Change> changes;
  for (const char* wkt : {"POINT (105.8542 21.0285)", "POINT EMPTY", "LINESTRING (0.1 0.2, -179.99999999999997 1e-7)",
                          "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 1 2, 2 2, 1 1))", "MULTIPOINT ((1 2), (3 4))",
                          "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))", "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))",
                          "GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (3 4, 5 6))"}) {
    changes.push_back(change(R"({"op":"OPERATION_UPSERT","feature":{"id":"f)" + std::to_string(changes.size()) +
                             R"(","wkt":")" + wkt +
                             R"(","properties":{"name":"Cầu Sài Gòn","number":"9007199254740993"}}})"));
  }
  changes.push_back(change(R"({"op":"OPERATION_UPSERT","feature":{"id":"null","properties":{}}})"));
  must(exchange.publish(exchange.header("test.world"), changes));

  const auto records = must(exchange.snapshot(R"({"dataset":"test.world","form":"FEATURE_FORM_RECORD"})")).entries;
  REQUIRE(records.size() == changes.size());
  for (const char* form : {"GEOJSON", "WKT", "WKB", "RECORD"}) {
    INFO(form);
    const auto answer =
        must(exchange.snapshot(R"({"dataset":"test.world","form":"FEATURE_FORM_)" + std::string(form) + "\"}"));
    CHECK(answer.header.crs() == "EPSG:4326");
    CHECK(answer.header.operation() == "identity");
    REQUIRE(answer.entries.size() == changes.size());
    std::vector<v1::Change> again;
    for (const auto& feature : answer.entries) {
      again.emplace_back();
      again.back().set_op(v1::OPERATION_UPSERT);
      *again.back().mutable_feature() = feature;
    }
    const auto receipt = must(exchange.publish(exchange.header("test.world"), again));
    CHECK(receipt.counts().unchanged() == static_cast<std::int64_t>(changes.size()));
    CHECK_FALSE(receipt.changed());
    for (std::size_t i = 0; i < answer.entries.size(); ++i) CHECK(answer.entries[i].id() == records[i].id());
  }
  const auto wkt = must(exchange.snapshot(R"({"dataset":"test.world","form":"FEATURE_FORM_WKT"})")).entries;
  const auto wkb = must(exchange.snapshot(R"({"dataset":"test.world","form":"FEATURE_FORM_WKB"})")).entries;
  for (std::size_t i = 0; i + 1 < wkt.size(); ++i) {
    const auto state = must(feature::decode_record(records[i].record())).state;
    CHECK(must(geo::parse_wkt(wkt[i].wkt())).wkb == state.geometry->wkb);
    CHECK(wkb[i].wkb() == state.geometry->wkb);
    CHECK(same(wkt[i].properties(), wkb[i].properties()));
    CHECK(wkt[i].properties().fields().at("number").string_value() == "9007199254740993");
  }
}

TEST_CASE("GeoJSON of a VN-2000 dataset is WGS 84 by EPSG:6960") {
  ExchangeFixture exchange;
  must(exchange.publish(
      exchange.header("test.stations"),
      {change(R"j({"op":"OPERATION_UPSERT","feature":{"id":"hn","wkt":"POINT (105.8542 21.0285)"}})j"),
       change(R"j({"op":"OPERATION_UPSERT","feature":{"id":"south","wkt":"POINT (106.7009 11.0395)"}})j")}));
  const auto answer = must(exchange.snapshot(R"({"dataset":"test.stations"})"));
  CHECK(answer.header.crs() == "EPSG:4326");
  CHECK(answer.header.operation() == "EPSG:6960");
  REQUIRE(answer.entries.size() == 2);
  constexpr double kDegrees = 1e-9;  // the precision of the check points of docs/data-model.md
  const auto at = [&](std::size_t entry, int ordinate) {
    return answer.entries[entry].geojson().fields().at("coordinates").list_value().values(ordinate).number_value();
  };
  CHECK(std::abs(at(0, 0) - 105.856082643) <= kDegrees);
  CHECK(std::abs(at(0, 1) - 21.027513982) <= kDegrees);
  CHECK(std::abs(at(1, 0) - 106.702687820) <= kDegrees);
  CHECK(std::abs(at(1, 1) - 11.038481668) <= kDegrees);

  const auto one = must(exchange.feature(R"({"dataset":"test.stations","id":"hn"})"));
  CHECK(one.crs() == "EPSG:4326");
  CHECK(one.operation() == "EPSG:6960");
  CHECK(same(one.feature(), answer.entries[0]));
  const auto stored = must(exchange.feature(R"({"dataset":"test.stations","id":"hn","form":"FEATURE_FORM_WKT"})"));
  CHECK(stored.crs() == "EPSG:4756");
  CHECK(stored.operation() == "identity");
  CHECK(stored.feature().wkt() == "POINT (105.8542 21.0285)");

  // A grid goes by the same datum step.
  must(exchange.publish({upsert_point("a", 0)}));
  CHECK(must(exchange.snapshot(R"({"dataset":"test.points"})")).header.operation().find("EPSG:6960") !=
        std::string::npos);
}

TEST_CASE("a cursor continues where it stands, also after a restart of the exchange") {
  ExchangeFixture exchange;
  const std::string empty = must(exchange.diff(R"({"dataset":"test.points"})")).end.cursor();
  REQUIRE_FALSE(empty.empty());
  must(exchange.publish({upsert_point("a", 0), upsert_point("b", 0)}));
  const auto first = must(exchange.diff(R"({"dataset":"test.points"})"));
  must(exchange.publish({upsert_point("a", 1)}));
  must(exchange.publish({delete_of("b"), upsert_point("c", 0)}));

  exchange.exchange_.reset();
  auto config = exchange_config();
  config.database = exchange.database_.url();
  exchange.exchange_ = must(exchange::Exchange::start(config));
  exchange.stub_ = v1::ExchangeService::NewStub(rpc::make_channel(exchange.exchange_->address()));

  const auto by_cursor = must(exchange.diff(R"({"dataset":"test.points","cursor":")" + first.end.cursor() + "\"}"));
  const auto by_version = must(exchange.diff(R"({"dataset":"test.points","fromVersion":"1"})"));
  CHECK(by_cursor.header.from_version() == 1);
  CHECK(same(by_cursor.header, by_version.header));
  CHECK(same(by_cursor.end, by_version.end));
  REQUIRE(by_cursor.entries.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(same(by_cursor.entries[i], by_version.entries[i]));

  const auto nothing = must(exchange.diff(R"({"dataset":"test.points","cursor":")" + by_cursor.end.cursor() + "\"}"));
  CHECK(nothing.entries.empty());
  CHECK(nothing.end.count() == 0);
  CHECK(nothing.end.cursor() == by_cursor.end.cursor());
  // From the cursor of the empty dataset: everything.
  CHECK(must(exchange.diff(R"({"dataset":"test.points","cursor":")" + empty + "\"}")).entries.size() == 2);
  // A snapshot's cursor stands at the same place as a diff's.
  CHECK(must(exchange.snapshot(R"({"dataset":"test.points"})")).end.cursor() == by_cursor.end.cursor());
  // StreamChanges takes it too, and shows every change.
  const auto changes = must(exchange.changes(R"({"dataset":"test.points","cursor":")" + first.end.cursor() + "\"}"));
  CHECK(changes.entries.size() == 3);
}

TEST_CASE("a diff is net and shows the state before on request") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 0), upsert_point("b", 0)}));
  must(exchange.publish({upsert_point("a", 1), upsert_point("short-lived", 0)}));
  must(exchange.publish({upsert_point("a", 2), delete_of("b"), delete_of("short-lived")}));
  const auto diff = must(
      exchange.diff(R"({"dataset":"test.points","fromVersion":"1","includeBefore":true,"form":"FEATURE_FORM_WKT"})"));
  const auto point = [](int x) {
    return geo::to_wkt(must(geo::parse_wkt("POINT (" + std::to_string(x) + " 2000000)")));
  };
  REQUIRE(diff.entries.size() == 2);
  CHECK(diff.entries[0].op() == v1::ENTRY_OP_UPDATE);
  CHECK(diff.entries[0].feature().wkt() == point(500002));
  CHECK(diff.entries[0].feature().version() == 3);
  CHECK(diff.entries[0].before().wkt() == point(500000));
  CHECK(diff.entries[1].op() == v1::ENTRY_OP_DELETE);
  CHECK(diff.entries[1].feature().id() == "b");
  CHECK_FALSE(diff.entries[1].feature().has_wkt());
  CHECK(diff.entries[1].before().wkt() == point(500000));
  CHECK(must(exchange.changes(R"({"dataset":"test.points","fromVersion":"1"})")).entries.size() == 5);
}

TEST_CASE("GetFeature gives the state at any version") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 0, 1)}));
  must(exchange.publish({upsert_point("other", 0)}));
  must(exchange.publish({upsert_point("a", 0, 3)}));
  must(exchange.publish({delete_of("a")}));
  const auto at = [&](const std::string& version) {
    return exchange.feature(R"({"dataset":"test.points","id":"a","version":")" + version + "\"}");
  };
  REQUIRE_ERROR(at("0"), Code::kNotFound, "FEATURE_NOT_FOUND");
  const auto lanes = [&](const std::string& version) {
    return must(at(version)).feature().properties().fields().at("lanes").number_value();
  };
  CHECK(lanes("1") == 1);
  CHECK(lanes("2") == 1);
  CHECK(must(at("2")).feature().version() == 1);
  CHECK(lanes("3") == 3);
  CHECK(must(at("3")).feature().version() == 3);
  REQUIRE_ERROR(at("4"), Code::kNotFound, "FEATURE_NOT_FOUND");
  REQUIRE_ERROR(exchange.feature(R"({"dataset":"test.points","id":"a"})"), Code::kNotFound, "FEATURE_NOT_FOUND");
}

TEST_CASE("changesets are listed in pages, newest first") {
  ExchangeFixture exchange;
  std::vector<v1::Receipt> receipts;
  for (int i = 0; i < 5; ++i) receipts.push_back(must(exchange.publish({upsert_point("a", i)})));
  must(exchange.publish({upsert_point("a", 4)}));  // without effect: not listed
  std::vector<v1::Receipt> listed;
  std::vector<int> sizes;
  std::string token;
  do {
    const auto page =
        must(exchange.list_changesets(R"({"dataset":"test.points","pageSize":2,"pageToken":")" + token + "\"}"));
    for (const auto& one : page.changesets()) listed.push_back(one.receipt());
    sizes.push_back(page.changesets_size());
    token = page.next_page_token();
  } while (!token.empty());
  CHECK(sizes == std::vector<int>{2, 2, 1});
  REQUIRE(listed.size() == receipts.size());
  for (std::size_t i = 0; i < listed.size(); ++i) CHECK(same(listed[i], receipts[receipts.size() - 1 - i]));
}

TEST_CASE("a changeset is found by version and by id") {
  ExchangeFixture exchange;
  const auto first = must(exchange.publish({upsert_point("a", 0)}));
  const auto second = must(exchange.publish({upsert_point("a", 1)}));
  const auto without_effect = must(exchange.publish({upsert_point("a", 1)}));
  CHECK(same(must(exchange.changeset(R"({"dataset":"test.points","version":"1"})")), first));
  CHECK(same(must(exchange.changeset(R"({"dataset":"test.points","version":"2"})")), second));
  CHECK(same(must(exchange.changeset(R"({"changesetId":")" + without_effect.changeset_id() + "\"}")), without_effect));
  // Anybody may look a changeset up who names its publisher; one's own ids need no name.
  const std::string by_id = R"({"changesetId":")" + first.changeset_id() + "\"";
  REQUIRE_ERROR(exchange.changeset(by_id + "}", "environment"), Code::kNotFound, "CHANGESET_UNKNOWN");
  CHECK(same(must(exchange.changeset(by_id + R"(,"organisation":"transport"})", "environment")), first));
}

TEST_CASE("the digest of a receipt is that of its JSON and chains the versions") {
  ExchangeFixture exchange;
  auto header = exchange.header();
  header.set_message("Cập nhật \"quý 1\"\n€ 😀");
  const auto first = must(exchange.publish(header, {upsert_point("a", 0)}));
  const auto second = must(exchange.publish({upsert_point("a", 1), upsert_point("b", 1)}));
  const auto without_effect = must(exchange.publish({upsert_point("a", 1)}));
  for (const auto& receipt : {first, second, without_effect}) CHECK(digest_of(receipt) == receipt.digest());
  CHECK(first.datasets(0).previous_digest().empty());
  CHECK(second.datasets(0).previous_digest() == first.digest());
  CHECK(without_effect.datasets(0).previous_digest().empty());
  CHECK(without_effect.datasets(0).version() == 2);
  CHECK(must(exchange.dataset()).head_digest() == second.digest());
}

}  // namespace
}  // namespace lt::test
