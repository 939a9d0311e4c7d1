#include "chaos/proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status.hpp"
#include "chaos/frontend_messages.hpp"

namespace lt::chaos {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBacklog = 128;
constexpr int kIdlePollMs = 1000;
constexpr int kDelayPollMs = 5;
constexpr std::size_t kPieceBytes = 64U << 10;
/// A side that takes nothing is not read from beyond this.
constexpr std::size_t kMostQueued = 1U << 20;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.sin_port);
}

void close_if_open(int& socket) {
  if (socket >= 0) close(socket);
  socket = -1;
}

/// Bytes on their way to one side.
struct Pipe {
  struct Piece {
    Clock::time_point due;
    std::string bytes;
  };
  std::deque<Piece> pieces;
  std::size_t queued = 0;

  void push(std::string bytes, std::chrono::milliseconds delay) {
    if (bytes.empty()) return;
    queued += bytes.size();
    pieces.push_back({Clock::now() + delay, std::move(bytes)});
  }
  [[nodiscard]] bool due() const { return !pieces.empty() && pieces.front().due <= Clock::now(); }

  /// Writes what is due. False: the other side is gone.
  bool flush(int socket) {
    while (due()) {
      std::string& bytes = pieces.front().bytes;
      const ssize_t done = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (done < 0) return errno == EAGAIN || errno == EINTR;
      queued -= static_cast<std::size_t>(done);
      bytes.erase(0, static_cast<std::size_t>(done));
      if (!bytes.empty()) return true;
      pieces.pop_front();
    }
    return true;
  }
};

/// Bytes that are there; nothing when the other side is gone.
std::optional<std::string> receive(int socket) {
  std::string bytes(kPieceBytes, '\0');
  const ssize_t got = recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::string();
  if (got <= 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

}  // namespace

std::string_view to_string(Moment moment) {
  switch (moment) {
    case Moment::kBefore: return "before COMMIT";
    case Moment::kAfter: return "after COMMIT";
    case Moment::kAfterReply: return "after its reply";
  }
  return "";
}

struct Proxy::Connection {
  int client = -1;
  int server = -1;
  Pipe to_client;
  Pipe to_server;
  FrontendMessages messages;
  bool awaits_reply = false;  // a COMMIT was passed on, for which a trap waits for the reply
  short client_events = 0;
  short server_events = 0;
  bool closed = false;

  ~Connection() {
    close_if_open(client);
    close_if_open(server);
  }
  void shut() {
    close_if_open(client);
    close_if_open(server);
    closed = true;
  }
};

absl::StatusOr<std::unique_ptr<Proxy>> Proxy::start(int server_port) {
  const auto failed = [](std::string_view what) {
    return make_error(absl::StatusCode::kInternal, "PROXY_FAILED",
                      fmt::format("cannot {}: {}", what, std::strerror(errno)));
  };
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return failed("make a socket");
  const sockaddr_in address = loopback(0);
  std::array<int, 2> ends{};
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, kBacklog) != 0 || pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    const auto error = failed("listen");
    close_if_open(listener);
    return error;
  }
  auto proxy = std::unique_ptr<Proxy>(new Proxy(listener, port_of(listener), server_port, ends[0], ends[1]));
  auto* const raw = proxy.get();
  proxy->thread_ = std::jthread([raw](const std::stop_token& stop) { raw->loop(stop); });
  return proxy;
}

Proxy::Proxy(int listener, int port, int server_port, int wake_read, int wake_write)
    : listener_(listener), port_(port), server_port_(server_port), wake_read_(wake_read), wake_write_(wake_write) {}

Proxy::~Proxy() {
  thread_.request_stop();
  wake();
  if (thread_.joinable()) thread_.join();
  close(listener_);
  close(wake_read_);
  close(wake_write_);
}

void Proxy::wake() const { (void)!write(wake_write_, "", 1); }

void Proxy::cut_all() {
  cut_all_ = true;
  wake();
}

void Proxy::delay(std::chrono::milliseconds by) {
  delay_ms_ = by.count();
  wake();
}

void Proxy::black_hole(bool on) {
  black_hole_ = on;
  wake();
}

void Proxy::arm(Moment moment, bool cut, std::function<void(int)> action) {
  const std::lock_guard lock(mutex_);
  trap_ = Trap{moment, cut, std::move(action)};
}

bool Proxy::disarm() {
  std::unique_lock lock(mutex_);
  sprung_.wait(lock, [this] { return !springing_; });
  return std::exchange(trap_, std::nullopt).has_value();
}

bool Proxy::armed() const {
  const std::lock_guard lock(mutex_);
  return trap_.has_value() || springing_;
}

// True: the trap was set for this moment and has been run.
bool Proxy::spring(Connection& connection, Moment moment) {
  std::optional<Trap> trap;
  {
    const std::lock_guard lock(mutex_);
    if (!trap_ || trap_->moment != moment) return false;
    trap = std::exchange(trap_, std::nullopt);
    springing_ = true;
  }
  trap->action(port_of(connection.server));
  {
    const std::lock_guard lock(mutex_);
    springing_ = false;
  }
  sprung_.notify_all();
  if (moment != Moment::kAfter || trap->cut) connection.shut();
  return true;
}

void Proxy::from_client(Connection& connection, std::string bytes) {
  const std::chrono::milliseconds delay(delay_ms_);
  if (!connection.messages.feed(bytes)) {
    connection.to_server.push(std::move(bytes), delay);
    return;
  }
  ++commits_;
  if (spring(connection, Moment::kBefore)) return;
  connection.to_server.push(std::move(bytes), delay);
  {
    const std::lock_guard lock(mutex_);
    connection.awaits_reply = trap_ && trap_->moment == Moment::kAfterReply;
  }
  if (!connection.to_server.flush(connection.server)) {
    connection.shut();
    return;
  }
  if (connection.to_server.queued == 0) spring(connection, Moment::kAfter);
}

void Proxy::from_server(Connection& connection, std::string bytes) {
  if (std::exchange(connection.awaits_reply, false) && spring(connection, Moment::kAfterReply)) return;
  connection.to_client.push(std::move(bytes), std::chrono::milliseconds(delay_ms_));
}

void Proxy::accept_one() {
  auto made = std::make_unique<Connection>();
  made->client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  made->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(server_port_);
  if (made->client < 0 || made->server < 0) return;
  // On loopback this is answered at once; when the server is down the client is hung up on.
  if (connect(made->server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  constexpr int kOn = 1;
  setsockopt(made->client, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
  setsockopt(made->server, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
  connections_.push_back(std::move(made));
}

void Proxy::serve(Connection& connection) {
  constexpr short kReadable = POLLIN | POLLHUP | POLLERR;
  if ((connection.client_events & kReadable) != 0) {
    auto bytes = receive(connection.client);
    if (!bytes) return connection.shut();
    from_client(connection, *std::move(bytes));
  }
  if (!connection.closed && (connection.server_events & kReadable) != 0) {
    auto bytes = receive(connection.server);
    if (!bytes) {
      // What it said last ("terminating connection because ...") still gets through.
      connection.to_client.flush(connection.client);
      return connection.shut();
    }
    from_server(connection, *std::move(bytes));
  }
  if (connection.closed) return;
  if (!connection.to_server.flush(connection.server) || !connection.to_client.flush(connection.client)) {
    connection.shut();
  }
}

void Proxy::wait_for_events() {
  std::vector<pollfd> polled{{wake_read_, POLLIN, 0}, {listener_, POLLIN, 0}};
  bool delayed = false;
  const auto events = [&delayed](const Pipe& out, const Pipe& in) {
    short wanted = in.queued < kMostQueued ? POLLIN : short{0};
    if (out.due()) wanted = static_cast<short>(wanted | POLLOUT);
    delayed = delayed || (out.queued > 0 && !out.due());
    return wanted;
  };
  if (!black_hole_) {
    for (const auto& connection : connections_) {
      polled.push_back({connection->client, events(connection->to_client, connection->to_server), 0});
      polled.push_back({connection->server, events(connection->to_server, connection->to_client), 0});
    }
  }
  poll(polled.data(), polled.size(), delayed ? kDelayPollMs : kIdlePollMs);
  std::array<char, 64> ignored{};
  while (read(wake_read_, ignored.data(), ignored.size()) > 0) {
  }
  std::size_t next = 2;
  for (const auto& connection : connections_) {
    const bool known = next + 1 < polled.size();
    connection->client_events = known ? polled[next].revents : short{0};
    connection->server_events = known ? polled[next + 1].revents : short{0};
    next += 2;
  }
  if ((polled[1].revents & POLLIN) != 0) accept_one();
}

void Proxy::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    wait_for_events();
    if (cut_all_.exchange(false)) connections_.clear();
    if (black_hole_) continue;
    for (const auto& connection : connections_) serve(*connection);
    std::erase_if(connections_, [](const auto& connection) { return connection->closed; });
  }
  connections_.clear();
}

}  // namespace lt::chaos
