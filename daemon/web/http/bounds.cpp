// SPDX-License-Identifier: Apache-2.0
// What bounds the connections of a server: how many there are, how long each may take for what it does, and which of them makes room.
#include "daemon/web/http/server.hpp"

#include <algorithm>

namespace drwatch::web {
namespace asio = boost::asio;
using asio::ip::tcp;

// Notes what the connection does from now on, and until when that may last; look_after() ends it then.
void Server::begin(One one, Doing doing) {
  const auto within = [&]() -> Duration {
    switch (doing) {
      case Doing::handshake:
      case Doing::header:
        return limits_.header_within;
      case Doing::body:
        return limits_.body_within;
      case Doing::idle:
        return limits_.idle;
      case Doing::writing:
        return limits_.write_within;
      case Doing::leaving:
        return seconds{2};
      case Doing::answering:
      case Doing::streaming:
        return hours{24 * 365};  // ours to end
    }
    return limits_.idle;
  }();
  one->doing = doing;
  one->since = world_.clock.boottime();
  one->bytes = 0;
  one->until = one->since + within;
}

// How fast a connection gets on with what it does now, in bytes a second. Everybody begins with a credit, so that one that has just come is
// not slower than one that drips a byte a second.
double Server::pace(const Connection& one) const {
  constexpr double credit_bytes = 512, credit_seconds = 0.05;
  const std::chrono::duration<double> took = world_.clock.boottime() - one.since;
  return (static_cast<double>(one.bytes) + credit_bytes) / (took.count() + credit_seconds);
}

// Ends the connection that keeps us waiting the most among those that `among` names: the one that has been idle for the longest, or else
// the slowest in its handshake, header, body or in reading its answer. One that waits for us is never ended. False: there is none.
bool Server::close_slowest(const std::function<bool(const Connection&)>& among) {
  One idle, slowest;
  for (const auto& [id, one] : connections_) {
    if (!among(*one)) continue;
    const bool waits = one->doing == Doing::answering || one->doing == Doing::streaming || one->doing == Doing::leaving;
    // One that has just come and is about to ask is not idle yet.
    if (one->doing == Doing::idle && one->answered) {
      if (!idle || one->since < idle->since) idle = one;
    } else if (!waits && (!slowest || pace(*one) < pace(*slowest))) {
      slowest = one;
    }
  }
  const One one = idle ? idle : slowest;
  if (!one) return false;
  one->doing = Doing::leaving;  // not chosen twice before it has ended
  one->until = one->since;
  one->socket->close();
  return true;
}

// A peer that floods with handshakes makes room among its own: they wait for their turn, and so would whoever came before them.
bool Server::make_room() {
  std::map<std::string, std::size_t> shaking;
  for (const auto& [id, one] : connections_)
    if (one->doing == Doing::handshake) ++shaking[one->share];
  const auto most = std::max_element(shaking.begin(), shaking.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != shaking.end() && most->second >= limits_.connections / 4 &&
      close_slowest([&most](const Connection& one) { return one.doing == Doing::handshake && one.share == most->first; }))
    return true;
  return close_slowest([](const Connection&) { return true; });
}

void Server::take_in(tcp::socket socket) {
  boost::system::error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) return;                                                       // gone already
  if (connections_.size() >= limits_.connections && !make_room()) return;  // all are being answered: closing tells the client to come again
  // One address makes room among its own, unless it stands for many.
  const std::string peer = remote.address().to_string();
  const std::string share = fair_share_of(remote.address());
  if (const auto same = [&share](const Connection& one) { return one.share == share; };
      !proxies_.trusts(peer) &&
      static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                             [&](const auto& each) { return same(*each.second); })) >= limits_.of_a_peer &&
      !close_slowest(same))
    return;
  socket.set_option(tcp::no_delay(true), error);
  auto one = std::make_shared<Connection>();
  one->peer = peer;
  one->share = share;
  one->loopback = is_loopback(remote.address());
  one->socket = identity_ ? make_socket(std::move(socket), identity_, handshakes_, share) : make_socket(AnySocket(std::move(socket)));
  begin_serving(one, identity_ ? Doing::handshake : Doing::idle);
}

// One look over all connections instead of a timer for each.
Task<void> Server::look_after(Shared self) {
  while (!self->stopped_) {
    co_await self->world_.clock.sleep_for(self->limits_.look_every);
    const auto now = self->world_.clock.boottime();
    const auto connections = self->connections_;
    for (const auto& [id, one] : connections) {
      // Whoever has left an event stream keeps no place in it until the next event.
      if (one->doing == Doing::streaming && one->socket->gone()) one->socket->close(), self->tasks_.cancel(one->task);
      if (now < one->until) continue;
      if (one->doing == Doing::header || one->doing == Doing::body) {
        one->late = true;  // it hears why
        // Time to send the answer 408; the cancelled reading ends, and receive() goes on with `late`.
        one->until = now + self->limits_.header_within;
        one->socket->cancel();
      } else {
        one->socket->close();
      }
    }
  }
}

}  // namespace drwatch::web
