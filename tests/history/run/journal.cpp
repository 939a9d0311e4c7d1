#include "history/run/journal.hpp"

#include <chrono>
#include <stdexcept>

namespace lt::history {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Journal::Journal(const std::string& directory, const std::string& name)
    : name_(name), file_(directory + "/" + name + ".jsonl", std::ios::trunc) {
  if (!file_) throw std::runtime_error("cannot write the log of " + name + " in " + directory);
}

std::string Journal::next_op() {
  const std::lock_guard lock(mutex_);
  return name_ + "-" + std::to_string(++ops_);
}

void Journal::write(const nlohmann::json& line) {
  const std::string text = line.dump() + "\n";
  const std::lock_guard lock(mutex_);
  file_ << text << std::flush;
  if (!file_) throw std::runtime_error("the log of " + name_ + " cannot be written");
}

std::string Journal::invoke(nlohmann::json what) {
  const std::string op = next_op();
  what["event"] = "invoke";
  what["op"] = op;
  what["at"] = now_ns();
  write(what);
  return op;
}

void Journal::end(const std::string& op, const std::string& event, std::int64_t at, nlohmann::json what) {
  what["event"] = event;
  what["op"] = op;
  what["at"] = at;
  write(what);
}

}  // namespace lt::history
