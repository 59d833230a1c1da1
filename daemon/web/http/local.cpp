// SPDX-License-Identifier: Apache-2.0
// The daemon's own Unix socket, beside the one that listens for everybody.
#include "daemon/web/http/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <stdexcept>

namespace drwatch::web {
namespace asio = boost::asio;

void Server::listen_locally(const std::string& path) {
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() > longest)
    throw std::runtime_error("cannot listen on " + path + ": a socket's path has " + std::to_string(longest) + " bytes at most");
  const asio::local::stream_protocol::endpoint endpoint(path);
  boost::system::error_code error;
  ::unlink(path.c_str());  // of a daemon that was killed
  local_.open(endpoint.protocol(), error);
  // Nobody can come between the making of the file and its mode: it is made with it.
  const auto mask = ::umask(0177);
  if (!error) local_.bind(endpoint, error);
  ::umask(mask);
  if (!error) local_.listen(asio::socket_base::max_listen_connections, error);
  if (error) throw std::runtime_error("cannot listen on " + path + ": " + error.message() + "; look at the folder and who may write to it");
  local_path_ = path;
}

// Only root and the user that drwatch runs as are let in, whatever the mode of the socket's file; the kernel says who it is (unix(7),
// SO_PEERCRED).
void Server::take_in_locally(asio::local::stream_protocol::socket socket) {
  ucred who{};
  socklen_t size = sizeof who;
  if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return;
  if (who.uid != 0 && who.uid != geteuid()) return;
  if (connections_.size() >= limits_.connections && !make_room()) return;
  auto one = std::make_shared<Connection>();
  one->peer = "local";
  one->loopback = true;
  one->local_user = who.uid == 0 ? "root" : "drwatch";
  one->socket = make_socket(AnySocket(std::move(socket)));
  begin_serving(one, Doing::idle);
}

Task<void> Server::accept_locally(Shared self) {
  while (!self->stopped_) {
    auto [error, socket] = co_await self->local_.async_accept(asio::as_tuple(asio::use_awaitable));
    if (!error) {
      self->take_in_locally(std::move(socket));
    } else if (self->stopped_ || error == asio::error::operation_aborted) {
      co_return;
    } else {
      self->make_room();
      co_await self->world_.clock.sleep_for(milliseconds{50});
    }
  }
}

}  // namespace drwatch::web
