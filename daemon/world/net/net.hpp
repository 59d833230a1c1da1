// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/world/net/tls.hpp"
#include "probes/seams/world.hpp"

namespace drwatch {

// TCP, TLS and ICMP on Asio and OpenSSL. See Net for what goes in and out.
class RealNet : public Net {
 public:
  RealNet(boost::asio::any_io_executor loop, Clock& clock, Resolver& resolver, TlsContexts& contexts)
      : loop_(std::move(loop)), clock_(clock), resolver_(resolver), contexts_(contexts) {}
  Task<Result<Connected>> connect(std::string host, std::uint16_t port, Family family, std::optional<TlsSettings> tls,
                                  Phases& phases) override;
  Task<Result<Connected>> connect_within(std::string host, std::uint16_t port, Family family, std::optional<TlsSettings> tls,
                                         Phases& phases, std::chrono::nanoseconds left) override;
  Task<Result<std::unique_ptr<Stream>>> secure(std::unique_ptr<Stream> stream, TlsSettings settings, std::string name, TlsShown& shown,
                                               Phases& phases) override;
  Task<Result<std::chrono::microseconds>> echo(std::string address, std::size_t payload, Duration patience) override;

 private:
  boost::asio::any_io_executor loop_;
  Clock& clock_;
  Resolver& resolver_;
  TlsContexts& contexts_;
};

}  // namespace drwatch
