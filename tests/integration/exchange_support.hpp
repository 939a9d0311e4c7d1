// A real exchange on a database of its own, and what a publisher and a reader do with it over a loopback socket.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/grpcpp.h>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "exchange/exchange.hpp"
#include "lienthong/v1/catalog_service.grpc.pb.h"
#include "lienthong/v1/exchange_service.grpc.pb.h"
#include "rpc/channel.hpp"
#include "rpc/errors.hpp"
#include "storage/catalog.hpp"
#include "support/status.hpp"
#include "support/temp_database.hpp"
#include "support/wait_until.hpp"
#include "wire/parts.hpp"

namespace lt::test {

namespace v1 = lienthong::v1;

inline absl::Status migrate_exchange(const std::string& url) {
  pg::ConnectOptions options;
  options.url = url;
  LT_ASSIGN_OR_RETURN(auto connection, pg::Connection::open(options));
  return storage::migrate_database(connection);
}

/// `Message` written as proto3 JSON; throws when it is none.
template <typename Message>
Message from_json(const std::string& json) {
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  if (!status.ok()) throw std::runtime_error(json.substr(0, 300) + ": " + status.ToString());
  return message;
}
inline v1::Change change(const std::string& json) { return from_json<v1::Change>(json); }

/// An UPSERT of a feature of test.points.
inline v1::Change upsert_point(const std::string& id, int x, int lanes = 2, const std::string& name = "a") {
  return change(R"({"op":"OPERATION_UPSERT","feature":{"id":")" + id + R"(","wkt":"POINT ()" +
                std::to_string(500000 + x) + R"j( 2000000)","properties":{"name":")j" + name + R"(","lanes":)" +
                std::to_string(lanes) + "}}}");
}
inline v1::Change delete_of(const std::string& id) {
  return change(R"({"op":"OPERATION_DELETE","feature":{"id":")" + id + R"("}})");
}

inline std::string metadata_of(const absl::Status& status, const std::string& key) {
  const auto detail = error_detail(status);
  if (!detail) return "(no detail)";
  const auto found = detail->metadata.find(key);
  return found == detail->metadata.end() ? "" : found->second;
}

inline bool same(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

inline v1::PublishRequest request_of(const v1::PublishHeader& header) {
  v1::PublishRequest request;
  *request.mutable_header() = header;
  return request;
}
inline v1::PublishRequest batch_of(std::int64_t sequence, const std::vector<v1::Change>& changes) {
  v1::PublishRequest request;
  request.mutable_batch()->set_sequence(sequence);
  for (const auto& one : changes) *request.mutable_batch()->add_changes() = one;
  return request;
}
inline v1::PublishRequest request_of(const v1::FeaturePart& part) {
  v1::PublishRequest request;
  *request.mutable_feature_part() = part;
  return request;
}

inline v1::PublishRequest end_of(std::int64_t changes) {
  v1::PublishRequest request;
  request.mutable_end()->set_changes(changes);
  return request;
}
/// The end that fits these messages: one change for each in a batch and for each last part.
inline v1::PublishRequest end_of(const std::vector<v1::PublishRequest>& messages) {
  std::int64_t changes = 0;
  for (const auto& message : messages) {
    const auto& part = message.feature_part();
    changes += message.batch().changes_size();
    if (message.has_feature_part() && part.offset() + static_cast<std::int64_t>(part.bytes().size()) == part.total())
      ++changes;
  }
  return end_of(changes);
}

inline exchange::Config exchange_config() {
  exchange::Config config;
  config.listen = "127.0.0.1:0";
  config.metrics_listen = "127.0.0.1:0";
  config.database_connections = 6;
  config.worker_threads = 4;
  config.resume_keep = std::chrono::milliseconds(0);  // what breaks off leaves nothing behind
  config.shutdown_grace = std::chrono::seconds(2);
  return config;
}

/// All messages of one answer that streams features.
template <typename Message>
struct Answer {
  v1::StreamHeader header;
  std::vector<Message> entries;  ///< also those that came in parts
  v1::StreamEnd end;
  int parts = 0;
};

inline const auto& entries_of(const v1::StreamDiffResponse& r) { return r.entries().entries(); }
inline const auto& entries_of(const v1::StreamChangesResponse& r) { return r.entries().entries(); }
inline const auto& entries_of(const v1::StreamSnapshotResponse& r) { return r.features().features(); }

/// Reads a stream to its end. Throws when its messages are not in the order that the protocol promises.
template <typename Message, typename Response>
absl::StatusOr<Answer<Message>> read_all(grpc::ClientReader<Response>& reader) {
  Answer<Message> answer;
  wire::PartAssembler assembler;
  Response response;
  int messages = 0;
  while (reader.Read(&response)) {
    if (answer.end.ByteSizeLong() > 0) throw std::runtime_error("a message after the end");
    if (response.has_header() != (messages++ == 0)) throw std::runtime_error("the header is not the first message");
    if (response.has_header()) {
      answer.header = response.header();
    } else if (response.has_end()) {
      answer.end = response.end();
    } else if (response.has_feature_part()) {
      ++answer.parts;
      const auto whole = must(assembler.add(response.feature_part()));
      if (!whole) continue;
      Message message;
      if (!message.ParseFromString(*whole)) throw std::runtime_error("the parts are no message");
      answer.entries.push_back(std::move(message));
    } else {
      for (const auto& entry : entries_of(response)) answer.entries.push_back(entry);
    }
  }
  LT_RETURN_IF_ERROR(rpc::from_grpc_status(reader.Finish()));
  return answer;
}

/// Organisations: operator, transport (owner of all datasets), environment. Datasets, all empty:
///   test.points   EPSG:5897, POINT XY; name (required, up to 20), lanes 1..16, kind a|b, width, big, tags a|b
///   test.shapes   EPSG:5897, any type XY, may be null; name
///   test.world    EPSG:4326, any type XY, may be null; name, number
///   test.stations EPSG:4756 (VN-2000), POINT; name
class ExchangeFixture {
 public:
  explicit ExchangeFixture(exchange::Config config = exchange_config())
      : database_(TempDatabase::with_template("exchange", migrate_exchange)) {
    static const absl::Status quiet = init_logging({.level = "error"});
    must(quiet);
    config.database = database_.url();
    exchange_ = must(exchange::Exchange::start(config));
    channel_ = rpc::make_channel(exchange_->address());
    catalog_ = v1::CatalogService::NewStub(channel_);
    stub_ = v1::ExchangeService::NewStub(channel_);
    add_organisation("transport");
    add_organisation("environment");
    add_dataset(
        R"({"name":"test.points","schema":{"crs":"EPSG:5897","geometry":{"types":["GEOMETRY_TYPE_POINT"]},"fields":[
      {"name":"name","type":"FIELD_TYPE_STRING","required":true,"maxLength":20},
      {"name":"lanes","type":"FIELD_TYPE_INT64","minimum":1,"maximum":16},
      {"name":"kind","type":"FIELD_TYPE_STRING","allowed":["a","b"]},
      {"name":"width","type":"FIELD_TYPE_DOUBLE"},
      {"name":"big","type":"FIELD_TYPE_INT64"},
      {"name":"tags","type":"FIELD_TYPE_STRING_LIST","allowed":["a","b"]}]}})");
    add_dataset(R"({"name":"test.shapes","schema":{"crs":"EPSG:5897","geometry":{"types":["GEOMETRY_TYPE_ANY"],
      "nullable":true},"fields":[{"name":"name","type":"FIELD_TYPE_STRING"}]}})");
    add_dataset(R"({"name":"test.world","schema":{"crs":"EPSG:4326","geometry":{"types":["GEOMETRY_TYPE_ANY"],
      "nullable":true},"fields":[{"name":"name","type":"FIELD_TYPE_STRING"},{"name":"number","type":"FIELD_TYPE_INT64"}]}})");
    add_dataset(R"({"name":"test.stations","schema":{"crs":"EPSG:4756","geometry":{"types":["GEOMETRY_TYPE_POINT"]},
      "fields":[{"name":"name","type":"FIELD_TYPE_STRING"}]}})");
  }

  /// For one call of `organisation` ("" names none), with a deadline so that a hang fails the test.
  static std::unique_ptr<grpc::ClientContext> context(const std::string& organisation = "transport",
                                                      std::chrono::seconds limit = std::chrono::seconds(60)) {
    auto made = std::make_unique<grpc::ClientContext>();
    if (!organisation.empty()) rpc::set_identity(*made, organisation);
    made->set_deadline(std::chrono::system_clock::now() + limit);
    return made;
  }

  v1::PublishHeader header(const std::string& dataset = "test.points") const {
    v1::PublishHeader made;
    made.set_dataset(dataset);
    made.set_changeset_id(make_uuid7());
    return made;
  }

  absl::Status create_dataset(const std::string& json, const std::string& organisation = "transport") {
    v1::CreateDatasetRequest request;
    *request.mutable_dataset() = from_json<v1::Dataset>(json);
    v1::CreateDatasetResponse response;
    return rpc::from_grpc_status(catalog_->CreateDataset(context(organisation).get(), request, &response));
  }

  absl::StatusOr<v1::Receipt> publish(const v1::PublishHeader& header, const std::vector<v1::Change>& changes,
                                      const std::string& organisation = "transport") {
    v1::PublishChangesetRequest request;
    *request.mutable_header() = header;
    for (const auto& one : changes) *request.add_changes() = one;
    v1::PublishChangesetResponse response;
    const auto call = context(organisation);
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(stub_->PublishChangeset(call.get(), request, &response)));
    return response.receipt();
  }
  absl::StatusOr<v1::Receipt> publish(const std::vector<v1::Change>& changes) { return publish(header(), changes); }
  absl::StatusOr<v1::Receipt> publish_snapshot(const std::vector<v1::Change>& changes) {
    auto made = header();
    made.set_kind(v1::CHANGESET_KIND_SNAPSHOT);
    return publish(made, changes);
  }

  /// Publish with these messages and the end that fits them. `progress`, if given, counts what came before the receipt.
  absl::StatusOr<v1::Receipt> publish_stream(std::vector<v1::PublishRequest> messages, int* progress = nullptr) {
    messages.push_back(end_of(messages));
    return publish_exactly(messages, progress);
  }
  /// Publish with these messages alone.
  absl::StatusOr<v1::Receipt> publish_exactly(const std::vector<v1::PublishRequest>& messages,
                                              int* progress = nullptr) {
    const auto call = context();
    const auto stream = stub_->Publish(call.get());
    for (const auto& message : messages) {
      if (!stream->Write(message)) break;  // the call has ended: Finish() says why
    }
    stream->WritesDone();
    std::optional<v1::Receipt> receipt;
    v1::PublishResponse response;
    while (stream->Read(&response)) {
      if (receipt) throw std::runtime_error("a message after the receipt");
      if (response.has_receipt()) receipt = response.receipt();
      if (response.has_progress() && progress) ++*progress;
    }
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(stream->Finish()));
    if (!receipt) throw std::runtime_error("no receipt");
    return *receipt;
  }

  absl::StatusOr<Answer<v1::DiffEntry>> diff(const v1::StreamDiffRequest& request) {
    const auto call = context("environment");
    return read_all<v1::DiffEntry>(*stub_->StreamDiff(call.get(), request));
  }
  absl::StatusOr<Answer<v1::DiffEntry>> diff(const std::string& json) {
    return diff(from_json<v1::StreamDiffRequest>(json));
  }
  absl::StatusOr<Answer<v1::ChangeEntry>> changes(const std::string& json) {
    const auto call = context("environment");
    return read_all<v1::ChangeEntry>(*stub_->StreamChanges(call.get(), from_json<v1::StreamChangesRequest>(json)));
  }
  absl::StatusOr<Answer<v1::Feature>> snapshot(const std::string& json) {
    const auto call = context("environment");
    return read_all<v1::Feature>(*stub_->StreamSnapshot(call.get(), from_json<v1::StreamSnapshotRequest>(json)));
  }
  absl::StatusOr<v1::GetFeatureResponse> feature(const std::string& json) {
    v1::GetFeatureResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(
        stub_->GetFeature(context("environment").get(), from_json<v1::GetFeatureRequest>(json), &response)));
    return response;
  }
  absl::StatusOr<v1::ListChangesetsResponse> list_changesets(const std::string& json) {
    v1::ListChangesetsResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(
        stub_->ListChangesets(context("environment").get(), from_json<v1::ListChangesetsRequest>(json), &response)));
    return response;
  }
  absl::StatusOr<v1::Receipt> changeset(const std::string& json, const std::string& organisation = "transport") {
    v1::GetChangesetResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(
        stub_->GetChangeset(context(organisation).get(), from_json<v1::GetChangesetRequest>(json), &response)));
    return response.changeset().receipt();
  }
  absl::StatusOr<v1::Dataset> dataset(const std::string& name = "test.points",
                                      const std::string& organisation = "transport") {
    v1::GetDatasetRequest request;
    request.set_name(name);
    v1::GetDatasetResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(catalog_->GetDataset(context(organisation).get(), request, &response)));
    return response.dataset();
  }

  /// One number from the database itself.
  std::int64_t count(const std::string& sql) {
    auto connection = database_.connect();
    return must(connection.execute(sql)).get_int(0, 0);
  }
  /// Everything that a publish may leave behind: changed by any commit, and by staging that was not cleaned.
  std::string stored() {
    auto connection = database_.connect();
    const auto result = must(connection.execute(
        "SELECT (SELECT string_agg(dataset_id || ':' || head || ':' || feature_count, ' ' ORDER BY dataset_id)"
        "          FROM lienthong.dataset_head)"
        " || ' changesets ' || (SELECT count(*) FROM lienthong.changeset)"
        " || ' datasets ' || (SELECT count(*) FROM lienthong.dataset)"));
    return std::string(result.get_text(0, 0));
  }
  std::int64_t staged_tables() {
    return count(
        "SELECT count(DISTINCT substring(tablename FROM '^staged_[0-9]+_[0-9]+_[0-9]+')) FROM pg_tables "
        "WHERE schemaname = 'lienthong_staging'");
  }
  std::int64_t attempts() { return count("SELECT count(*) FROM lienthong_staging.attempt"); }

  TempDatabase database_;
  std::unique_ptr<exchange::Exchange> exchange_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::CatalogService::Stub> catalog_;
  std::unique_ptr<v1::ExchangeService::Stub> stub_;

 private:
  void add_organisation(const std::string& name) {
    v1::CreateOrganisationRequest request;
    request.mutable_organisation()->set_name(name);
    v1::CreateOrganisationResponse response;
    must(rpc::from_grpc_status(catalog_->CreateOrganisation(context("operator").get(), request, &response)));
  }
  void add_dataset(const std::string& json) { must(create_dataset(json)); }
};

}  // namespace lt::test
