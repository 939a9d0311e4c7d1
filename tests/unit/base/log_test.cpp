#include "base/log.hpp"

#include <sstream>

#include <spdlog/sinks/ostream_sink.h>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "base/time.hpp"

namespace {

class CapturedLog {
 public:
  CapturedLog(const std::string& level, bool json) {
    const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(stream_);
    REQUIRE(lt::init_logging({level, json, "exchange", sink}).ok());
  }
  ~CapturedLog() { (void)lt::init_logging({}); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  [[nodiscard]] std::string text() const { return stream_.str(); }

 private:
  std::ostringstream stream_;
};

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("text logging writes one line of key=value per event") {
  const CapturedLog log("info", false);
  lt::log_event(spdlog::level::info, "rpc", {{"method", "GetFeature"}, {"message", "a \"b\"\nc"}, {"empty", ""}});
  const std::string text = log.text();
  CHECK(lines(text) == 1);
  CHECK(text.find("level=info service=exchange event=rpc method=GetFeature message=\"a \\\"b\\\"\\nc\" empty=\"\"\n") !=
        std::string::npos);
  const std::string time = text.substr(std::string("time=").size(), text.find(' ') - std::string("time=").size());
  CHECK(lt::parse_rfc3339(time).ok());
}

TEST_CASE("text logging keeps a message with control characters on its line") {
  const CapturedLog log("info", false);
  spdlog::info("first\nsecond\r\x1b[31m");
  CHECK(lines(log.text()) == 1);
  CHECK(log.text().find("first\\nsecond\\x0d\\x1b[31m") != std::string::npos);
}

TEST_CASE("json logging writes an object per event and escapes values") {
  const CapturedLog log("info", true);
  const std::string hostile = "quote \" backslash \\ newline \n tab \t bell \x07 đường";
  lt::log_event(spdlog::level::warn, "rpc", {{"message", hostile}});
  const auto json = nlohmann::json::parse(log.text());
  CHECK(json["level"] == "warning");
  CHECK(json["service"] == "exchange");
  CHECK(json["event"] == "rpc");
  CHECK(json["message"] == hostile);
}

TEST_CASE("json logging puts a plain message into the member message") {
  const CapturedLog log("info", true);
  spdlog::error("cannot \"open\" {}", 7);
  const auto json = nlohmann::json::parse(log.text());
  CHECK(json["message"] == "cannot \"open\" 7");
}

TEST_CASE("json logging replaces bytes that are not UTF-8") {
  const CapturedLog log("info", true);
  lt::log_event(spdlog::level::info, "x", {{"name", "a\xff"}});
  CHECK(nlohmann::json::parse(log.text())["name"] == "a\xEF\xBF\xBD");
}

TEST_CASE("events below the level are not written") {
  const CapturedLog log("warn", false);
  lt::log_event(spdlog::level::info, "quiet", {});
  spdlog::info("quiet");
  CHECK(log.text().empty());
  lt::log_event(spdlog::level::warn, "loud", {});
  CHECK(lines(log.text()) == 1);
}

TEST_CASE("init_logging refuses an unknown level") {
  const auto status = lt::init_logging({"loud", false, "", nullptr});
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(status) == "LOG_LEVEL_UNKNOWN");
  CHECK(lt::init_logging({"off", false, "", nullptr}).ok());
  CHECK(lt::init_logging({}).ok());
}
