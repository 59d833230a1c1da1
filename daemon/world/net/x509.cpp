// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/net/x509.hpp"

#include "config/rows/encoding.hpp"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

namespace drwatch {
namespace {

struct FaultName {
  int number;
  const char* name;
};
// X509_V_ERR_... without its prefix (OpenSSL, X509_STORE_CTX_get_error(3)). OpenSSL has sentences for them but no names, and a code must
// stay the same from one version to the next: rules and dashboards refer to it.
constexpr FaultName fault_names[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "CERT_HAS_EXPIRED"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "CERT_NOT_YET_VALID"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "DEPTH_ZERO_SELF_SIGNED_CERT"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "SELF_SIGNED_CERT_IN_CHAIN"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "UNABLE_TO_GET_ISSUER_CERT"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "CERT_SIGNATURE_FAILURE"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, "CERT_CHAIN_TOO_LONG"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, "PATH_LENGTH_EXCEEDED"},
    {X509_V_ERR_CERT_REVOKED, "CERT_REVOKED"},
    {X509_V_ERR_CERT_REJECTED, "CERT_REJECTED"},
    {X509_V_ERR_INVALID_CA, "INVALID_CA"},
    {X509_V_ERR_INVALID_PURPOSE, "INVALID_PURPOSE"},
    {X509_V_ERR_CERT_UNTRUSTED, "CERT_UNTRUSTED"},
    {X509_V_ERR_PERMITTED_VIOLATION, "PERMITTED_VIOLATION"},
    {X509_V_ERR_EXCLUDED_VIOLATION, "EXCLUDED_VIOLATION"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "EE_KEY_TOO_SMALL"},
    {X509_V_ERR_CA_KEY_TOO_SMALL, "CA_KEY_TOO_SMALL"},
    {X509_V_ERR_CA_MD_TOO_WEAK, "CA_MD_TOO_WEAK"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "HOSTNAME_MISMATCH"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "IP_ADDRESS_MISMATCH"},
};

std::string fault_name(int number) {
  for (const auto& fault : fault_names)
    if (fault.number == number) return fault.name;
  return "X509 " + std::to_string(number);
}

Time as_time(const ASN1_TIME* text) {
  tm parts{};
  if (!text || ASN1_TIME_to_tm(text, &parts) != 1) return {};
  // timegm: certificates are in UTC (RFC 5280, 4.1.2.5).
  return Time(std::chrono::seconds(timegm(&parts)));
}

// "CN=api.example.org,O=Example" (RFC 2253), with UTF-8 left as it is instead of \C3\A4; at most 500 bytes.
std::string line_of(const X509_NAME* name) {
  std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  if (!name || !bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return "";
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(std::clamp<long>(size, 0, 500)));
}

// One part of a name (NID_commonName) as UTF-8, at most 250 bytes; empty: it has none.
std::string part_of(const X509_NAME* name, int nid) {
  const int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0) return "";
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return "";
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(std::min(size, 250)));
  OPENSSL_free(utf8);
  return text;
}

// At most 253 bytes: no DNS name is longer.
std::string text_of(const ASN1_STRING* string) {
  const auto size = static_cast<std::size_t>(std::clamp(ASN1_STRING_length(string), 0, 253));
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)), size);
}

std::string address_of(const ASN1_OCTET_STRING* bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  const int size = ASN1_STRING_length(bytes);
  if (size == 4) inet_ntop(AF_INET, ASN1_STRING_get0_data(bytes), text, sizeof text);
  if (size == 16) inet_ntop(AF_INET6, ASN1_STRING_get0_data(bytes), text, sizeof text);
  return text;
}

// The subject alternative names, the only ones that clients look at today (RFC 9525): DNS names and addresses, at most 100 of them.
std::vector<std::string> names_of(const X509* certificate) {
  constexpr std::size_t most = 100;
  std::vector<std::string> names;
  auto* all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all) && names.size() < most; ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(all, i);
    if (one->type == GEN_DNS) names.push_back(text_of(one->d.dNSName));
    if (one->type == GEN_IPADD) names.push_back(address_of(one->d.iPAddress));
  }
  GENERAL_NAMES_free(all);
  return names;
}

// SHA-256 of the SubjectPublicKeyInfo, base64: a pin as RFC 7469, 2.4 defines it. It stays the same when a certificate is renewed with the
// same key. Empty when there is no readable key.
std::string key_of(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return "";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  const bool done = EVP_Digest(der, static_cast<std::size_t>(size), digest, &length, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  return done ? base64({reinterpret_cast<const char*>(digest), length}) : "";
}

// SHA-256 of the whole certificate, as 64 lower-case hex digits.
std::string fingerprint_of(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1) return "";
  return hex_of({reinterpret_cast<const char*>(digest), length});
}

// "the certificate of 192.0.2.1:443" for the server's own; "'R10', above the certificate of 192.0.2.1:443," for another of the chain.
std::string whose(int depth, const PeerCertificate& at, const std::string& address) {
  if (depth == 0) return "the certificate of " + address;
  return "'" + (at.common_name.empty() ? at.subject : at.common_name) + "', above the certificate of " + address + ",";
}

}  // namespace

PeerCertificate peer_certificate(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const X509_NAME* issuer = X509_get_issuer_name(certificate);
  PeerCertificate made;
  made.subject = line_of(subject);
  made.issuer = line_of(issuer);
  made.common_name = part_of(subject, NID_commonName);
  made.issuer_name = part_of(issuer, NID_commonName);
  made.issuer_organization = part_of(issuer, NID_organizationName);
  made.names = names_of(certificate);
  made.from = as_time(X509_get0_notBefore(certificate));
  made.until = as_time(X509_get0_notAfter(certificate));
  made.key = key_of(certificate);
  made.fingerprint = fingerprint_of(certificate);
  return made;
}

TlsFault tls_fault(int number, int depth, const X509* certificate, const std::string& name, const std::string& address) {
  const PeerCertificate at = certificate ? peer_certificate(certificate) : PeerCertificate{};
  std::string message = whose(depth, at, address) + " ";
  switch (number) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      message += "has expired; it ended " + time_text(at.until);
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      message += "is not valid before " + time_text(at.from);
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      message += "is not for " + name;
      if (!at.names.empty())
        message += " but for " + at.names.front() + (at.names.size() > 1 ? ", ..." : "");
      else if (!at.common_name.empty())
        message += " but for " + at.common_name;
      break;
    default:
      message += std::string("is not trusted: ") + X509_verify_cert_error_string(number);
  }
  return {fault_name(number), message};
}

}  // namespace drwatch
