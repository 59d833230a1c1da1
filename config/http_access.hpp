// SPDX-License-Identifier: Apache-2.0
// How drwatch shows itself to an HTTP server: plain values, for probes and for Alertmanagers alike.
#pragma once

#include "config/rows/secret.hpp"

#include <map>
#include <optional>
#include <string>

namespace drwatch {

// What a TLS context is built from; equal settings share one context (built once per load, off the loop).
struct TlsSettings {
  bool verify = true;
  std::string ca_file;                     // empty: the system's trust store
  std::string certificate_file, key_file;  // a client certificate; both or none
  std::string server_name;                 // to ask for (SNI) and to verify, instead of the host's own; empty: that one
  auto operator<=>(const TlsSettings&) const = default;
};

struct BasicLogin {
  std::string user;
  Secret password;
  friend bool operator==(const BasicLogin&, const BasicLogin&) = default;
};

struct HttpAccess {
  std::map<std::string, Secret> headers;
  std::optional<BasicLogin> basic;
  Secret bearer;
  TlsSettings tls;
  friend bool operator==(const HttpAccess&, const HttpAccess&) = default;
};

}  // namespace drwatch
