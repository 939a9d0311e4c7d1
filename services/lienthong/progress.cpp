#include "lienthong/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "lienthong/output.hpp"

namespace lt::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenDrawings{100};
constexpr int kBarWidth = 30;
constexpr const char* kClearLine = "\r\x1b[K";

std::string bar(std::int64_t done, std::int64_t total) {
  const double share = total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0) : 1.0;
  const auto filled = static_cast<std::size_t>(share * kBarWidth);
  return "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "] ";
}

}  // namespace

Progress::Progress(std::string label, std::optional<std::int64_t> total)
    : shown_(isatty(STDERR_FILENO) == 1),
      label_(std::move(label)),
      total_(total),
      started_(std::chrono::steady_clock::now()) {}

Progress::~Progress() { clear(); }

void Progress::update(std::int64_t done) {
  done_ = done;
  if (!shown_ || std::chrono::steady_clock::now() - drawn_ < kBetweenDrawings) return;
  draw();
}

void Progress::label(std::string text) {
  label_ = std::move(text);
  if (shown_) draw();
}

void Progress::clear() {
  if (!shown_ || drawn_ == std::chrono::steady_clock::time_point{}) return;
  std::fputs(kClearLine, stderr);
  drawn_ = {};
}

void Progress::draw() {
  drawn_ = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(drawn_ - started_).count();
  const auto rate = static_cast<std::int64_t>(seconds > 0 ? static_cast<double>(done_) / seconds : 0.0);
  std::string line = kClearLine + label_ + " ";
  if (total_) line += bar(done_, *total_);
  line += with_thousands(done_);
  if (total_) line += " of " + with_thousands(*total_);
  line += ", " + with_thousands(rate) + "/s";
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace lt::cli
