#include "history/run/client.hpp"

#include <stdexcept>
#include <thread>

#include <google/protobuf/util/json_util.h>

#include "base/status.hpp"
#include "history/run/features.hpp"
#include "rpc/channel.hpp"
#include "rpc/errors.hpp"

namespace lt::history {
namespace {

namespace v1 = lienthong::v1;
using Json = nlohmann::json;

constexpr std::size_t kBatch = 7;  // changes: several batches for a snapshot of a few dozen features
constexpr int kPage = 1000;

std::unique_ptr<grpc::ClientContext> make_context(std::chrono::milliseconds limit = kCallLimit,
                                                  const std::string& organisation = kOwner) {
  auto context = std::make_unique<grpc::ClientContext>();
  rpc::set_identity(*context, organisation);
  context->set_deadline(std::chrono::system_clock::now() + limit);
  return context;
}

Json to_json(const v1::Receipt& receipt) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(receipt, &text, options).ok()) return {};
  return Json::parse(text);
}

std::string reason_of(const absl::Status& status) {
  const std::string reason = error_reason(status);
  return reason.empty() ? rpc::code_name(status.code()) : reason;
}

// Whether a call that failed may have had its effect all the same: docs/errors.md, "Which code means what".
bool is_in_doubt(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kDeadlineExceeded ||
         status.code() == absl::StatusCode::kCancelled || status.code() == absl::StatusCode::kUnknown;
}

const char* to_text(v1::EntryOp op) {
  switch (op) {
    case v1::ENTRY_OP_INSERT: return "I";
    case v1::ENTRY_OP_UPDATE: return "U";
    case v1::ENTRY_OP_DELETE: return "D";
    default: return "?";
  }
}

const char* to_text(v1::ConflictKind kind) {
  switch (kind) {
    case v1::CONFLICT_KIND_EXISTS: return "E";
    case v1::CONFLICT_KIND_MISSING: return "M";
    case v1::CONFLICT_KIND_CHANGED: return "V";
    default: return "?";
  }
}

template <typename Entry>
Json to_entry(const Entry& entry) {
  Json value;
  if (entry.op() != v1::ENTRY_OP_DELETE) value = to_json(to_value(entry.feature()));
  return Json::array({to_text(entry.op()), entry.feature().id(), entry.feature().version(), value});
}

// Reads one answer. @return false when it is not complete.
template <typename Response, typename Visit>
grpc::Status read_stream(grpc::ClientReader<Response>& reader, v1::StreamHeader& header, v1::StreamEnd& end,
                         const Visit& visit) {
  Response response;
  std::int64_t count = 0;
  bool ended = false;
  while (reader.Read(&response)) {
    if (response.has_header()) {
      header = response.header();
    } else if (response.has_end()) {
      end = response.end();
      ended = true;
    } else {
      count += visit(response);
    }
  }
  const auto status = reader.Finish();
  if (!status.ok() || (ended && count == end.count())) return status;
  return {grpc::StatusCode::DATA_LOSS, "the answer is not complete"};
}

}  // namespace

struct Client::Reply {
  grpc::Status status;
  v1::Receipt receipt;
};

Client::Client(const std::string& endpoint, Journal& journal) : journal_(journal) {
  const auto channel = rpc::make_channel(endpoint);
  catalog_ = v1::CatalogService::NewStub(channel);
  stub_ = v1::ExchangeService::NewStub(channel);
}

void Client::set_up(const std::set<std::string>& datasets) {
  const auto must = [](const grpc::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.error_message());
  };
  v1::CreateOrganisationRequest organisation;
  organisation.mutable_organisation()->set_name(kOwner);
  v1::CreateOrganisationResponse organisation_response;
  must(catalog_->CreateOrganisation(make_context(kCallLimit, "operator").get(), organisation, &organisation_response));
  for (const auto& name : datasets) {
    v1::CreateDatasetRequest dataset;
    *dataset.mutable_dataset() = make_dataset(name);
    v1::CreateDatasetResponse dataset_response;
    must(catalog_->CreateDataset(make_context().get(), dataset, &dataset_response));
  }
}

grpc::Status Client::send_unary(const Changeset& changeset, grpc::ClientContext& context, v1::Receipt& receipt) {
  v1::PublishChangesetRequest request;
  *request.mutable_header() = to_header(changeset);
  for (const auto& change : changeset.changes) *request.add_changes() = to_proto(change, changeset);
  v1::PublishChangesetResponse response;
  auto status = stub_->PublishChangeset(&context, request, &response);
  receipt = response.receipt();
  return status;
}

grpc::Status Client::send_stream(const Changeset& changeset, grpc::ClientContext& context, v1::Receipt& receipt) {
  const auto stream = stub_->Publish(&context);
  v1::PublishRequest request;
  *request.mutable_header() = to_header(changeset);
  bool open = stream->Write(request);
  std::int64_t sequence = 0;
  for (std::size_t i = 0; open && i < changeset.changes.size(); i += kBatch) {
    request.mutable_batch()->set_sequence(++sequence);
    for (std::size_t k = i; k < std::min(i + kBatch, changeset.changes.size()); ++k) {
      *request.mutable_batch()->add_changes() = to_proto(changeset.changes[k], changeset);
    }
    open = stream->Write(request);
    request.Clear();
  }
  request.mutable_end()->set_changes(static_cast<std::int64_t>(changeset.changes.size()));
  if (open) stream->Write(request);
  stream->WritesDone();
  v1::PublishResponse response;
  bool answered = false;
  while (stream->Read(&response)) {
    if (!response.has_receipt()) continue;
    receipt = response.receipt();
    answered = true;
  }
  auto status = stream->Finish();
  if (status.ok() && !answered) return {grpc::StatusCode::UNAVAILABLE, "no receipt"};
  return status;
}

Client::Reply Client::send(const Changeset& changeset, const PublishOptions& options) {
  const auto context = make_context(options.limit);
  Reply reply;
  reply.status =
      options.stream ? send_stream(changeset, *context, reply.receipt) : send_unary(changeset, *context, reply.receipt);
  return reply;
}

std::optional<Json> Client::list_conflicts(const std::string& attempt_id) {
  v1::ListConflictsRequest request;
  request.set_attempt_id(attempt_id);
  request.set_page_size(kPage);
  v1::ListConflictsResponse response;
  if (!stub_->ListConflicts(make_context().get(), request, &response).ok()) return std::nullopt;
  Json conflicts = Json::array();
  for (const auto& conflict : response.conflicts()) {
    conflicts.push_back({{"dataset", conflict.dataset()},
                         {"id", conflict.feature_id()},
                         {"kind", to_text(conflict.kind())},
                         {"found", conflict.found_version()}});
  }
  return conflicts;
}

Answer Client::publish(const Changeset& changeset, const PublishOptions& options) {
  const std::string op = journal_.invoke({{"publish", history::to_json(changeset)}});
  const Reply reply = send(changeset, options);
  const std::int64_t at = now_ns();
  if (reply.status.ok()) {
    Json what{{"receipt", to_json(reply.receipt)}};
    if (reply.receipt.counts().skipped() > 0) {
      if (auto conflicts = list_conflicts(reply.receipt.attempt_id())) what["conflicts"] = *std::move(conflicts);
    }
    journal_.end(op, "ok", at, std::move(what));
    return {Outcome::kOk, false, reply.receipt.changed() && !changeset.dry_run};
  }
  const auto status = rpc::from_grpc_status(reply.status);
  const auto detail = error_detail(status);
  Json what{{"reason", reason_of(status)}, {"message", message_of(status)}};
  if (detail) what["metadata"] = detail->metadata;
  const bool in_doubt = is_in_doubt(status);
  if (detail && detail->metadata.contains("conflicts_total")) {
    if (auto conflicts = list_conflicts(detail->metadata.at("attempt_id"))) what["conflicts"] = *std::move(conflicts);
  }
  journal_.end(op, in_doubt ? "unknown" : "refused", at, std::move(what));
  return {in_doubt ? Outcome::kUnknown : Outcome::kRefused, in_doubt || status.code() == absl::StatusCode::kAborted,
          false};
}

bool Client::end_read(const std::string& op, const grpc::Status& status, Json seen) {
  const std::int64_t at = now_ns();
  if (status.ok()) {
    journal_.end(op, "ok", at, {{"seen", Json::array({std::move(seen)})}});
    return true;
  }
  const auto error = rpc::from_grpc_status(status);
  journal_.end(op, "refused", at, {{"reason", reason_of(error)}, {"message", message_of(error)}});
  return false;
}

std::optional<FoundFeature> Client::get_feature(const std::string& dataset, const std::string& id) {
  v1::GetFeatureRequest request;
  request.set_dataset(dataset);
  request.set_id(id);
  request.set_form(v1::FEATURE_FORM_WKB);
  v1::GetFeatureResponse response;
  const std::string op = journal_.invoke({{"read", "GetFeature"}});
  const auto status = stub_->GetFeature(make_context().get(), request, &response);
  Json seen{{"dataset", dataset}, {"id", id}, {"feature", nullptr}};
  if (!status.ok()) {
    const bool absent = error_reason(rpc::from_grpc_status(status)) == "FEATURE_NOT_FOUND";
    end_read(op, absent ? grpc::Status::OK : status, std::move(seen));
    return std::nullopt;
  }
  const FoundFeature found{response.feature().version(), to_value(response.feature())};
  seen["feature"] = Json::array({found.version, to_json(found.value)});
  end_read(op, status, std::move(seen));
  return found;
}

std::optional<FoundState> Client::read_snapshot(const std::string& dataset, std::optional<std::int64_t> version) {
  v1::StreamSnapshotRequest request;
  request.set_dataset(dataset);
  if (version) request.set_version(*version);
  request.set_form(v1::FEATURE_FORM_WKB);
  FoundState found;
  v1::StreamHeader header;
  v1::StreamEnd end;
  const std::string op = journal_.invoke({{"read", "StreamSnapshot"}, {"may_lag", version.has_value()}});
  const auto context = make_context();
  const auto reader = stub_->StreamSnapshot(context.get(), request);
  const auto status = read_stream(*reader, header, end, [&](const v1::StreamSnapshotResponse& response) {
    for (const auto& feature : response.features().features()) found.features[feature.id()] = to_value(feature);
    return response.features().features_size();
  });
  found.version = header.to_version();
  Json seen{{"dataset", dataset}, {"version", found.version}, {"state", Json::object()}};
  for (const auto& [id, value] : found.features) seen["state"][id] = to_json(value);
  if (!end_read(op, status, std::move(seen))) return std::nullopt;
  return found;
}

void Client::read_diff(const std::string& dataset, std::string& cursor) {
  v1::StreamDiffRequest request;
  request.set_dataset(dataset);
  request.set_cursor(cursor);
  request.set_form(v1::FEATURE_FORM_WKB);
  read_diff(request, cursor);
}

void Client::read_old_diff(const std::string& dataset, std::int64_t from, std::int64_t to) {
  v1::StreamDiffRequest request;
  request.set_dataset(dataset);
  request.set_from_version(from);
  request.set_to_version(to);
  request.set_form(v1::FEATURE_FORM_WKB);
  std::string cursor;
  read_diff(request, cursor);
}

void Client::read_diff(const v1::StreamDiffRequest& request, std::string& cursor) {
  v1::StreamHeader header;
  v1::StreamEnd end;
  Json entries = Json::array();
  const std::string op = journal_.invoke({{"read", "StreamDiff"}, {"may_lag", request.has_to_version()}});
  const auto context = make_context();
  const auto reader = stub_->StreamDiff(context.get(), request);
  const auto status = read_stream(*reader, header, end, [&](const v1::StreamDiffResponse& response) {
    for (const auto& entry : response.entries().entries()) entries.push_back(to_entry(entry));
    return response.entries().entries_size();
  });
  Json seen{{"dataset", request.dataset()}, {"from", header.from_version()}, {"version", header.to_version()}};
  seen["diff"] = std::move(entries);
  if (end_read(op, status, std::move(seen))) cursor = end.cursor();
}

std::int64_t Client::read_changes(const std::string& dataset, std::int64_t from) {
  v1::StreamChangesRequest request;
  request.set_dataset(dataset);
  request.set_from_version(from);
  request.set_form(v1::FEATURE_FORM_WKB);
  v1::StreamHeader header;
  v1::StreamEnd end;
  Json entries = Json::array();
  const std::string op = journal_.invoke({{"read", "StreamChanges"}});
  const auto context = make_context();
  const auto reader = stub_->StreamChanges(context.get(), request);
  const auto status = read_stream(*reader, header, end, [&](const v1::StreamChangesResponse& response) {
    for (const auto& entry : response.entries().entries()) entries.push_back(to_entry(entry));
    return response.entries().entries_size();
  });
  Json seen{{"dataset", dataset}, {"from", from}, {"version", header.to_version()}, {"changes", std::move(entries)}};
  return end_read(op, status, std::move(seen)) ? header.to_version() : from;
}

void Client::list_receipts(const std::string& dataset) {
  Json receipts = Json::array();
  v1::ListChangesetsRequest request;
  request.set_dataset(dataset);
  request.set_page_size(kPage);
  grpc::Status status;
  const std::string op = journal_.invoke({{"read", "ListChangesets"}, {"may_lag", true}});
  do {
    v1::ListChangesetsResponse response;
    status = stub_->ListChangesets(make_context().get(), request, &response);
    for (const auto& changeset : response.changesets()) receipts.push_back(to_json(changeset.receipt()));
    request.set_page_token(response.next_page_token());
  } while (status.ok() && !request.page_token().empty());
  end_read(op, status, {{"receipts", std::move(receipts)}});
}

void Client::watch_heads(const std::set<std::string>& datasets, const std::atomic<bool>& stop) {
  v1::WatchHeadsRequest request;
  for (const auto& dataset : datasets) request.add_datasets(dataset);
  auto context = std::make_unique<grpc::ClientContext>();
  rpc::set_identity(*context, kOwner);
  const auto reader = stub_->WatchHeads(context.get(), request);
  const std::jthread canceller([&] {
    stop.wait(false);
    context->TryCancel();
  });
  // The first message has the heads of now; a later one may have been made long before it is read.
  bool first = true;
  std::map<std::string, Json> heads;
  v1::WatchHeadsResponse response;
  const std::int64_t began = now_ns();
  while (reader->Read(&response)) {
    const std::int64_t at = now_ns();
    for (const auto& head : response.heads()) {
      heads[head.dataset()] = {{"dataset", head.dataset()}, {"version", head.version()}, {"digest", head.digest()}};
    }
    Json seen = Json::array();
    for (const auto& [name, head] : heads) seen.push_back(head);
    const std::string op = journal_.next_op();
    journal_.write({{"event", "invoke"}, {"op", op}, {"at", began}, {"read", "WatchHeads"}, {"may_lag", !first}});
    journal_.end(op, "ok", at, {{"seen", std::move(seen)}});
    first = false;
  }
  const auto status = reader->Finish();
  if (stop) return;
  end_read(journal_.invoke({{"read", "WatchHeads"}, {"may_lag", true}}), status, {});
}

}  // namespace lt::history
