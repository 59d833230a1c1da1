// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/http/socket.hpp"

#include "daemon/world/workers.hpp"

#include <sys/socket.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cerrno>
#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

namespace drwatch::web {
namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

struct Identity {
  asio::ssl::context context{asio::ssl::context::tls_server};
};

namespace {

// For two small files; whoever calls has read them a moment ago, beside the loop.
constexpr auto identity_patience = std::chrono::seconds(2);

std::shared_ptr<Identity> read_identity(const std::string& certificate_file, const std::string& key_file) {
  auto identity = std::make_shared<Identity>();
  boost::system::error_code error;
  SSL_CTX_set_min_proto_version(identity->context.native_handle(), TLS1_2_VERSION);
  // Of the key exchanges that a client may choose, the quick ones: ffdhe8192 takes longer than the signature.
  SSL_CTX_set1_groups_list(identity->context.native_handle(), "X25519:P-256:P-384");
  SSL_CTX_set_options(identity->context.native_handle(), SSL_OP_NO_RENEGOTIATION);
  // OpenSSL's own callback asks for a passphrase on the terminal and waits there, for ever. Ours gives an empty one and remembers that it
  // was asked, for a message that says what to do.
  const auto asked = std::make_shared<bool>(false);
  identity->context.set_password_callback([asked](std::size_t, asio::ssl::context::password_purpose) {
    *asked = true;
    return std::string();
  });
  identity->context.use_certificate_chain_file(certificate_file, error);
  if (error) throw std::runtime_error("cannot use the certificate " + certificate_file + ": " + error.message());
  identity->context.use_private_key_file(key_file, asio::ssl::context::pem, error);
  if (error && *asked)
    throw std::runtime_error("cannot use the key " + key_file +
                             ": it is protected by a passphrase, which drwatch can't ask for; give it one without");
  if (error)
    throw std::runtime_error("cannot use the key " + key_file + ": " + error.message() + "; it must be PEM and belong to " +
                             certificate_file);
  return identity;
}

}  // namespace

std::shared_ptr<Identity> load_identity(const std::string& certificate_file, const std::string& key_file) {
  struct Loaded {
    std::shared_ptr<Identity> identity;
    std::exception_ptr error;
  };
  const auto loaded = std::make_shared<Loaded>();
  const bool done = done_within(identity_patience, [loaded, certificate_file, key_file] {
    try {
      loaded->identity = read_identity(certificate_file, key_file);
    } catch (...) {
      loaded->error = std::current_exception();
    }
  });
  if (!done)
    throw std::runtime_error("cannot use the certificate " + certificate_file + " and its key " + key_file +
                             ": one of the two does not answer (a network mount that hangs?)");
  if (loaded->error) std::rethrow_exception(loaded->error);
  return loaded->identity;
}

namespace {

Failure failure(const boost::system::error_code& error) { return Failure{Reason::connect, {}, error.message()}; }

// Many clients close without TLS's close_notify. The length of a request tells whether something is missing.
bool clean_end(const boost::system::error_code& error) { return error == asio::error::eof || error == asio::ssl::error::stream_truncated; }

// The same for a plain and a TLS stream; only what is the lowest layer differs.
template <class S>
struct Over : Socket {
  S stream;
  template <class... A>
  explicit Over(A&&... a) : stream(std::forward<A>(a)...) {}

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    const auto [error, size] = co_await stream.async_read_some(asio::buffer(into.data(), into.size()), as_result);
    if (error && !clean_end(error)) co_return failure(error);
    co_return size;
  }
  Task<Result<std::size_t>> write_all(std::string bytes) override {
    const auto [error, size] = co_await asio::async_write(stream, asio::buffer(bytes), as_result);
    if (error) co_return failure(error);
    co_return size;
  }
  auto& lowest() {
    if constexpr (std::is_same_v<S, AnySocket>)
      return stream;
    else
      return stream.next_layer().socket;
  }
  void cancel() override {
    boost::system::error_code ignored;
    lowest().cancel(ignored);
  }
  // TCP's own end. For TLS it goes out without close_notify, which the length of the response makes good.
  void end_writing() override {
    boost::system::error_code ignored;
    lowest().shutdown(asio::socket_base::shutdown_send, ignored);
  }
  bool gone() override {
    char byte = 0;
    const auto there = ::recv(lowest().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return there == 0 || (there < 0 && errno != EAGAIN && errno != EINTR);
  }
  // Whatever is under way on this socket ends with operation_aborted.
  void close() override {
    boost::system::error_code ignored;
    lowest().close(ignored);
  }
};

struct Plain final : Over<AnySocket> {
  using Over::Over;
  Task<bool> handshake() override { co_return true; }
};

// What TLS reads from. OpenSSL computes where bytes have come in, so that is where a handshake waits for its turn: also in its second step,
// and behind a first message that came in pieces. Whoever sends nothing waits for no turn and keeps nobody waiting.
struct Paced {
  using executor_type = tcp::socket::executor_type;
  using lowest_layer_type = tcp::socket::lowest_layer_type;
  tcp::socket socket;
  std::shared_ptr<Handshakes> handshakes;  // null: the handshake is over
  std::string peer;
  std::weak_ptr<Handshakes::Place> waits;
  bool first = true;  // nothing was read yet

  // What does not begin as TLS does is refused at no cost. 0x80: the old form of a first message, which OpenSSL understands.
  template <class Buffers>
  bool costs_nothing(const Buffers& buffers) {
    constexpr unsigned char record_of_handshake = 0x16;
    unsigned char byte = 0;
    asio::buffer_copy(asio::buffer(&byte, 1), buffers);
    return std::exchange(first, false) && byte != record_of_handshake && byte < 0x80;
  }

  executor_type get_executor() { return socket.get_executor(); }
  lowest_layer_type& lowest_layer() { return socket.lowest_layer(); }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return socket.async_write_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    enum class At { begin, read, turn };
    return asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        [this, buffers, at = At::begin, got = std::size_t{0}, place = std::shared_ptr<Handshakes::Place>()](
            auto& self, boost::system::error_code error = {}, std::size_t size = 0) mutable {
          switch (at) {
            case At::begin: {
              at = At::read;
              const auto into = buffers;
              return socket.async_read_some(into, std::move(self));
            }
            case At::read: {
              if (error || !handshakes || costs_nothing(buffers)) return self.complete(error, size);
              at = At::turn;
              got = size;
              place = handshakes->enter(peer);
              waits = place;
              auto& turn = place->turn();
              return turn.async_wait(std::move(self));
            }
            case At::turn: {
              // Kept here: completing may end this connection and all that belongs to it.
              const auto own = std::move(place);
              if (!own->granted()) return self.complete(asio::error::operation_aborted, 0);
              own->begin();
              return self.complete({}, got);
            }
          }
        },
        token, socket);
  }
};

struct Tls final : Over<asio::ssl::stream<Paced>> {
  std::shared_ptr<Identity> identity;  // a reload replaces it; a connection keeps its own
  Tls(tcp::socket socket, std::shared_ptr<Identity> own, std::shared_ptr<Handshakes> handshakes, std::string peer)
      : Over(Paced{std::move(socket), std::move(handshakes), std::move(peer), {}, true}, own->context), identity(std::move(own)) {}
  Task<bool> handshake() override {
    const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, as_result);
    stream.next_layer().handshakes = nullptr;
    co_return !error;
  }
  void cancel() override {
    Over::cancel();
    give_up();
  }
  void close() override {
    Over::close();
    give_up();
  }
  void give_up() {
    if (const auto place = stream.next_layer().waits.lock()) place->give_up();
  }
};

}  // namespace

std::unique_ptr<Socket> make_socket(AnySocket socket) { return std::make_unique<Plain>(std::move(socket)); }
std::unique_ptr<Socket> make_socket(tcp::socket socket, std::shared_ptr<Identity> identity, std::shared_ptr<Handshakes> handshakes,
                                    std::string peer) {
  return std::make_unique<Tls>(std::move(socket), std::move(identity), std::move(handshakes), std::move(peer));
}

}  // namespace drwatch::web
