#include "chaos/frontend_messages.hpp"

#include <algorithm>

namespace lt::chaos {
namespace {

constexpr std::uint32_t kLengthBytes = 4;
constexpr std::size_t kStartupHeader = 8;  // length and code
constexpr std::size_t kMessageHeader = 5;  // type and length
constexpr std::uint32_t kLongestCommit = 128;
constexpr std::uint32_t kSslRequest = 80877103;
constexpr std::uint32_t kGssRequest = 80877104;
constexpr std::string_view kCommit{"COMMIT\0", 7};

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

std::size_t FrontendMessages::header_size() const {
  return state_ == State::kStartup ? kStartupHeader : kMessageHeader;
}

void FrontendMessages::take_header() {
  const std::string_view header = header_;
  if (state_ == State::kStartup) {
    const std::uint32_t code = big_endian(header.substr(kLengthBytes));
    left_ = big_endian(header.substr(0, kLengthBytes)) - static_cast<std::uint32_t>(kStartupHeader);
    startup_follows_ = code == kSslRequest || code == kGssRequest;
    keep_text_ = false;
  } else {
    left_ = big_endian(header.substr(1)) - kLengthBytes;
    keep_text_ = header[0] == 'Q' && left_ <= kLongestCommit;
    startup_follows_ = false;
  }
  text_.clear();
  state_ = State::kBody;
}

bool FrontendMessages::end_message() {
  header_.clear();
  state_ = startup_follows_ ? State::kStartup : State::kHeader;
  return keep_text_ && std::string_view(text_).ends_with(kCommit);
}

bool FrontendMessages::feed(std::string_view bytes) {
  bool found = false;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (state_ != State::kBody) {
      header_ += bytes[at++];
      if (header_.size() < header_size()) continue;
      take_header();
    } else {
      const std::size_t piece = std::min<std::size_t>(left_, bytes.size() - at);
      if (keep_text_) text_ += bytes.substr(at, piece);
      left_ -= static_cast<std::uint32_t>(piece);
      at += piece;
    }
    if (left_ == 0 && end_message()) found = true;
  }
  return found;
}

}  // namespace lt::chaos
