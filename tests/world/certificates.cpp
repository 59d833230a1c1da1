// SPDX-License-Identifier: Apache-2.0
#include "tests/world/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace drwatch::testing {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* t) const {
    Free(t);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Freed<&X509_free>>;
using Bio = std::unique_ptr<BIO, Freed<&BIO_free_all>>;
using Context = std::shared_ptr<SSL_CTX>;

template <class Write>
std::string pem(Write write) {
  Bio bio(BIO_new(BIO_s_mem()));
  write(bio.get());
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Bio reading(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }
Key read_key(const std::string& text) { return Key(PEM_read_bio_PrivateKey(reading(text).get(), nullptr, nullptr, nullptr)); }
Cert read_certificate(const std::string& text) { return Cert(PEM_read_bio_X509(reading(text).get(), nullptr, nullptr, nullptr)); }

void extend(X509* certificate, int kind, const std::string& value) {
  auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  if (!extension) throw std::runtime_error("bad extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void serve(SSL_CTX* context, Peer peer) {
  std::unique_ptr<SSL, Freed<&SSL_free>> ssl(SSL_new(context));
  SSL_set_fd(ssl.get(), peer.fd());
  if (SSL_accept(ssl.get()) != 1) return;
  std::string request;
  char piece[1024];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const int n = SSL_read(ssl.get(), piece, sizeof piece);
    if (n <= 0) return;
    request.append(piece, static_cast<std::size_t>(n));
  }
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure";
  SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
  SSL_shutdown(ssl.get());
}

}  // namespace

Certificate make_certificate(const std::string& common_name, const std::string& names, int from_days, int until_days,
                             const Certificate* issuer, bool is_ca) {
  static long serial = 1;
  Key key(EVP_EC_gen("P-256"));
  Cert certificate(X509_new());
  auto* c = certificate.get();
  X509_set_version(c, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
  X509_time_adj_ex(X509_getm_notBefore(c), from_days, 0, nullptr);
  X509_time_adj_ex(X509_getm_notAfter(c), until_days, 0, nullptr);
  X509_set_pubkey(c, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                             -1, 0);
  if (!names.empty()) extend(c, NID_subject_alt_name, names);
  extend(c, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  Cert signer = issuer ? read_certificate(issuer->certificate) : nullptr;
  Key signing = issuer ? read_key(issuer->key) : nullptr;
  X509_set_issuer_name(c, X509_get_subject_name(signer ? signer.get() : c));
  if (X509_sign(c, signing ? signing.get() : key.get(), EVP_sha256()) == 0) throw std::runtime_error("cannot sign");
  return {pem([&](BIO* bio) { PEM_write_bio_X509(bio, c); }),
          pem([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

std::string locked(const std::string& key, const std::string& passphrase) {
  return pem([&](BIO* bio) {
    PEM_write_bio_PrivateKey(bio, read_key(key).get(), EVP_aes_128_cbc(), reinterpret_cast<const unsigned char*>(passphrase.data()),
                             static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
}

std::unique_ptr<TcpServer> tls_server(const Certificate& shown, TlsManners manners) {
  Context context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  SSL_CTX_use_certificate(context.get(), read_certificate(shown.certificate).get());
  SSL_CTX_use_PrivateKey(context.get(), read_key(shown.key).get());
  for (const auto& above : manners.above) SSL_CTX_add1_chain_cert(context.get(), read_certificate(above.certificate).get());
  if (manners.above.empty()) SSL_CTX_set_mode(context.get(), SSL_MODE_NO_AUTO_CHAIN);
  if (manners.newest != 0) SSL_CTX_set_max_proto_version(context.get(), manners.newest);
  if (manners.client_ca) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), read_certificate(manners.client_ca->certificate).get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return std::make_unique<TcpServer>([context, before = std::move(manners.before)](Peer peer) {
    if (!before || before(peer)) serve(context.get(), peer);
  });
}

std::unique_ptr<TcpServer> tls_server(const Certificate& shown, const Certificate* client_ca) {
  TlsManners manners;
  manners.client_ca = client_ca;
  return tls_server(shown, std::move(manners));
}

}  // namespace drwatch::testing
