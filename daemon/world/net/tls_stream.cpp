// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/clock.hpp"
#include "daemon/world/failures.hpp"
#include "daemon/world/net/tls.hpp"
#include "daemon/world/net/x509.hpp"
#include "probes/seams/within.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace drwatch {
namespace {

namespace asio = boost::asio;
using Socket = asio::ip::tcp::socket;

// How long the other side is given to object after a handshake, or to say good-bye.
constexpr seconds patience{2};

struct Objection {
  int reason;
  const char* code;
};
// Why a handshake failed, from the alert that the other side sent (RFC 8446, 6.2) or from what OpenSSL found itself; the code under which
// it is reported. NOT_TLS: the first bytes were no TLS record, as from a server that speaks plain HTTP on this port.
constexpr Objection objections[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, "PROTOCOL_VERSION"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "PROTOCOL_VERSION"},
    {SSL_R_WRONG_SSL_VERSION, "PROTOCOL_VERSION"},
    {SSL_R_WRONG_VERSION_NUMBER, "NOT_TLS"},
    {SSL_R_PACKET_LENGTH_TOO_LONG, "NOT_TLS"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "HANDSHAKE_FAILURE"},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, "UNRECOGNIZED_NAME"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "CERTIFICATE_REQUIRED"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "BAD_CERTIFICATE"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, "BAD_CERTIFICATE"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "CERTIFICATE_EXPIRED"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "CERTIFICATE_UNKNOWN"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "UNKNOWN_CA"},
    {SSL_R_TLSV1_ALERT_ACCESS_DENIED, "ACCESS_DENIED"},
    {SSL_R_TLSV1_ALERT_DECODE_ERROR, "DECODE_ERROR"},
    {SSL_R_TLSV1_ALERT_INTERNAL_ERROR, "INTERNAL_ERROR"},
    {SSL_R_DH_KEY_TOO_SMALL, "DH_KEY_TOO_SMALL"},
};

std::string objection_code(const boost::system::error_code& error) {
  if (error.category() != asio::error::get_ssl_category()) return "";
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
  for (const auto& objection : objections)
    if (objection.reason == reason) return objection.code;
  return "";
}

Failure handshake_failure(const boost::system::error_code& error, const std::string& address) {
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
    return {Reason::tls, "CLOSED", address + " closed the connection during the TLS handshake"};
  }
  if (error.category() == boost::system::system_category()) return socket_failure(Reason::tls, error, address);
  const char* words = ERR_reason_error_string(static_cast<unsigned long>(error.value()));
  return {Reason::tls, objection_code(error), "TLS handshake with " + address + " failed: " + (words ? words : error.message())};
}

// What the verification found. Collected while the handshake lasts: afterwards OpenSSL only tells the last result, not which certificate it
// was about.
struct Findings {
  std::string name, address;
  std::vector<TlsFault> faults;
  bool wants_certificate = false;

  void note(X509_STORE_CTX* chain) {
    // Each kind of fault once, and few of them: the other side decides how long its chain is.
    constexpr std::size_t most = 16;
    const int depth = X509_STORE_CTX_get_error_depth(chain);
    TlsFault found = tls_fault(X509_STORE_CTX_get_error(chain), depth, X509_STORE_CTX_get_current_cert(chain), name, address);
    const bool known = std::any_of(faults.begin(), faults.end(), [&](const TlsFault& f) { return f.code == found.code; });
    if (!known && faults.size() < most) faults.push_back(std::move(found));
  }
};

class TlsStream : public Stream {
 public:
  TlsStream(Socket socket, TlsContexts::Context context, std::string address)
      : context_(std::move(context)), stream_(std::move(socket), *context_), address_(std::move(address)) {}

  asio::ssl::stream<Socket>& stream() { return stream_; }

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    boost::system::error_code error;
    auto n = co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), asio::redirect_error(asio::use_awaitable, error));
    if (!error) co_return n;
    // Many servers close the connection without TLS's close_notify, so that counts as the end. Whoever reads HTTP sees from the length
    // whether something is missing.
    if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) co_return std::size_t{0};
    co_return failure(error);
  }

  Task<Result<std::size_t>> write_all(std::string bytes) override {
    boost::system::error_code error;
    auto n = co_await asio::async_write(stream_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return failure(error);
    co_return n;
  }

  // Ends our side of the TCP connection, without close_notify, and listens for an alert. SSL_shutdown cannot be used: it takes the alert by
  // which the other side refuses our certificate for its close_notify, and the refusal would be missed.
  Task<Result<std::size_t>> finish() override {
    RealClock clock(stream_.get_executor());
    boost::system::error_code error;
    stream_.lowest_layer().shutdown(Socket::shutdown_send, error);
    char first = 0;
    auto heard = co_await within(clock, patience, read_some(std::span<char>(&first, 1)));
    // Silence means that there is no objection. So does a decode error: that is what OpenSSL's servers say to a connection that ends
    // without close_notify.
    if (!heard || (!*heard && heard->error().code == "DECODE_ERROR")) co_return std::size_t{0};
    co_return *heard;
  }

 private:
  Failure failure(const boost::system::error_code& error) const {
    unwind_if_cancelled(error);
    // An alert or a broken record is TLS's failure; a reset is the connection's.
    const bool of_tls = error.category() == asio::error::get_ssl_category();
    Failure made = socket_failure(of_tls ? Reason::tls : Reason::connect, error, address_);
    if (of_tls) made.code = objection_code(error);
    return made;
  }

  TlsContexts::Context context_;
  asio::ssl::stream<Socket> stream_;
  std::string address_;
};

// Which name the certificate must be for. An address must be among the certificate's IP addresses; OpenSSL would look for it as a DNS name
// otherwise.
void expect_name(SSL* handle, const std::string& host) {
  boost::system::error_code not_numeric;
  auto address = asio::ip::make_address(host, not_numeric);
  auto* expected = SSL_get0_param(handle);
  if (!not_numeric) {
    X509_VERIFY_PARAM_set1_ip_asc(expected, address.to_string().c_str());
  } else {
    // As clients of today do (RFC 9525): a name in the subject alone counts for nothing.
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size());
  }
}

std::vector<PeerCertificate> chain_of(const STACK_OF(X509) * chain) {
  // Bounded because the other side decides how many it sends.
  constexpr int most = 20;
  std::vector<PeerCertificate> certificates;
  for (int i = 0; i < sk_X509_num(chain) && i < most; ++i) certificates.push_back(peer_certificate(sk_X509_value(chain, i)));
  return certificates;
}

void note_shown(SSL* handle, Findings& findings, TlsShown& shown) {
  shown.version = SSL_get_version(handle);
  if (const char* cipher = SSL_get_cipher_name(handle)) shown.cipher = cipher;
  shown.sent = chain_of(SSL_get_peer_cert_chain(handle));
  shown.path = chain_of(SSL_get0_verified_chain(handle));
  shown.faults = std::move(findings.faults);
  shown.wants_certificate = findings.wants_certificate;
}

// Called when the server asks for a client certificate. The certificate, if one is configured, is in the context already; here it is only
// noted that it was asked for. 1: go on.
int on_certificate_request(SSL*, void* findings) {
  static_cast<Findings*>(findings)->wants_certificate = true;
  return 1;
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> start_tls(Socket socket, TlsContexts::Context context, bool verify, std::string host,
                                                std::string address, TlsShown& shown) {
  auto tls = std::make_unique<TlsStream>(std::move(socket), std::move(context), address);
  SSL* handle = tls->stream().native_handle();
  boost::system::error_code error;
  // RFC 6066, 3: without a trailing dot; and no certificate bears a name with one (RFC 9525, 6.3).
  if (host.size() > 1 && host.back() == '.') host.pop_back();
  if (asio::ip::make_address(host, error); error) SSL_set_tlsext_host_name(handle, host.c_str());  // RFC 6066: names only
  auto findings = std::make_shared<Findings>();
  findings->name = host;
  findings->address = address;
  SSL_set_cert_cb(handle, &on_certificate_request, findings.get());
  if (verify) {
    expect_name(handle, host);
    tls->stream().set_verify_mode(asio::ssl::verify_peer);
    // Every certificate is accepted here and its faults are noted: the handshake goes to its end, so that a person can be told all that an
    // untrusted server showed. The connection is given up right after, before anything is sent over it.
    tls->stream().set_verify_callback([findings](bool good, asio::ssl::verify_context& chain) {
      if (!good) findings->note(chain.native_handle());
      return true;
    });
  }
  error = {};
  co_await tls->stream().async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, error));
  // `findings` ends with this frame; a later renegotiation must not write into it.
  SSL_set_cert_cb(handle, nullptr, nullptr);
  unwind_if_cancelled(error);
  note_shown(handle, *findings, shown);
  if (!shown.faults.empty()) co_return Failure{Reason::tls, shown.faults.front().code, shown.faults.front().message};
  if (error) co_return handshake_failure(error, address);
  std::unique_ptr<Stream> stream = std::move(tls);
  co_return std::move(stream);
}

}  // namespace drwatch
