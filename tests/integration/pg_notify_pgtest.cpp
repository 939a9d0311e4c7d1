// LISTEN and NOTIFY: what wakes a waiting session, and what does not.
#include "pg/notify.hpp"

#include <chrono>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "pg/connection.hpp"
#include "support/status.hpp"
#include "support/temp_database.hpp"
#include "support/wait_until.hpp"

namespace lt::pg {
namespace {

using test::must;
using test::TempDatabase;
using Clock = std::chrono::steady_clock;

Clock::time_point soon() { return Clock::now() + std::chrono::milliseconds(20); }
Clock::time_point late() { return Clock::now() + std::chrono::seconds(60); }

TEST_CASE("a notification of another session arrives with channel, payload and sender") {
  const TempDatabase database;
  Connection listener = database.connect();
  Connection sender = database.connect();
  REQUIRE_OK(listener.listen("heads of \"roads\""));
  must(sender.execute("SELECT pg_notify('heads of \"roads\"', 'seven')"));
  const auto received = must(listener.wait_for_notification(late()));
  REQUIRE(received);
  CHECK(received->channel == "heads of \"roads\"");
  CHECK(received->payload == "seven");
  CHECK(received->backend_pid == sender.backend_pid());
  CHECK_FALSE(must(listener.wait_for_notification(soon())));
}

TEST_CASE("notifications that came during other statements are kept, each once") {
  const TempDatabase database;
  Connection listener = database.connect();
  Connection sender = database.connect();
  REQUIRE_OK(listener.listen("c"));
  must(sender.execute_script("NOTIFY c, '1'"));
  must(sender.execute_script("NOTIFY c, '2'"));
  must(listener.execute("SELECT 1"));
  CHECK(must(listener.wait_for_notification(late()))->payload == "1");
  CHECK(must(listener.wait_for_notification(late()))->payload == "2");
  CHECK_FALSE(must(listener.wait_for_notification(soon())));
}

TEST_CASE("other channels are not heard") {
  const TempDatabase database;
  Connection listener = database.connect();
  REQUIRE_OK(listener.listen("c"));
  must(database.connect().execute_script("NOTIFY d"));
  CHECK_FALSE(must(listener.wait_for_notification(soon())));
}

TEST_CASE("a waker ends a wait, and one that came before the wait is not lost") {
  const TempDatabase database;
  Connection listener = database.connect();
  REQUIRE_OK(listener.listen("c"));
  Waker waker;
  waker.wake();
  waker.wake();
  CHECK_FALSE(must(listener.wait_for_notification(late(), &waker)));
  std::thread other([&] { waker.wake(); });
  CHECK_FALSE(must(listener.wait_for_notification(late(), &waker)));
  other.join();
  CHECK_FALSE(waker.wait_until(soon()));
  waker.wake();
  CHECK(waker.wait_until(late()));
}

TEST_CASE("a wait ends when the server ends the session") {
  const TempDatabase database;
  Connection listener = database.connect();
  REQUIRE_OK(listener.listen("c"));
  Connection other = database.connect();
  std::thread killer([&] {
    must(other.execute("SELECT pg_terminate_backend($1)", Params().add(std::int32_t{listener.backend_pid()})));
  });
  const auto waited = listener.wait_for_notification(late());
  killer.join();
  REQUIRE_ERROR(waited, absl::StatusCode::kUnavailable, "CONNECTION_LOST");
  CHECK(listener.is_broken());
  REQUIRE_ERROR(listener.wait_for_notification(late()), absl::StatusCode::kUnavailable, "CONNECTION_LOST");
}

TEST_CASE("nothing is waited for inside a transaction, and a channel needs a name") {
  const TempDatabase database;
  Connection listener = database.connect();
  REQUIRE_ERROR(listener.listen(""), absl::StatusCode::kInvalidArgument, "IDENTIFIER_INVALID");
  REQUIRE_ERROR(listener.listen(std::string(64, 'c')), absl::StatusCode::kInvalidArgument, "IDENTIFIER_INVALID");
  REQUIRE_OK(listener.listen(std::string(63, 'c')));
  REQUIRE_OK(listener.begin());
  REQUIRE_ERROR(listener.wait_for_notification(late()), absl::StatusCode::kFailedPrecondition, "TRANSACTION_OPEN");
}

TEST_CASE("a server that is silent for longer than answer_timeout is given up") {
  const TempDatabase database;
  ConnectOptions options;
  options.url = database.url();
  options.answer_timeout = std::chrono::milliseconds(200);
  Connection connection = must(Connection::open(options));
  must(connection.execute("SELECT pg_sleep(0.01)"));
  const auto started = Clock::now();
  REQUIRE_ERROR(connection.execute("SELECT pg_sleep(60)"), absl::StatusCode::kUnavailable, "CONNECTION_LOST");
  CHECK(Clock::now() - started < std::chrono::seconds(20));
  CHECK(connection.is_broken());
}

TEST_CASE("answer_timeout does not apply to COMMIT") {
  const TempDatabase database;
  ConnectOptions options;
  options.url = database.url();
  options.answer_timeout = std::chrono::milliseconds(100);
  Connection connection = must(Connection::open(options));
  must(connection.execute_script(
      "CREATE TABLE t (id integer); CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$; "
      "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
      "EXECUTE FUNCTION slow()"));
  REQUIRE_OK(connection.begin());
  must(connection.execute("INSERT INTO t VALUES (1)"));
  REQUIRE_OK(connection.commit());
}

}  // namespace
}  // namespace lt::pg
