// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/dns/ares_lookup.hpp"

#include "daemon/world/bell.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/time.h>

namespace drwatch {
namespace {

// Waits 0.8 s for an answer; c-ares doubles that for the second try (1.6 s). So one lost packet does no harm, and a dead server is known
// after 2.4 s, which is before most deadlines.
constexpr int first_wait_ms = 800;
constexpr int tries = 2;

std::string csv(const std::vector<std::string>& servers) {
  std::string text;
  for (const auto& server : servers) text += (text.empty() ? "" : ",") + server;
  return text;
}

std::string numeric(const ares_addrinfo_node& node) {
  char text[INET6_ADDRSTRLEN] = "";
  if (node.ai_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(node.ai_addr)->sin_addr, text, sizeof text);
  } else if (node.ai_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(node.ai_addr)->sin6_addr, text, sizeof text);
  }
  return text;
}

}  // namespace

AresLookup::AresLookup(boost::asio::any_io_executor loop, const std::vector<std::string>& servers, bool last_word, int flags)
    : loop_(std::move(loop)), timer_(loop_), done_(std::make_shared<Bell>(loop_)) {
  ares_options options{};
  options.timeout = first_wait_ms;
  options.tries = tries;
  options.sock_state_cb = &AresLookup::on_socket;
  options.sock_state_cb_data = this;
  // NOCHECKRESP: c-ares passes SERVFAIL, NOTIMP and REFUSED on instead of asking the next server (ares_init_options(3)).
  options.flags = flags | (last_word ? ARES_FLAG_NOCHECKRESP : 0);
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_FLAGS;
  char only_servers[] = "b";
  // A question for these servers alone: /etc/hosts ("f") and the search list of resolv.conf would answer something else.
  if (!servers.empty()) {
    options.flags |= ARES_FLAG_NOSEARCH;
    options.lookups = only_servers;
    mask |= ARES_OPT_LOOKUPS;
  }
  status = ares_init_options(&channel_, &options, mask);
  if (status != ARES_SUCCESS) {
    channel_ = nullptr;
  } else if (!servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, csv(servers).c_str());
  }
}

AresLookup::~AresLookup() { end(); }

void AresLookup::begin(const std::string& name, Family family) {
  if (status != ARES_SUCCESS) return done_->ring();
  // What it stays when end() comes before an answer.
  status = ARES_ECANCELLED;
  ares_addrinfo_hints hints{};
  hints.ai_family = family == Family::v4 ? AF_INET : family == Family::v6 ? AF_INET6 : AF_UNSPEC;
  // Otherwise each address would come once for each kind of socket.
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &AresLookup::on_answer, this);
  arm_timer();
}

void AresLookup::begin(const std::string& name, int type) {
  constexpr int internet = 1;
  if (status != ARES_SUCCESS) return done_->ring();
  status = ARES_ECANCELLED;
  ares_query(channel_, name.c_str(), internet, type, &AresLookup::on_bytes, this);
  arm_timer();
}

// A channel only to let c-ares read resolv.conf.
std::vector<std::string> AresLookup::system_servers() {
  ares_channel channel = nullptr;
  if (ares_init(&channel) != ARES_SUCCESS) return {};
  ares_addr_port_node* list = nullptr;
  std::vector<std::string> servers;
  if (ares_get_servers_ports(channel, &list) == ARES_SUCCESS) {
    for (const auto* node = list; node; node = node->next) {
      char text[INET6_ADDRSTRLEN] = "";
      inet_ntop(node->family, &node->addr, text, sizeof text);
      const std::string port = ":" + std::to_string(node->udp_port ? node->udp_port : 53);
      servers.push_back((node->family == AF_INET6 ? "[" + std::string(text) + "]" : text) + port);
    }
    ares_free_data(list);
  }
  ares_destroy(channel);
  return servers;
}

void AresLookup::end() {
  timer_.cancel();
  if (auto* channel = std::exchange(channel_, nullptr)) ares_destroy(channel);
  watches_.clear();
}

void AresLookup::on_answer(void* self, int status, int, ares_addrinfo* list) {
  auto& lookup = *static_cast<AresLookup*>(self);
  lookup.status = status;
  if (list) {
    std::optional<int> ttl;
    for (auto* node = list->nodes; node; node = node->ai_next) {
      lookup.answer.addresses.push_back(numeric(*node));
      // The answer holds for as long as the shortest-lived of its addresses.
      ttl = std::min(ttl.value_or(node->ai_ttl), node->ai_ttl);
    }
    lookup.answer.ttl = seconds(std::max(0, ttl.value_or(0)));
    ares_freeaddrinfo(list);
  }
  lookup.done_->ring();
}

void AresLookup::on_bytes(void* self, int status, int, unsigned char* bytes, int size) {
  auto& lookup = *static_cast<AresLookup*>(self);
  lookup.status = status;
  if (bytes && size > 0) lookup.bytes.emplace(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  lookup.done_->ring();
}

// c-ares tells here which sockets it wants to be waited for, and for what; neither: it is done with that one.
void AresLookup::on_socket(void* self, ares_socket_t socket, int read, int write) {
  auto& lookup = *static_cast<AresLookup*>(self);
  if (!read && !write) {  // c-ares closes it now; the copy goes with the watch
    lookup.watches_.erase(socket);
    return;
  }
  auto& watch = lookup.watches_[socket];
  if (!watch) {
    // A copy of the descriptor: Asio closes what it owns, and c-ares closes its own when it likes.
    const int copy = fcntl(socket, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return;  // c-ares' own time-out ends the look-up
    watch = std::make_shared<Watch>(Watch{boost::asio::posix::stream_descriptor(lookup.loop_, copy), socket});
  }
  watch->read = read;
  watch->write = write;
  lookup.wait_for(watch);
}

void AresLookup::wait_for(const std::shared_ptr<Watch>& watch) {
  using boost::asio::posix::stream_descriptor;
  auto wait = [&](bool wanted, bool& waiting, stream_descriptor::wait_type what) {
    if (!wanted || waiting) return;
    waiting = true;
    // Weak references: the watch owns the descriptor, and the descriptor the handler of the wait. If the handler owned the watch, neither
    // would ever be freed.
    watch->descriptor.async_wait(
        what, [self = weak_from_this(), weak = std::weak_ptr(watch), &waiting, what](const boost::system::error_code& error) {
          auto lookup = self.lock();
          auto w = weak.lock();
          if (!lookup || !w) return;
          waiting = false;
          if (error || !lookup->channel_) return;
          const bool readable = what == stream_descriptor::wait_read;
          lookup->process(readable ? w->socket : ARES_SOCKET_BAD, readable ? ARES_SOCKET_BAD : w->socket);
          // process() may have closed this socket, and opened another with the same number.
          auto still = lookup->watches_.find(w->socket);
          if (still != lookup->watches_.end() && still->second == w) lookup->wait_for(w);
        });
  };
  wait(watch->read, watch->reading, stream_descriptor::wait_read);
  wait(watch->write, watch->writing, stream_descriptor::wait_write);
}

void AresLookup::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  arm_timer();
}

void AresLookup::arm_timer() {
  timeval next{};
  // c-ares resends and gives up only when it is called; the timer calls it when its next time-out is due.
  if (done_->rung() || !ares_timeout(channel_, nullptr, &next)) return;
  // A millisecond more: c-ares takes a time-out that is not quite over as not over.
  timer_.expires_after(std::chrono::seconds(next.tv_sec) + std::chrono::microseconds(next.tv_usec) + milliseconds(1));
  timer_.async_wait([self = weak_from_this()](const boost::system::error_code& error) {
    auto lookup = self.lock();
    if (error || !lookup || !lookup->channel_) return;
    lookup->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

}  // namespace drwatch
