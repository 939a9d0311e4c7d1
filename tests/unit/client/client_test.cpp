#include "client/client.hpp"

#include <thread>

#include "fake_exchange.hpp"

namespace {

namespace v1 = lienthong::v1;
using absl::StatusCode;
using lt::client_test::Behaviour;
using lt::client_test::FakeExchange;

TEST_CASE("a client needs an endpoint and an organisation") {
  lt::client::Options options;
  options.organisation = "transport";
  const auto without_endpoint = lt::client::Client::connect(options);
  CHECK(without_endpoint.status().code() == StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(without_endpoint.status()) == "ENDPOINT_MISSING");
  options = {};
  options.endpoint = "127.0.0.1:1";
  const auto without_organisation = lt::client::Client::connect(options);
  CHECK(without_organisation.status().code() == StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(without_organisation.status()) == "ORGANISATION_MISSING");
}

TEST_CASE("a call names the organisation and gives the server's answer") {
  std::string caller;
  Behaviour behaviour;
  behaviour.get_dataset = [&](grpc::ServerContext& context, const auto& request, auto* response) {
    const auto found = context.client_metadata().find("lienthong-organisation");
    if (found != context.client_metadata().end()) caller.assign(found->second.data(), found->second.size());
    response->mutable_dataset()->set_name(request.name());
    response->mutable_dataset()->set_head(7);
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  const auto dataset = exchange.client().get_dataset("transport.road");
  REQUIRE(dataset.ok());
  CHECK(dataset->name() == "transport.road");
  CHECK(dataset->head() == 7);
  CHECK(caller == "transport");
}

TEST_CASE("an error keeps code, reason, metadata and violations") {
  Behaviour behaviour;
  behaviour.get_dataset = [](auto&, const auto&, auto*) {
    return lt::make_error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no dataset 'x'", {{"dataset", "x"}},
                          {{"name", "is not there"}});
  };
  const FakeExchange exchange(behaviour);
  const auto status = exchange.client().get_dataset("x").status();
  CHECK(status.code() == StatusCode::kNotFound);
  CHECK(lt::error_reason(status) == "DATASET_UNKNOWN");
  CHECK(lt::client_test::metadata_of(status, "dataset") == "x");
  REQUIRE(lt::error_detail(status)->violations.size() == 1);
  CHECK(lt::error_detail(status)->violations[0].field == "name");
}

TEST_CASE("a server that is not there is told with its endpoint") {
  FakeExchange exchange({});
  const auto client = exchange.client();
  exchange.stop();
  const auto status = client.get_dataset("x").status();
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK(lt::error_reason(status) == "EXCHANGE_UNREACHABLE");
  CHECK(lt::client_test::metadata_of(status, "endpoint").find("127.0.0.1:") == 0);
}

TEST_CASE("a server that does not answer in time is told with the time") {
  Behaviour behaviour;
  behaviour.get_dataset = [](grpc::ServerContext& context, const auto&, auto*) {
    // Its deadline is the client's: it is cancelled when the client has given up.
    while (!context.IsCancelled()) std::this_thread::yield();
    return absl::CancelledError();
  };
  const FakeExchange exchange(behaviour);
  const auto status = exchange.client(std::chrono::seconds(1)).get_dataset("x").status();
  CHECK(status.code() == StatusCode::kDeadlineExceeded);
  CHECK(lt::error_reason(status) == "CALL_DEADLINE");
  CHECK(lt::message_of(status).find("within 1 s") != std::string::npos);
}

TEST_CASE("a list has the items of all pages in order") {
  const int pages = GENERATE(1, 3);
  Behaviour behaviour;
  behaviour.list_datasets = [&](const v1::ListDatasetsRequest& request, v1::ListDatasetsResponse* response) {
    const int page = request.page_token().empty() ? 0 : std::stoi(request.page_token());
    response->add_datasets()->set_name("d" + std::to_string(page));
    if (page + 1 < pages) response->set_next_page_token(std::to_string(page + 1));
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  const auto datasets = exchange.client().list_datasets();
  REQUIRE(datasets.ok());
  REQUIRE(datasets->size() == static_cast<std::size_t>(pages));
  CHECK(datasets->back().name() == "d" + std::to_string(pages - 1));
}

TEST_CASE("an empty list is empty") {
  Behaviour behaviour;
  behaviour.list_datasets = [](const auto&, auto*) { return absl::OkStatus(); };
  const FakeExchange exchange(behaviour);
  const auto datasets = exchange.client().list_datasets();
  REQUIRE(datasets.ok());
  CHECK(datasets->empty());
}

TEST_CASE("an error on a later page is the error of the list") {
  Behaviour behaviour;
  behaviour.list_datasets = [](const v1::ListDatasetsRequest& request, v1::ListDatasetsResponse* response) {
    if (!request.page_token().empty()) return absl::Status(StatusCode::kAborted, "gone");
    response->set_next_page_token("more");
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  CHECK(exchange.client().list_datasets().status().code() == StatusCode::kAborted);
}

TEST_CASE("changesets are visited page by page until the visitor has enough") {
  int calls = 0;
  Behaviour behaviour;
  behaviour.list_changesets = [&](const v1::ListChangesetsRequest& request, v1::ListChangesetsResponse* response) {
    ++calls;
    CHECK(request.dataset() == "a.b");
    response->add_changesets()->mutable_receipt()->set_changeset_id(std::to_string(2 * calls));
    response->add_changesets()->mutable_receipt()->set_changeset_id(std::to_string(2 * calls + 1));
    response->set_next_page_token("more");
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  std::vector<std::string> seen;
  const auto status = exchange.client().list_changesets("a.b", [&](const v1::Changeset& changeset) {
    seen.push_back(changeset.receipt().changeset_id());
    return seen.size() < 3;
  });
  CHECK(status.ok());
  CHECK(seen == std::vector<std::string>{"2", "3", "4"});
  CHECK(calls == 2);
}

}  // namespace
