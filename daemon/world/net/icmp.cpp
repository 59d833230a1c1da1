// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/net/icmp.hpp"

#include "daemon/world/clock.hpp"
#include "daemon/world/failures.hpp"
#include "probes/seams/within.hpp"

#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

namespace drwatch {
namespace {

namespace asio = boost::asio;

constexpr std::size_t header = 8;  // type, code, checksum, identifier, sequence (RFC 792, RFC 4443)

Failure not_allowed(int number) {
  return {
      Reason::own_fault, errno_name(number),
      "this system lets drwatch send no ICMP echoes: net.ipv4.ping_group_range does not include its group; set it to \"0 2147483647\", as "
      "systemd does by default"};
}

Failure failed(int number, const std::string& address) {
  // socket() says EACCES when ping_group_range does not include us.
  if (number == EACCES || number == EPERM) return not_allowed(number);
  return socket_failure(Reason::connect, boost::system::error_code(number, boost::system::system_category()), address);
}

std::string echo_request(bool v6, std::size_t payload) {
  std::string bytes(header + payload, '\0');
  bytes[0] = v6 ? '\x80' : '\x08';
  bytes[7] = 1;  // the sequence number
  // Random bytes in the payload, so that the late reply to an earlier echo is not taken for this one's. Where there are none, the kernel's
  // identifier alone has to tell them apart.
  if (payload > 0 && ::getrandom(&bytes[header], std::min<std::size_t>(payload, 16), GRND_NONBLOCK) < 0) bytes[header] = 1;
  return bytes;
}

// The reply repeats sequence number and payload (RFC 792). The identifier is not compared: the kernel sets it and hands over only its own.
bool answers(const std::string& request, const char* reply, std::size_t size) {
  // Echo reply: 0 for ICMP, 129 (0x81) for ICMPv6.
  const char type = request[0] == '\x08' ? '\x00' : '\x81';
  return size == request.size() && reply[0] == type && std::memcmp(reply + 6, request.data() + 6, size - 6) == 0;
}

int open_socket(const asio::ip::address& to, int& number) {
  const int fd = ::socket(to.is_v6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          to.is_v6() ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP));
  number = errno;
  if (fd < 0) return fd;
  const int on = 1;  // ask for the ICMP errors of routers on the way (EHOSTUNREACH)
  ::setsockopt(fd, to.is_v6() ? IPPROTO_IPV6 : IPPROTO_IP, to.is_v6() ? IPV6_RECVERR : IP_RECVERR, &on, sizeof on);
  // Connected, so that errors of the path are delivered to this socket. The port means nothing to ICMP.
  const asio::ip::udp::endpoint endpoint(to, 0);
  if (::connect(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0) return fd;
  number = errno;
  ::close(fd);
  return -1;
}

// Waits for the reply to `request`; other packets are passed over. 0: it came. Otherwise the errno of what was said instead. Never ends by
// itself when nothing comes: the caller sets the deadline. A pointer: the socket is in the caller's frame.
Task<int> await_reply(asio::posix::stream_descriptor* socket, std::string request) {
  // One byte more, so that a longer reply is seen to be longer and not cut to a length that fits.
  std::string reply(request.size() + 1, '\0');
  while (true) {
    boost::system::error_code error;
    co_await socket->async_wait(asio::posix::stream_descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
    unwind_if_cancelled(error);
    if (error) co_return error.value();
    const ssize_t size = ::recv(socket->native_handle(), reply.data(), reply.size(), 0);
    if (size < 0 && errno != EAGAIN && errno != EINTR) co_return errno;
    if (size > 0 && answers(request, reply.data(), static_cast<std::size_t>(size))) co_return 0;
  }
}

}  // namespace

Task<Result<std::chrono::microseconds>> send_echo(asio::any_io_executor loop, std::string address, std::size_t payload, Duration patience) {
  boost::system::error_code error;
  const auto to = asio::ip::make_address(address, error);
  if (error) co_return Failure{Reason::internal, "", address + " is not an address"};
  int number = 0;
  const int fd = open_socket(to, number);
  if (fd < 0) co_return failed(number, address);
  asio::posix::stream_descriptor socket(loop, fd);
  const std::string request = echo_request(to.is_v6(), payload);
  const auto began = std::chrono::steady_clock::now();
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) co_return failed(errno, address);
  RealClock clock(loop);
  const auto ended = co_await within(clock, patience, await_reply(&socket, request));
  if (!ended) co_return Failure{Reason::timeout, "", address + " did not answer within " + duration_words(patience)};
  if (*ended != 0) co_return failed(*ended, address);
  co_return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
}

}  // namespace drwatch
