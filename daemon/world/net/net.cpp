// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/net/net.hpp"

#include "daemon/world/failures.hpp"
#include "daemon/world/net/icmp.hpp"
#include "daemon/world/stopwatch.hpp"
#include "probes/seams/within.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace drwatch {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// TCP without TLS. A failure has the reason connect: the connection broke.
class PlainStream : public Stream {
 public:
  PlainStream(tcp::socket socket, std::string address) : socket_(std::move(socket)), address_(std::move(address)) {}

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    boost::system::error_code error;
    auto n = co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), asio::redirect_error(asio::use_awaitable, error));
    unwind_if_cancelled(error);
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return socket_failure(Reason::connect, error, address_);
    co_return n;
  }

  Task<Result<std::size_t>> write_all(std::string bytes) override {
    boost::system::error_code error;
    auto n = co_await asio::async_write(socket_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    unwind_if_cancelled(error);
    if (error) co_return socket_failure(Reason::connect, error, address_);
    co_return n;
  }

  tcp::socket take_socket() { return std::move(socket_); }
  const std::string& address() const { return address_; }

 private:
  tcp::socket socket_;
  std::string address_;
};

std::string text_of(const tcp::endpoint& to) {
  const auto address = to.address().to_string();
  return (to.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(to.port());
}

struct Joined {
  tcp::socket socket;
  std::string address;
};

Task<Result<Joined>> connect_one(asio::any_io_executor loop, tcp::endpoint to) {
  boost::system::error_code error;
  tcp::socket socket(loop);
  co_await socket.async_connect(to, asio::redirect_error(asio::use_awaitable, error));
  unwind_if_cancelled(error);
  if (error) co_return socket_failure(Reason::connect, error, text_of(to));
  // Without it (Nagle) a small request may wait 40 ms for the acknowledgement of the one before. An error does not matter.
  socket.set_option(tcp::no_delay(true), error);
  co_return Joined{std::move(socket), text_of(to)};
}

// Tries the addresses one after the other until one accepts. An address that stays silent is given up after two seconds, or sooner when the
// run has less time: it would otherwise use up the whole deadline, and the addresses behind it were never tried. What is left is shared by
// the addresses and by what follows the connection. The last address has no bound of its own: nobody is waiting behind it, so it may use
// what is left of the deadline. When all fail, the failure of the last one is returned.
Task<Result<Joined>> connect_any(asio::any_io_executor loop, Clock& clock, std::vector<std::string> addresses, std::uint16_t port,
                                 std::chrono::nanoseconds left) {
  constexpr std::chrono::nanoseconds most = std::chrono::seconds(2), least = std::chrono::milliseconds(50);
  const auto ends = clock.boottime() + left;
  Failure last{Reason::dns, "NODATA", "no address to connect to"};
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    boost::system::error_code error;
    const tcp::endpoint to(asio::ip::make_address(addresses[i], error), port);
    // The resolver gives only numeric addresses; this would be a bug of it.
    if (error) continue;
    if (i + 1 == addresses.size()) co_return co_await connect_one(loop, to);
    const auto share = (ends - clock.boottime()) / static_cast<std::int64_t>(addresses.size() - i + 1);
    auto joined = co_await within(clock, std::clamp(share, least, most), connect_one(loop, to));
    if (joined && *joined) co_return std::move(*joined);
    last = joined ? joined->error() : Failure{Reason::connect, "ETIMEDOUT", "no answer from " + text_of(to)};
  }
  co_return last;
}

}  // namespace

// In world/net, since an HTTP client shows the same of a connection that it secures itself.
std::map<std::string, std::string> connection_facts(const TlsShown& shown) {
  std::map<std::string, std::string> facts{{"tls_version", shown.version}, {"tls_cipher", shown.cipher}};
  if (shown.sent.empty()) return facts;
  facts["certificate_expires"] = time_text(shown.sent.front().until);
  if (const auto& subject = shown.sent.front().common_name; !subject.empty()) facts["certificate_subject"] = subject;
  return facts;
}

Task<Result<Connected>> RealNet::connect(std::string host, std::uint16_t port, Family family, std::optional<TlsSettings> tls,
                                         Phases& phases) {
  co_return co_await connect_within(std::move(host), port, family, std::move(tls), phases, std::chrono::hours{1});
}

Task<Result<Connected>> RealNet::connect_within(std::string host, std::uint16_t port, Family family, std::optional<TlsSettings> tls,
                                                Phases& phases, std::chrono::nanoseconds left) {
  const auto ends = clock_.boottime() + left;
  Stopwatch watch;
  // "[2001:db8::1]", as a URL writes it.
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::vector<std::string> system_servers;
  auto resolved = co_await resolver_.resolve(host, family, std::move(system_servers));
  watch.lap(phases, Phase::resolve);
  if (!resolved) co_return resolved.error();

  // Before connecting, and not measured: reading the trust store may take 20 ms, which must not be counted as the server's time.
  TlsContexts::Context context;
  if (tls) {
    auto got = co_await contexts_.get(*tls);
    if (!got) co_return got.error();
    context = std::move(*got);
    watch = {};
  }
  auto joined = co_await connect_any(loop_, clock_, std::move(resolved->addresses), port, ends - clock_.boottime());
  watch.lap(phases, Phase::connect);
  if (!joined) co_return joined.error();

  Connected connected;
  connected.address = std::move(joined->address);
  if (tls) {
    TlsShown shown;
    const std::string name = tls->server_name.empty() ? host : tls->server_name;
    auto secured = co_await start_tls(std::move(joined->socket), std::move(context), tls->verify, name, connected.address, shown);
    watch.lap(phases, Phase::tls);
    if (!secured) co_return secured.error();
    connected.facts = connection_facts(shown);
    connected.stream = std::move(*secured);
  } else {
    connected.stream = std::make_unique<PlainStream>(std::move(joined->socket), connected.address);
  }
  connected.phases = phases;
  co_return std::move(connected);
}

Task<Result<std::unique_ptr<Stream>>> RealNet::secure(std::unique_ptr<Stream> stream, TlsSettings settings, std::string name,
                                                      TlsShown& shown, Phases& phases) {
  auto* plain = dynamic_cast<PlainStream*>(stream.get());
  if (!plain) co_return Failure{Reason::internal, "", "TLS can only begin on a plain connection"};
  if (!settings.server_name.empty()) name = settings.server_name;
  auto context = co_await contexts_.get(settings);
  if (!context) co_return context.error();
  Stopwatch watch;
  const std::string address = plain->address();
  auto secured = co_await start_tls(plain->take_socket(), std::move(*context), settings.verify, std::move(name), address, shown);
  watch.lap(phases, Phase::tls);
  co_return std::move(secured);
}

Task<Result<std::chrono::microseconds>> RealNet::echo(std::string address, std::size_t payload, Duration patience) {
  co_return co_await send_echo(loop_, std::move(address), payload, patience);
}

}  // namespace drwatch
