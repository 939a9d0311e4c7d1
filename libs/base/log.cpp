#include "base/log.hpp"

#include <atomic>
#include <chrono>

#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "base/time.hpp"

namespace lt {
namespace {

// Messages of this logger name are fields already rendered by log_event().
constexpr std::string_view kEventLogger = "event";

std::atomic<bool>& json_mode() {
  static std::atomic<bool> mode{false};
  return mode;
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A line stays a line: control characters become \n, \t or \xNN.
void append_escaped(std::string& out, std::string_view text, bool escape_quotes) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else if (escape_quotes && (c == '"' || c == '\\')) {
      out.push_back('\\');
      out.push_back(c);
    } else {
      out.push_back(c);
    }
  }
}

std::string text_value(std::string_view value) {
  bool plain = !value.empty();
  for (const char c : value) {
    plain = plain && static_cast<unsigned char>(c) > 0x20 && c != '"' && c != '=' && c != '\\' && c != 0x7F;
  }
  std::string out;
  if (!plain) out.push_back('"');
  append_escaped(out, value, true);
  if (!plain) out.push_back('"');
  return out;
}

std::string_view std_view(const spdlog::string_view_t& text) { return {text.data(), text.size()}; }

class LineFormatter final : public spdlog::formatter {
 public:
  LineFormatter(bool json, std::string service) : json_(json), service_(std::move(service)) {}

  void format(const spdlog::details::log_msg& msg, spdlog::memory_buf_t& dest) override {
    const std::string line = json_ ? json_line(msg) : text_line(msg);
    dest.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(json_, service_);
  }

 private:
  static std::string time_of(const spdlog::details::log_msg& msg) {
    return format_utc(std::chrono::duration_cast<std::chrono::microseconds>(msg.time.time_since_epoch()).count());
  }
  [[nodiscard]] std::string text_line(const spdlog::details::log_msg& msg) const {
    std::string out = fmt::format("time={} level={}", time_of(msg), std_view(spdlog::level::to_string_view(msg.level)));
    if (!service_.empty()) out += " service=" + text_value(service_);
    out.push_back(' ');
    append_escaped(out, std_view(msg.payload), false);
    out.push_back('\n');
    return out;
  }
  [[nodiscard]] std::string json_line(const spdlog::details::log_msg& msg) const {
    const bool event = std_view(msg.logger_name) == kEventLogger;
    const std::string_view payload = std_view(msg.payload);
    std::string out =
        fmt::format(R"({{"time":"{}","level":"{}")", time_of(msg), std_view(spdlog::level::to_string_view(msg.level)));
    if (!service_.empty()) out += ",\"service\":" + json_text(service_);
    out += event ? "," + std::string(payload) : ",\"message\":" + json_text(payload);
    return out + "}\n";
  }

  bool json_;
  std::string service_;
};

std::shared_ptr<spdlog::logger> make_logger(const std::string& name, const spdlog::sink_ptr& sink,
                                            spdlog::level::level_enum level) {
  auto logger = std::make_shared<spdlog::logger>(name, sink);
  logger->set_level(level);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

// The logger of events; swapped by init_logging() only.
std::shared_ptr<spdlog::logger>& event_logger() {
  static std::shared_ptr<spdlog::logger> logger =
      make_logger(std::string(kEventLogger), std::make_shared<spdlog::sinks::stderr_sink_mt>(), spdlog::level::info);
  return logger;
}

}  // namespace

absl::Status init_logging(const LogOptions& options) {
  const auto level = spdlog::level::from_str(options.level);
  if (level == spdlog::level::off && options.level != "off") {
    return make_error(
        absl::StatusCode::kInvalidArgument, "LOG_LEVEL_UNKNOWN",
        "log level \"" + options.level + "\" is unknown; use trace, debug, info, warn, error, critical or off");
  }
  const spdlog::sink_ptr sink = options.sink ? options.sink : std::make_shared<spdlog::sinks::stderr_sink_mt>();
  sink->set_formatter(std::make_unique<LineFormatter>(options.json, options.service));
  json_mode() = options.json;
  event_logger() = make_logger(std::string(kEventLogger), sink, level);
  spdlog::set_default_logger(make_logger("message", sink, level));
  return absl::OkStatus();
}

void log_event(spdlog::level::level_enum level, std::string_view event, const LogFields& fields) {
  const auto& logger = event_logger();
  if (!logger->should_log(level)) return;
  std::string line;
  if (json_mode()) {
    line = "\"event\":" + json_text(event);
    for (const auto& [name, value] : fields) line += "," + json_text(name) + ":" + json_text(value);
  } else {
    line = "event=" + text_value(event);
    for (const auto& [name, value] : fields) line += fmt::format(" {}={}", name, text_value(value));
  }
  logger->log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace lt
