#include "raw_peer.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace lt::test {
namespace {

// RFC 9113
constexpr std::uint8_t kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoAway = 7, kWindowUpdate = 8;
constexpr std::uint8_t kContinuation = 9;
constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;
constexpr std::size_t kFrameHeader = 9;
constexpr std::size_t kMaxFrame = 16'384;
constexpr std::uint16_t kInitialWindowSize = 4;

void put(std::string& out, std::uint32_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

std::uint32_t get(std::string_view in, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<std::uint8_t>(in[at + i]);
  return value;
}

// HPACK (RFC 7541): an integer with a 7-bit prefix, and a string without Huffman coding.
void put_length(std::string& out, std::size_t length) {
  constexpr std::size_t kPrefix = 127;
  if (length < kPrefix) {
    out.push_back(static_cast<char>(length));
    return;
  }
  out.push_back(static_cast<char>(kPrefix));
  std::size_t rest = length - kPrefix;
  for (; rest >= 128; rest /= 128) out.push_back(static_cast<char>(rest % 128 + 128));
  out.push_back(static_cast<char>(rest));
}

void put_string(std::string& out, std::string_view text) {
  put_length(out, text.size());
  out += text;
}

std::string header_block(const Headers& headers) {
  std::string block;
  for (const auto& [name, value] : headers) {
    block.push_back(0);  // literal without indexing, new name
    put_string(block, name);
    put_string(block, value);
  }
  return block;
}

}  // namespace

RawPeer::RawPeer(int port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect to the exchange");
  }
  ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  out_ = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  send_frame(kSettings, 0, 0, "");
}

RawPeer::~RawPeer() { ::close(fd_); }

void RawPeer::send_frame(std::uint8_t type, std::uint8_t flags, int stream, std::string_view payload) {
  put(out_, static_cast<std::uint32_t>(payload.size()), 3);
  out_.push_back(static_cast<char>(type));
  out_.push_back(static_cast<char>(flags));
  put(out_, static_cast<std::uint32_t>(stream), 4);
  out_ += payload;
}

int RawPeer::open(std::string_view method, std::string_view organisation, const Headers& more) {
  const int id = next_stream_;
  next_stream_ += 2;
  streams_[id].send_window = initial_send_window_;
  Headers headers{{":method", "POST"},
                  {":scheme", "http"},
                  {":path", "/" + std::string(method)},
                  {":authority", "localhost"},
                  {"te", "trailers"},
                  {"content-type", "application/grpc"},
                  {"lienthong-organisation", std::string(organisation)}};
  headers.insert(headers.end(), more.begin(), more.end());
  const std::string block = header_block(headers);
  const bool one = block.size() <= kMaxFrame;
  send_frame(kHeaders, one ? kEndHeaders : 0, id, std::string_view(block).substr(0, kMaxFrame));
  for (std::size_t at = kMaxFrame; at < block.size(); at += kMaxFrame) {
    send_frame(kContinuation, at + kMaxFrame >= block.size() ? kEndHeaders : 0, id,
               std::string_view(block).substr(at, kMaxFrame));
  }
  return id;
}

void RawPeer::open_endless_headers(std::size_t bytes) {
  std::string block(1, '\0');
  put_string(block, "x-endless");
  put_length(block, bytes + 1);
  send_frame(kHeaders, 0, next_stream_, block);
  next_stream_ += 2;
  const std::string piece(kMaxFrame, 'h');
  for (std::size_t sent = 0; sent < bytes; sent += piece.size()) send_frame(kContinuation, 0, next_stream_ - 2, piece);
}

void RawPeer::send_prefix(int stream, std::uint32_t size, bool compressed) {
  std::string prefix(1, compressed ? '\1' : '\0');
  put(prefix, size, 4);
  send_bytes(stream, prefix);
}

void RawPeer::send_message(int stream, std::string_view serialized, bool end) {
  std::string message(1, '\0');
  put(message, static_cast<std::uint32_t>(serialized.size()), 4);
  message += serialized;
  send_bytes(stream, message, end);
}

void RawPeer::send_bytes(int stream, std::string_view bytes, bool end) {
  auto& state = streams_.at(stream);
  state.unsent += bytes;
  state.end_after_unsent = end;
  push_data(stream);
}

void RawPeer::push_data(int stream) {
  auto& state = streams_.at(stream);
  if (state.over()) {
    state.unsent = {};
    state.filler = 0;
    return;
  }
  static const std::string filler(kMaxFrame, 'x');
  while (state.send_window > 0 && send_window_ > 0) {
    const auto room =
        std::min<std::size_t>(static_cast<std::size_t>(std::min(state.send_window, send_window_)), kMaxFrame);
    std::string_view piece = std::string_view(state.unsent).substr(state.sent, room);
    if (piece.empty()) {
      piece = std::string_view(filler).substr(0, std::min(room, static_cast<std::size_t>(state.filler)));
      state.filler -= static_cast<std::int64_t>(piece.size());
    } else {
      state.sent += piece.size();
    }
    if (piece.empty()) break;
    const bool last = state.end_after_unsent && state.sent == state.unsent.size();
    send_frame(kData, last ? kEndStream : 0, stream, piece);
    state.send_window -= static_cast<std::int64_t>(piece.size());
    send_window_ -= static_cast<std::int64_t>(piece.size());
  }
  if (state.sent < state.unsent.size()) return;
  state.unsent.clear();
  state.sent = 0;
}

void RawPeer::send_filler(int stream, std::int64_t bytes) {
  streams_.at(stream).filler += bytes;
  push_data(stream);
}

void RawPeer::grant_connection(std::uint32_t bytes) {
  std::string payload;
  put(payload, bytes, 4);
  send_frame(kWindowUpdate, 0, 0, payload);
}

void RawPeer::grant(int stream, std::uint32_t bytes) {
  std::string payload;
  put(payload, bytes, 4);
  grant_connection(bytes);
  send_frame(kWindowUpdate, 0, stream, payload);
}

void RawPeer::read_some() {
  std::array<char, 64 * 1024> buffer{};
  const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (size > 0) {
    in_.append(buffer.data(), static_cast<std::size_t>(size));
    take_frames();
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    closed_ = true;
  }
}

void RawPeer::write_some() {
  const ssize_t size = ::send(fd_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
  if (size > 0) {
    written_ += static_cast<std::size_t>(size);
    if (written_ < out_.size()) return;
    out_.clear();
    written_ = 0;
  } else if (size < 0 && errno != EAGAIN && errno != EINTR) {
    closed_ = true;
  }
}

void RawPeer::take_frames() {
  std::size_t at = 0;
  while (in_.size() - at >= kFrameHeader) {
    const std::size_t size = get(in_, at, 3);
    if (in_.size() - at < kFrameHeader + size) break;
    const auto type = static_cast<std::uint8_t>(in_[at + 3]);
    const auto flags = static_cast<std::uint8_t>(in_[at + 4]);
    const int stream = static_cast<int>(get(in_, at + 5, 4));
    take_frame(type, flags, stream, std::string_view(in_).substr(at + kFrameHeader, size));
    at += kFrameHeader + size;
  }
  in_.erase(0, at);
}

void RawPeer::take_frame(std::uint8_t type, std::uint8_t flags, int stream, std::string_view payload) {
  const auto it = streams_.find(stream);
  RawStream* const state = it == streams_.end() ? nullptr : &it->second;
  if (type == kSettings && (flags & kAck) == 0) return take_settings(payload);
  if (type == kPing && (flags & kAck) == 0 && answers_pings_) return send_frame(kPing, kAck, 0, payload);
  if (type == kGoAway) closed_ = true;
  if (type == kWindowUpdate) {
    (state != nullptr ? state->send_window : send_window_) += get(payload, 0, 4);
    for (auto& [id, one] : streams_) push_data(id);
  }
  if (state == nullptr) return;
  if (type == kData) state->received += static_cast<std::int64_t>(payload.size());
  if (type == kReset) state->reset = get(payload, 0, 4);
  if ((type == kData || type == kHeaders) && (flags & kEndStream) != 0) state->ended = true;
}

void RawPeer::take_settings(std::string_view payload) {
  constexpr std::size_t kEntry = 6;
  for (std::size_t at = 0; at + kEntry <= payload.size(); at += kEntry) {
    if (get(payload, at, 2) != kInitialWindowSize) continue;
    const std::int64_t window = get(payload, at + 2, 4);
    for (auto& [id, one] : streams_) one.send_window += window - initial_send_window_;
    initial_send_window_ = window;
  }
  if (acknowledges_) send_frame(kSettings, kAck, 0, "");
  for (auto& [id, one] : streams_) push_data(id);
}

RawCrowd::RawCrowd(int port, int peers) {
  for (int i = 0; i < peers; ++i) peers_.push_back(std::make_unique<RawPeer>(port));
}

void RawCrowd::run(std::chrono::milliseconds time) {
  (void)run_until([] { return false; }, time);
}

void RawCrowd::turn(std::chrono::milliseconds wait) {
  std::vector<pollfd> fds;
  for (const auto& peer : peers_) {
    const int events = (peer->wants_read() ? POLLIN : 0) | (peer->wants_write() ? POLLOUT : 0);
    fds.push_back({events == 0 ? -1 : peer->fd(), static_cast<short>(events), 0});
  }
  if (::poll(fds.data(), fds.size(), static_cast<int>(wait.count())) <= 0) return;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if ((fds[i].revents & POLLOUT) != 0) peers_[i]->write_some();
    if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && peers_[i]->wants_read()) peers_[i]->read_some();
  }
}

}  // namespace lt::test
