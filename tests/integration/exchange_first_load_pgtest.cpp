// The first version of a dataset, when it is large: loaded beside the empty tables and put in their place.
#include <atomic>
#include <thread>

#include "exchange_support.hpp"

namespace lt::test {
namespace {

constexpr int kBatch = 500;

exchange::Config loading_config() {
  auto config = exchange_config();
  config.publish_memory_bytes = 16 << 10;  // some is staged before it is known that much will come
  config.staging_piece_bytes = 64 << 10;
  return config;
}

v1::Change shape(int n) {
  v1::Change made;
  made.set_op(v1::OPERATION_UPSERT);
  // Not in the order of the ids.
  made.mutable_feature()->set_id("shape-" + std::to_string(n * 7919 % 100'003));
  made.mutable_feature()->set_wkt(
      n % 10 == 0 ? "POINT EMPTY" : "LINESTRING (500000 " + std::to_string(2000000 + n) + ",500100.5 2000000)");
  (*made.mutable_feature()->mutable_properties()->mutable_fields())["name"].set_string_value(
      "Đường \"" + std::to_string(n) + "\"\n");
  return made;
}

std::vector<v1::PublishRequest> stream_of(const v1::PublishHeader& header, int count, int batch = kBatch) {
  std::vector<v1::PublishRequest> messages{request_of(header)};
  for (int from = 0, sequence = 1; from < count; from += batch, ++sequence) {
    std::vector<v1::Change> changes;
    for (int n = from; n < std::min(count, from + batch); ++n) changes.push_back(shape(n));
    messages.push_back(batch_of(sequence, changes));
  }
  return messages;
}

v1::PublishHeader header_of(const std::string& dataset, v1::ChangesetKind kind = v1::CHANGESET_KIND_SNAPSHOT) {
  v1::PublishHeader made;
  made.set_dataset(dataset);
  made.set_changeset_id(make_uuid7());
  made.set_kind(kind);
  return made;
}

class LoadFixture : public ExchangeFixture {
 public:
  explicit LoadFixture(const exchange::Config& config = loading_config()) : ExchangeFixture(config) {}

  std::string create(const std::string& name) {
    must(create_dataset(R"({"name":")" + name +
                        R"(","schema":{"crs":"EPSG:5897","geometry":{"types":["GEOMETRY_TYPE_ANY"],
      "nullable":true},"fields":[{"name":"name","type":"FIELD_TYPE_STRING"}]}})"));
    return name;
  }
  std::string id_of(const std::string& dataset) {
    return std::to_string(count("SELECT id FROM lienthong.dataset WHERE name = '" + dataset + "'"));
  }
  std::int64_t table_oid(const std::string& dataset, const std::string& table = "feature_") {
    return count("SELECT 'lienthong_data." + table + id_of(dataset) + "'::regclass::oid::int8");
  }
  std::string text(const std::string& sql) {
    auto connection = database_.connect();
    return std::string(must(connection.execute(sql)).get_text(0, 0));
  }
  /// Columns, options and indexes of both tables, without the dataset's number.
  std::string shape_of_tables(const std::string& dataset) {
    const std::string id = id_of(dataset);
    std::string found = text(
        "SELECT string_agg(x, E'\\n' ORDER BY x) FROM (SELECT pg_get_indexdef(i.indexrelid) || i.indisprimary AS x "
        "FROM pg_index i WHERE i.indrelid IN ('lienthong_data.feature_" +
        id + "'::regclass, 'lienthong_data.log_" + id +
        "'::regclass) UNION ALL SELECT c.relname || ' ' || coalesce(array_to_string(c.reloptions, ','), '') || "
        "c.relpersistence::text || string_agg(a.attname || a.atttypid || a.attstorage::text || a.attcompression::text "
        "|| a.attnotnull || "
        "a.attcollation, ',' ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND "
        "a.attnum > 0 WHERE c.oid IN ('lienthong_data.feature_" +
        id + "'::regclass, 'lienthong_data.log_" + id + "'::regclass) GROUP BY c.oid) s");
    for (std::size_t at = 0; (at = found.find("_" + id, at)) != std::string::npos;)
      found.replace(at, id.size() + 1, "_N");
    return found;
  }
  std::vector<std::string> features(const std::string& dataset) {
    auto answer = must(snapshot(R"({"dataset":")" + dataset + R"(","form":"FEATURE_FORM_RECORD"})"));
    std::vector<std::string> found;
    for (auto& one : answer.entries) {
      one.clear_version();
      found.push_back(one.SerializeAsString());
    }
    return found;
  }
  std::int64_t loads_left() {
    return count("SELECT count(*) FROM pg_tables WHERE schemaname = 'lienthong_staging' AND tablename LIKE 'staged%'");
  }
};

}  // namespace

TEST_CASE("a first load leaves what the ordinary way leaves") {
  LoadFixture exchange;
  constexpr int kCount = 3000;
  const auto loaded = exchange.create("load.fast");
  const auto merged = exchange.create("load.slow");
  const auto before = exchange.table_oid(loaded);
  const auto receipt = must(exchange.publish_stream(stream_of(header_of(loaded), kCount)));
  CHECK(receipt.counts().inserted() == kCount);
  CHECK(exchange.table_oid(loaded) != before);
  CHECK(exchange.loads_left() == 0);

  // A feature before it, and the rest is no first version.
  const auto slow_before = exchange.table_oid(merged);
  must(exchange.publish(header_of(merged, v1::CHANGESET_KIND_CHANGES), {shape(0)}));
  CHECK(must(exchange.publish_stream(stream_of(header_of(merged, v1::CHANGESET_KIND_CHANGES), kCount)))
            .counts()
            .inserted() == kCount - 1);
  CHECK(exchange.table_oid(merged) == slow_before);
  CHECK(exchange.features(loaded) == exchange.features(merged));
  CHECK(exchange.shape_of_tables(loaded) == exchange.shape_of_tables(merged));
  const auto columns = [&](const std::string& dataset) {
    const std::string id = exchange.id_of(dataset);
    return exchange.text(
               "SELECT md5(string_agg(f::text, ';' ORDER BY fid)) FROM (SELECT op, x1, y1, x2, y2, fid, "
               "content_hash, geom, props FROM lienthong_data.feature_" +
               id + ") f") +
           exchange.text(
               "SELECT md5(string_agg(l::text, ';' ORDER BY fid)) FROM (SELECT prev_version, size, x1, y1, x2, "
               "y2, px1, op, prev_op, fid, content_hash, payload FROM lienthong_data.log_" +
               id + ") l");
  };
  CHECK(columns(loaded) == columns(merged));

  // The same changeset again, and what follows a first version.
  const auto diff = must(exchange.diff(R"({"dataset":"load.fast","form":"FEATURE_FORM_RECORD"})"));
  CHECK(diff.entries.size() == kCount);
  auto remove = shape(17);
  remove.set_op(v1::OPERATION_DELETE);
  auto update = shape(18);
  update.mutable_feature()->set_wkt("POINT (500001 2000001)");
  const auto second = must(exchange.publish(header_of(loaded, v1::CHANGESET_KIND_CHANGES), {remove, update}));
  CHECK(second.counts().deleted() == 1);
  CHECK(second.counts().updated() == 1);
  CHECK(must(exchange.diff(R"({"dataset":"load.fast","fromVersion":"1"})")).entries.size() == 2);
}

TEST_CASE("the same first load again is the same changeset, and another one an ordinary snapshot") {
  LoadFixture exchange;
  const auto dataset = exchange.create("load.again");
  const auto header = header_of(dataset);
  const auto receipt = must(exchange.publish_stream(stream_of(header, 2000)));
  CHECK(same(must(exchange.publish_stream(stream_of(header, 2000))), receipt));
  const auto next = must(exchange.publish_stream(stream_of(header_of(dataset), 2100)));
  CHECK(next.counts().inserted() == 100);
  CHECK(next.counts().unchanged() == 2000);
}

TEST_CASE("what turns out to be no first load goes the ordinary way") {
  LoadFixture exchange;
  const auto dataset = exchange.create("load.turns");
  const auto before = exchange.table_oid(dataset);
  auto header = header_of(dataset, v1::CHANGESET_KIND_CHANGES);
  auto messages = stream_of(header, 2000);
  SECTION("because it deletes something") {
    auto remove = shape(99'000);
    remove.set_op(v1::OPERATION_DELETE);
    messages.push_back(batch_of(5, {remove}));
    CHECK(must(exchange.publish_stream(messages)).counts().unchanged() == 1);
  }
  SECTION("because a feature stands twice") {
    header.set_collapse_repeated(true);
    messages[0] = request_of(header);
    auto again = shape(5);
    (*again.mutable_feature()->mutable_properties()->mutable_fields())["name"].set_string_value("the last one counts");
    messages.push_back(batch_of(5, {again, shape(6)}));
    CHECK(must(exchange.publish_stream(messages)).counts().collapsed() == 2);
    CHECK(must(exchange.feature(R"({"dataset":"load.turns","id":")" + again.feature().id() + R"("})"))
              .feature()
              .properties()
              .fields()
              .at("name")
              .string_value() == "the last one counts");
  }
  SECTION("because another changeset was first") {
    const auto call = exchange.context();
    const auto stream = exchange.stub_->Publish(call.get());
    for (const auto& message : messages) REQUIRE(stream->Write(message));
    REQUIRE(wait_until([&] { return exchange.staged_tables() == 1; }));
    must(exchange.publish(header_of(dataset, v1::CHANGESET_KIND_CHANGES), {shape(77'777)}));
    REQUIRE(stream->Write(end_of(2000)));
    stream->WritesDone();
    for (v1::PublishResponse response; stream->Read(&response);) continue;
    must(rpc::from_grpc_status(stream->Finish()));
    CHECK(exchange.features(dataset).size() == 2001);
  }
  SECTION("because somebody reads the empty table for long") {
    auto reader = exchange.database_.connect();
    auto reading = must(pg::Transaction::begin(reader));
    must(reader.execute("SELECT count(*) FROM lienthong_data.feature_" + exchange.id_of(dataset)).status());
    CHECK(must(exchange.publish_stream(messages)).counts().inserted() == 2000);
  }
  CHECK(exchange.features(dataset).size() >= 2000);
  CHECK(exchange.table_oid(dataset) == before);
  CHECK(exchange.loads_left() == 0);
}

TEST_CASE("a first load that broke off is resumed, and still one") {
  auto config = loading_config();
  config.resume_keep = std::chrono::minutes(1);
  LoadFixture exchange(config);
  const auto dataset = exchange.create("load.resumed");
  const auto before = exchange.table_oid(dataset);
  auto header = header_of(dataset);
  const auto messages = stream_of(header, 3000);
  v1::PublishResponse response;
  {
    const auto call = exchange.context();
    const auto stream = exchange.stub_->Publish(call.get());
    for (std::size_t i = 0; i < 5; ++i) REQUIRE(stream->Write(messages[i]));
    std::int64_t received = 0;
    while (received < 2000 && stream->Read(&response)) received = response.progress().received();
    call->TryCancel();
    CHECK_FALSE(stream->Finish().ok());
    header.set_resume_attempt_id(response.progress().attempt_id());
  }
  REQUIRE(
      wait_until([&] { return exchange.count("SELECT count(*) FROM lienthong.attempt WHERE outcome = 'B'") == 1; }));
  const auto call = exchange.context();
  const auto stream = exchange.stub_->Publish(call.get());
  REQUIRE(stream->Write(request_of(header)));
  REQUIRE(stream->Read(&response));
  const auto staged = static_cast<std::size_t>(response.progress().staged_sequence());
  REQUIRE(staged >= 1);
  for (std::size_t i = staged + 1; i < messages.size(); ++i) REQUIRE(stream->Write(messages[i]));
  REQUIRE(stream->Write(end_of(3000)));
  stream->WritesDone();
  while (stream->Read(&response)) continue;
  must(rpc::from_grpc_status(stream->Finish()));
  CHECK(response.receipt().counts().inserted() == 3000);
  CHECK(exchange.features(dataset).size() == 3000);
  CHECK(exchange.table_oid(dataset) != before);
  CHECK(exchange.loads_left() == 0);
}

TEST_CASE("a first load that is refused leaves nothing") {
  LoadFixture exchange;
  const auto dataset = exchange.create("load.refused");
  const std::string before = exchange.stored();
  auto messages = stream_of(header_of(dataset), 2000);
  messages.push_back(batch_of(5, {shape(5)}));
  REQUIRE_ERROR(exchange.publish_stream(messages), absl::StatusCode::kInvalidArgument, "DUPLICATE_ID");
  CHECK(wait_until([&] { return exchange.loads_left() == 0; }));
  CHECK(exchange.stored() == before);
  CHECK(exchange.features(dataset).empty());
}

// At each step the session that does it is ended, as a crash of the server or a broken connection would.
TEST_CASE("a first load whose session is ended at any step is there whole or not at all, and can be repeated") {
  LoadFixture exchange;
  constexpr int kCount = 4000;
  auto killer = exchange.database_.connect();
  int number = 0;
  for (const std::string step : {"%COPY lienthong_staging.%_log %", "%INSERT INTO lienthong_staging.%_feature%",
                                 "%lienthong.index_load_table%_log%", "VACUUM (FREEZE%", "%LOCK TABLE lienthong_data%",
                                 "%lienthong.put_load_in_place%", "%COMMIT"}) {
    CAPTURE(step);
    int killed = 0;
    for (int attempt = 0; attempt < 40 && killed == 0; ++attempt) {
      const auto dataset = exchange.create("load.killed" + std::to_string(++number));
      const auto messages = stream_of(header_of(dataset), kCount);
      absl::StatusOr<v1::Receipt> receipt = absl::UnknownError("not ended");
      std::atomic<bool> ended{false};
      std::thread publisher([&] {
        receipt = exchange.publish_stream(messages);
        ended = true;
      });
      const std::string kill =
          "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND "
          "pid <> pg_backend_pid() AND state = 'active' AND query LIKE '" +
          step + "' AND " +
          (step == "%COMMIT" ? "EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = pg_stat_activity.pid AND mode = "
                               "'AccessExclusiveLock')"
                             : "true");
      while (!ended && killed == 0) killed += static_cast<int>(must(killer.execute(kill)).get_int(0, 0));
      publisher.join();
      if (!receipt.ok()) {
        CHECK((receipt.status().code() == absl::StatusCode::kUnavailable ||
               receipt.status().code() == absl::StatusCode::kAborted));
      }
      const auto found = exchange.features(dataset).size();
      CHECK((found == 0 || found == kCount));
      const auto again = must(exchange.publish_stream(messages));
      CHECK(again.datasets(0).version() == 1);
      CHECK(again.counts().inserted() == kCount);
      if (receipt.ok()) CHECK(same(again, *receipt));
      CHECK(exchange.features(dataset).size() == kCount);
    }
    // The last step is over in a moment: it need not be met.
    if (step != "%COMMIT") CHECK(killed > 0);
  }
  CHECK(wait_until([&] { return exchange.loads_left() == 0; }, std::chrono::seconds(90)));
}

}  // namespace lt::test
