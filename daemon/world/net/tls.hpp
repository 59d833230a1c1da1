// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/world/disk.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <map>
#include <memory>

namespace drwatch {

// Contexts with their trust stores, one for all connections with equal settings. Building one reads the system's certificates, some twenty
// milliseconds, or never answers: beside the loop, once per load.
class TlsContexts {
 public:
  using Context = std::shared_ptr<boost::asio::ssl::context>;

  explicit TlsContexts(Disk& disk) : disk_(disk) {}
  // The context for `settings`, built beside the loop when it is not there yet; callers that come meanwhile wait for the same one. Fails
  // with own-fault when a file of ours cannot be used, or hangs. A failure is not kept: the next connection tries the files again.
  Task<Result<Context>> get(TlsSettings settings);
  // The next `get` reads the files again (after a reload). Connections that use an old context keep it.
  void forget() { entries_.clear(); }

 private:
  struct Entry;
  Disk& disk_;
  std::map<TlsSettings, std::shared_ptr<Entry>> entries_;
};

// The client's handshake on a connected socket. Verified (when `verify`) against `host`, a name or an address; `address` is for messages.
// The handshake goes on after a certificate that is not believed, and only then fails, so that `shown` tells everything the server showed.
// Fails with tls; the code is the certificate's first fault as OpenSSL names it ("CERT_HAS_EXPIRED") or the alert ("HANDSHAKE_FAILURE").
// `shown` is filled as far as the handshake came, also on failure.
Task<Result<std::unique_ptr<Stream>>> start_tls(boost::asio::ip::tcp::socket socket, TlsContexts::Context context, bool verify,
                                                std::string host, std::string address, TlsShown& shown);

// What a run's outcome shows of a TLS connection: "tls_version", "certificate_expires", ...
std::map<std::string, std::string> connection_facts(const TlsShown& shown);

}  // namespace drwatch
