// HTTP/2 by hand: a client of gRPC that does what no library lets it do.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lt::test {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// What the server did on one stream.
struct RawStream {
  std::int64_t received = 0;           ///< bytes of DATA
  bool ended = false;                  ///< trailers came
  std::optional<std::uint32_t> reset;  ///< code of RST_STREAM
  std::int64_t send_window = 0;
  std::string unsent;
  std::size_t sent = 0;     ///< of `unsent`
  std::int64_t filler = 0;  ///< bytes that follow it, of no meaning
  bool end_after_unsent = false;
  /// Nothing is left to be sent.
  [[nodiscard]] bool idle() const { return unsent.empty() && filler == 0; }
  [[nodiscard]] bool over() const { return ended || reset.has_value(); }
};

/// One connection. Nothing is granted, answered or closed that a test does not ask for, except SETTINGS and, unless
/// switched off, pings. Never blocks; RawCrowd moves the bytes. One thread.
class RawPeer {
 public:
  static constexpr std::uint32_t kWindow = 65'535;  ///< of HTTP/2 by default

  /// Throws std::runtime_error when it cannot connect.
  explicit RawPeer(int port);
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  /// Opens a call of `method` ("lienthong.v1.ExchangeService/Publish") as `organisation`.
  int open(std::string_view method, std::string_view organisation, const Headers& more = {});
  /// A header block that announces one value of `bytes` and never ends, in CONTINUATION frames.
  void open_endless_headers(std::size_t bytes);
  /// One gRPC message, as far as the server's windows allow; the rest follows when they open.
  void send_message(int stream, std::string_view serialized, bool end = false);
  /// The announcement of a message of `size` bytes, without its bytes.
  void send_prefix(int stream, std::uint32_t size, bool compressed = false);
  void send_bytes(int stream, std::string_view bytes, bool end = false);
  /// So many bytes of no meaning, which are not kept until they can be sent.
  void send_filler(int stream, std::int64_t bytes);
  /// Lets the server send `bytes` more on the stream.
  void grant(int stream, std::uint32_t bytes);
  /// Lets it send more on all streams together, as far as their own windows go.
  void grant_connection(std::uint32_t bytes);
  /// Any frame.
  void send_frame(std::uint8_t type, std::uint8_t flags, int stream, std::string_view payload);

  /// From now on nothing is read and nothing answered, but the connection stays: as when a network is unplugged.
  void vanish() { vanished_ = true; }
  void ignore_pings() { answers_pings_ = false; }
  /// The server's settings, limits among them, do not bind a peer before it has acknowledged them.
  void never_acknowledge() { acknowledges_ = false; }

  [[nodiscard]] const RawStream& stream(int id) const { return streams_.at(id); }
  /// What open() will return next: 1, 3, 5, ...
  [[nodiscard]] int next_stream() const { return next_stream_; }
  [[nodiscard]] int streams() const { return static_cast<int>(streams_.size()); }
  /// The server closed the connection.
  [[nodiscard]] bool closed() const { return closed_; }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool wants_read() const { return !vanished_ && !closed_; }
  [[nodiscard]] bool wants_write() const { return !vanished_ && !closed_ && written_ < out_.size(); }
  void read_some();
  void write_some();

 private:
  void take_frames();
  void take_frame(std::uint8_t type, std::uint8_t flags, int stream, std::string_view payload);
  void take_settings(std::string_view payload);
  void push_data(int stream);

  int fd_ = -1;
  int next_stream_ = 1;
  std::string in_;
  std::string out_;
  std::size_t written_ = 0;  ///< of out_
  std::map<int, RawStream> streams_;
  std::int64_t send_window_ = kWindow;
  std::int64_t initial_send_window_ = kWindow;
  bool answers_pings_ = true;
  bool acknowledges_ = true;
  bool vanished_ = false;
  bool closed_ = false;
};

/// Peers whose bytes are moved together.
class RawCrowd {
 public:
  RawCrowd(int port, int peers);
  [[nodiscard]] std::vector<std::unique_ptr<RawPeer>>& peers() { return peers_; }
  RawPeer& operator[](std::size_t i) { return *peers_[i]; }
  [[nodiscard]] std::size_t size() const { return peers_.size(); }

  /// Moves bytes for so long.
  void run(std::chrono::milliseconds time);
  /// Moves bytes until `condition` holds. @return false when it did not within `limit`.
  template <typename Condition>
  bool run_until(Condition condition, std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= end) return false;
      turn(std::chrono::milliseconds(10));
    }
    return true;
  }

 private:
  void turn(std::chrono::milliseconds wait);
  std::vector<std::unique_ptr<RawPeer>> peers_;
};

}  // namespace lt::test
