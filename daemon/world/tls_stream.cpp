// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/failures.hpp"
#include "daemon/world/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
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

struct Fault {
  int number;
  const char* name;
};
constexpr Fault faults[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "CERT_HAS_EXPIRED"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "CERT_NOT_YET_VALID"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "DEPTH_ZERO_SELF_SIGNED_CERT"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "SELF_SIGNED_CERT_IN_CHAIN"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "UNABLE_TO_GET_ISSUER_CERT"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "CERT_SIGNATURE_FAILURE"},
    {X509_V_ERR_CERT_REVOKED, "CERT_REVOKED"},
    {X509_V_ERR_INVALID_CA, "INVALID_CA"},
    {X509_V_ERR_INVALID_PURPOSE, "INVALID_PURPOSE"},
    {X509_V_ERR_CERT_UNTRUSTED, "CERT_UNTRUSTED"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "EE_KEY_TOO_SMALL"},
    {X509_V_ERR_CA_MD_TOO_WEAK, "CA_MD_TOO_WEAK"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "HOSTNAME_MISMATCH"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "IP_ADDRESS_MISMATCH"},
};

std::string fault_name(long number) {
  for (const auto& fault : faults) {
    if (fault.number == number) return fault.name;
  }
  return "X509 " + std::to_string(number);
}

std::optional<Time> as_time(const ASN1_TIME* text) {
  tm parts{};
  if (!text || ASN1_TIME_to_tm(text, &parts) != 1) return std::nullopt;
  return Time(std::chrono::seconds(timegm(&parts)));
}

std::string subject_of(const X509* certificate) {
  char text[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
  return text;
}

class TlsStream : public Stream {
 public:
  TlsStream(Socket socket, TlsContexts::Context context, std::string address)
      : context_(std::move(context)), stream_(std::move(socket), *context_), address_(std::move(address)) {}

  asio::ssl::stream<Socket>& stream() { return stream_; }

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    boost::system::error_code error;
    auto n = co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), asio::redirect_error(asio::use_awaitable, error));
    if (!error) co_return n;
    // Many servers close without TLS' own good-bye. What was promised and did not come is seen by who reads the lengths.
    if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) co_return std::size_t{0};
    co_return failure(error);
  }

  Task<Result<std::size_t>> write_all(std::string bytes) override {
    boost::system::error_code error;
    auto n = co_await asio::async_write(stream_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return failure(error);
    co_return n;
  }

 private:
  Failure failure(const boost::system::error_code& error) const {
    unwind_if_cancelled(error);
    const bool of_tls = error.category() == asio::error::get_ssl_category();
    return socket_failure(of_tls ? Reason::tls : Reason::connect, error, address_);
  }

  TlsContexts::Context context_;
  asio::ssl::stream<Socket> stream_;
  std::string address_;
};

// Kept with the connection while the handshake lasts: afterwards OpenSSL does not tell which certificate it refused.
struct Leaf {
  std::optional<Time> from, until;
  std::string subject;
};

void expect_name(SSL* handle, const std::string& host) {
  boost::system::error_code not_numeric;
  auto address = asio::ip::make_address(host, not_numeric);
  auto* expected = SSL_get0_param(handle);
  if (!not_numeric) {
    X509_VERIFY_PARAM_set1_ip_asc(expected, address.to_string().c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size());
  }
}

Failure refused(long fault, const Leaf& leaf, const std::string& host, const std::string& address) {
  std::string message = "the certificate of " + address + " ";
  switch (fault) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      message += leaf.until ? "(or of its chain) has expired; its own ends " + time_text(*leaf.until) : "has expired";
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      message += leaf.from ? "is not valid before " + time_text(*leaf.from) : "is not valid yet";
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      message += "is not for " + host + (leaf.subject.empty() ? "" : " but for " + leaf.subject);
      break;
    default:
      message += std::string("is not trusted: ") + X509_verify_cert_error_string(fault);
  }
  return {Reason::tls, fault_name(fault), message};
}

Failure handshake_failure(const boost::system::error_code& error, const std::string& address) {
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
    return {Reason::tls, "", address + " closed the connection during the TLS handshake"};
  }
  if (error.category() == boost::system::system_category()) return socket_failure(Reason::tls, error, address);
  const char* words = ERR_reason_error_string(static_cast<unsigned long>(error.value()));
  return {Reason::tls, "", "TLS handshake with " + address + " failed: " + (words ? words : error.message())};
}

void note_facts(SSL* handle, std::map<std::string, std::string>& facts) {
  facts["tls_version"] = SSL_get_version(handle);
  if (const char* cipher = SSL_get_cipher_name(handle)) facts["tls_cipher"] = cipher;
  const X509* certificate = SSL_get0_peer_certificate(handle);
  if (!certificate) return;
  if (auto until = as_time(X509_get0_notAfter(certificate))) facts["certificate_expires"] = time_text(*until);
  if (auto subject = subject_of(certificate); !subject.empty()) facts["certificate_subject"] = subject;
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> start_tls(Socket socket, TlsContexts::Context context, bool verify, std::string host,
                                                std::string address, std::map<std::string, std::string>& facts) {
  auto tls = std::make_unique<TlsStream>(std::move(socket), std::move(context), address);
  SSL* handle = tls->stream().native_handle();
  boost::system::error_code error;
  if (asio::ip::make_address(host, error); error) SSL_set_tlsext_host_name(handle, host.c_str());  // RFC 6066: names only
  auto leaf = std::make_shared<Leaf>();
  if (verify) {
    expect_name(handle, host);
    tls->stream().set_verify_mode(asio::ssl::verify_peer);
    tls->stream().set_verify_callback([leaf](bool good, asio::ssl::verify_context& chain) {
      const X509* own = X509_STORE_CTX_get0_cert(chain.native_handle());
      if (!good && own) *leaf = {as_time(X509_get0_notBefore(own)), as_time(X509_get0_notAfter(own)), subject_of(own)};
      return good;
    });
  }
  error = {};
  co_await tls->stream().async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, error));
  unwind_if_cancelled(error);
  if (error) {
    const long fault = verify ? SSL_get_verify_result(handle) : X509_V_OK;
    if (fault != X509_V_OK) co_return refused(fault, *leaf, host, address);
    co_return handshake_failure(error, address);
  }
  note_facts(handle, facts);
  std::unique_ptr<Stream> stream = std::move(tls);
  co_return std::move(stream);
}

}  // namespace drwatch
