// SPDX-License-Identifier: Apache-2.0
// The server's end of one connection, plain or TLS, as a byte stream. OpenSSL stays in socket.cpp.
#pragma once

#include "daemon/web/http/handshakes.hpp"
#include "probes/seams/world.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>

namespace drwatch::web {

// What is waited for when the task is cancelled ends with a failure or by unwinding; the destructor closes.
struct Socket : Stream {
  virtual Task<bool> handshake() = 0;  // false: not a client that we can talk to
  virtual void cancel() = 0;           // what is waited for now ends with a failure
  virtual void end_writing() = 0;      // the other side reads to the end of what was sent
  virtual void close() = 0;
  virtual bool gone() = 0;  // the other side has closed, as far as can be told without reading
};

// A certificate and its key, ready for connections. Throws std::runtime_error naming the file that can't be read.
struct Identity;
std::shared_ptr<Identity> load_identity(const std::string& certificate_file, const std::string& key_file);

// TCP's or a Unix socket's.
using AnySocket = boost::asio::generic::stream_protocol::socket;
std::unique_ptr<Socket> make_socket(AnySocket socket);
// Under TLS. Its handshake takes its turns among the others as one of `peer`'s.
std::unique_ptr<Socket> make_socket(boost::asio::ip::tcp::socket socket, std::shared_ptr<Identity> identity,
                                    std::shared_ptr<Handshakes> handshakes, std::string peer);

}  // namespace drwatch::web
