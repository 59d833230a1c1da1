// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/http/server.hpp"

#include "daemon/web/http/incoming.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace drwatch::web {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// "127.0.0.1:9780", "[::1]:9780", "localhost:0". Names are not resolved: where drwatch listens must not hang on a name server.
tcp::endpoint endpoint_of(const std::string& listen) {
  const auto colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  const std::string port_text = colon == std::string::npos ? "" : listen.substr(colon + 1);
  // 0: the system chooses a free one.
  unsigned port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code bad;
  const auto address = asio::ip::make_address(host, bad);
  if (bad || port_text.empty() || error != std::errc() || *end != '\0' || port > 65535)
    throw std::runtime_error("cannot listen on '" + listen + "': it is not ADDRESS:PORT, as in 127.0.0.1:9780 or [::1]:9780");
  return {address, static_cast<std::uint16_t>(port)};
}

std::string endpoint_text(const tcp::endpoint& e) {
  const std::string address = e.address().to_string();
  return (e.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(e.port());
}

}  // namespace

// Opens, binds and listens here and not in start(), so that a port in use is known before the daemon reports that it is ready.
Server::Server(World world, TaskGroup& tasks, const std::string& listen, Limits limits, Respond respond, Admit admit)
    : world_(world),
      tasks_(tasks),
      limits_(limits),
      respond_(std::move(respond)),
      admit_(std::move(admit)),
      acceptor_(world.executor),
      local_(world.executor),
      handshakes_(std::make_shared<Handshakes>(world.executor)) {
  const auto endpoint = endpoint_of(listen);
  try {
    acceptor_.open(endpoint.protocol());
    // Without it a restarted daemon could not listen for a minute, while connections of the old one are in TIME_WAIT.
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen(asio::socket_base::max_listen_connections);
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error("cannot listen on " + listen + ": " + error.code().message() +
                             "; end what holds the port, or change [server] listen");
  }
}

void Server::start() {
  accepting_ = tasks_.spawn("web accept", accept(shared_from_this()));
  if (local_.is_open()) accepting_locally_ = tasks_.spawn("web accept locally", accept_locally(shared_from_this()));
  looking_ = tasks_.spawn("web deadlines", look_after(shared_from_this()));
}

void Server::stop() {
  if (stopped_) return;
  stopped_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  tasks_.cancel(accepting_);
  if (local_.is_open()) {
    local_.close(ignored);
    ::unlink(local_path_.c_str());
    tasks_.cancel(accepting_locally_);
  }
  tasks_.cancel(looking_);
  const auto connections = connections_;  // ending one takes it out
  for (const auto& [id, one] : connections) {
    // Somebody waits for what may be done already.
    if (in_answer(*one)) continue;
    one->socket->close();
    tasks_.cancel(one->task);
  }
}

bool Server::in_answer(const Connection& one) { return one.doing == Doing::answering || one.doing == Doing::writing; }

std::size_t Server::answering() const {
  return static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(), [](const auto& each) { return in_answer(*each.second); }));
}

std::string Server::address() const {
  boost::system::error_code error;
  return endpoint_text(acceptor_.local_endpoint(error));
}

void Server::identity(std::shared_ptr<Identity> identity) { identity_ = std::move(identity); }

void Server::trust(Proxies proxies) { proxies_ = std::move(proxies); }

void Server::begin_serving(One one, Doing doing) {
  one->id = next_id_++;
  begin(one, doing);
  connections_[one->id] = one;
  // The group lets go of a task after it has ended, whichever way: that is when the connection is forgotten.
  one->task = tasks_.spawn("web connection", serve(shared_from_this(), one), [self = shared_from_this(), one] {
    one->socket->close();
    self->connections_.erase(one->id);
  });
}

Task<void> Server::accept(Shared self) {
  while (!self->stopped_) {
    auto [error, socket] = co_await self->acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
    if (!error) {
      self->take_in(std::move(socket));
    } else if (self->stopped_ || error == asio::error::operation_aborted) {
      co_return;
    } else {
      // Out of descriptors or memory: make room, and give others the chance to let go, instead of spinning.
      self->make_room();
      co_await self->world_.clock.sleep_for(milliseconds{50});
    }
  }
}

// False: the connection is over.
Task<bool> Server::read_more(Shared, One one) {
  std::array<char, 8192> bytes;
  const std::span<char> into(bytes);
  const auto size = co_await one->socket->read_some(into);
  if (!size || *size == 0) co_return false;
  one->buffer.append(bytes.data(), *size);
  one->bytes += *size;
  co_return true;
}

Task<bool> Server::send(Shared self, One one, std::string bytes) {
  self->begin(one, Doing::writing);
  const auto sent = co_await one->socket->write_all(std::move(bytes));
  co_return sent.has_value();
}

// Header and body, piece by piece, so that it is known how fast its reader takes it. All bodies that are not taken yet have a bound
// together: beyond it the slowest reader loses its connection.
Task<bool> Server::send_shared(Shared self, One one, std::string header, std::shared_ptr<const std::string> shared) {
  constexpr std::size_t piece = 128 * 1024;
  struct Unsent {
    Server& server;
    Connection& one;
    Unsent(Server& s, Connection& o, std::size_t bytes) : server(s), one(o) { server.unsent_ += one.unsent = bytes; }
    ~Unsent() { less(one.unsent); }
    void less(std::size_t bytes) { server.unsent_ -= bytes, one.unsent -= bytes; }
  };
  const std::string_view body = *shared;
  Unsent unsent(*self, *one, body.size());
  if (self->unsent_ > self->limits_.unsent_bytes)
    self->close_slowest([](const Connection& each) { return each.unsent > 0 && each.doing == Doing::writing; });
  // A small answer is one write.
  const std::size_t first = std::min(body.size(), piece - std::min(piece, header.size()));
  header.append(body.substr(0, first));
  if (!co_await send(self, one, std::move(header))) co_return false;
  unsent.less(first);
  for (std::size_t at = first; at < body.size();) {
    std::string next(body.substr(at, piece));
    const std::size_t size = next.size();
    const auto sent = co_await one->socket->write_all(std::move(next));
    if (!sent) co_return false;
    one->until = self->world_.clock.boottime() + self->limits_.write_within;
    one->bytes += size;
    at += size;
    unsent.less(size);
  }
  co_return true;
}

// nullopt: there is no next request; what had to be said was said.
Task<std::optional<Request>> Server::receive(Shared self, One one) {
  Incoming::Admit admit = [self, one](Request head) -> std::variant<std::size_t, Response> {
    self->tell_whence(*one, head);
    // What is wrong with its target is said when it has come.
    if (!self->admit_ || !read_target(head).empty()) return std::size_t{0};
    return self->admit_(head);
  };
  Incoming incoming(self->limits_.header_bytes, self->limits_.body_bytes, std::move(admit));
  self->begin(one, one->buffer.empty() ? Doing::idle : Doing::header);
  bool continued = false;
  for (;;) {
    const bool in_header = !incoming.header_done();
    incoming.feed(one->buffer);
    if (incoming.refused() || incoming.done()) break;
    if (in_header && incoming.header_done()) self->begin(one, Doing::body);
    if (incoming.wants_continue() && !continued) {
      continued = true;
      std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      if (!co_await send(self, one, std::move(go_on))) co_return std::nullopt;
      self->begin(one, Doing::body);
    }
    const bool more = co_await read_more(self, one);
    if (one->late) break;
    if (!more) co_return std::nullopt;
    // The header's time runs from its first byte, not from the end of the last request.
    if (one->doing == Doing::idle) self->begin(one, Doing::header);
  }
  if (incoming.done() && !incoming.refused() && !one->late) co_return incoming.take();

  const Response refusal = self->refused(
      incoming.head(), incoming.refused() ? *incoming.refused() : problem(408, "too slow", "the request did not arrive in time"));
  if (refusal.held > Duration{0}) {
    self->begin(one, Doing::idle);
    co_await self->world_.clock.sleep_for(refusal.held);
  }
  if (co_await send(self, one, header_text(refusal, false, self->world_.clock.now()) + refusal.body)) co_await leave(self, one);
  co_return std::nullopt;
}

// Closing with unread bytes would reset the connection, and the client would lose the answer: let it read first, for a short while.
Task<void> Server::leave(Shared self, One one) {
  self->begin(one, Doing::leaving);
  one->socket->end_writing();
  // 64 x 8 KiB, within two seconds.
  for (int reads = 0; reads < 64 && co_await read_more(self, one); ++reads) one->buffer.clear();
}

// Counts itself among the open streams for as long as it lives, however it ends.
struct Server::Streaming final : Tap {
  Shared self;
  One one;
  bool anonymous;
  Streaming(Shared s, One o, bool a) : self(std::move(s)), one(std::move(o)), anonymous(a) {
    ++self->streams_;
    self->anonymous_streams_ += anonymous;
  }
  ~Streaming() override {
    --self->streams_;
    self->anonymous_streams_ -= anonymous;
  }
  Task<bool> write(std::shared_ptr<const std::string> bytes) override {
    const bool sent = co_await send_shared(self, one, "", std::move(bytes));
    self->begin(one, Doing::streaming);
    co_return sent;
  }
};

// True: the connection goes on.
Task<bool> Server::answer(Shared self, One one, Request request) {
  // The server being stopped answers what it has taken and keeps nothing open.
  const bool head = request.method == "HEAD", wanted = request.keep_alive;
  const std::string wrong = read_target(request);
  SharedResponse response;
  if (!wrong.empty()) {
    response = std::make_shared<const Response>(self->refused(request, problem(400, "not understood", wrong)));
  } else {
    self->begin(one, Doing::answering);
    response = co_await self->respond_(std::move(request));
  }
  // Streams stay open for hours, so they must not use up all connections.
  const bool full =
      self->streams_ >= self->limits_.streams || (response->anonymous && self->anonymous_streams_ >= self->limits_.streams / 2);
  if (response->stream && full) {
    Response refused =
        problem(503, "too many readers", "as many event streams as can be served are open; close some, or read the list instead");
    refused.headers.emplace_back("Retry-After", "30");
    response = std::make_shared<const Response>(std::move(refused));
  }
  if (response->held > Duration{0}) {
    self->begin(one, Doing::idle);
    co_await self->world_.clock.sleep_for(response->held);
  }
  if (response->stream && self->stopped_) co_return false;
  const bool keep = wanted && !self->stopped_;
  std::string header = header_text(*response, keep, self->world_.clock.now());
  if (head || response->stream) {
    if (!co_await send(self, one, std::move(header))) co_return false;
  } else {
    std::shared_ptr<const std::string> body(response, &response->body);
    if (!co_await send_shared(self, one, std::move(header), std::move(body))) co_return false;
  }
  one->answered = true;
  if (!response->stream) {
    if (!keep) co_await leave(self, one);
    co_return keep;
  }
  if (!head) {
    Streaming tap(self, one, response->anonymous);
    self->begin(one, Doing::streaming);
    co_await response->stream(tap);
  }
  co_return false;
}

void Server::tell_whence(const Connection& one, Request& request) const {
  request.peer = one.peer;
  request.peer_is_loopback = one.loopback;
  request.local_user = one.local_user;
  if (!one.local_user.empty() || proxies_.trusts(one.peer)) request.client = proxies_.forwarded_for(request);
}

// One connection from its handshake to its end. Its socket is closed by the task group's callback (take_in), whichever way this returns.
Task<void> Server::serve(Shared self, One one) {
  if (!co_await one->socket->handshake()) co_return;
  for (;;) {
    auto request = co_await receive(self, one);
    if (!request) co_return;
    self->tell_whence(*one, *request);
    if (!co_await answer(self, one, std::move(*request))) co_return;
  }
}

}  // namespace drwatch::web
