// SPDX-License-Identifier: Apache-2.0
// Certificates made for one test run, and a server that shows one of them.
#pragma once

#include "tests/world/servers.hpp"

#include <memory>
#include <string>

namespace drwatch::testing {

struct Certificate {
  std::string certificate, key;  // PEM
};
// Names are for its SAN: "DNS:localhost,IP:127.0.0.1". Days from now; negative: past. `issuer` null: signed by itself.
Certificate make_certificate(const std::string& common_name, const std::string& names, int from_days, int until_days,
                             const Certificate* issuer, bool is_ca = false);

// A key as a person who is careful keeps it: under a passphrase.
std::string locked(const std::string& key, const std::string& passphrase);

// How a server shakes hands.
struct TlsManners {
  std::vector<Certificate> above;          // shown with its own
  const Certificate* client_ca = nullptr;  // demands a client certificate signed by it
  int newest = 0;                          // TLS1_2_VERSION, ...; 0: what OpenSSL has
  std::function<bool(Peer&)> before;       // plain words before the handshake; false: it ends there
};
std::unique_ptr<TcpServer> tls_server(const Certificate& shown, TlsManners manners);

// Answers one request on each connection with 200 "secure". `client_ca`: demands a client certificate signed by it.
std::unique_ptr<TcpServer> tls_server(const Certificate& shown, const Certificate* client_ca = nullptr);

}  // namespace drwatch::testing
