// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/net/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <chrono>
#include <memory>
#include <optional>

namespace drwatch {
namespace {

namespace ssl = boost::asio::ssl;

// For reading a few small files; after that they are taken to hang.
constexpr auto files_patience = std::chrono::seconds(5);

// What is read for it, as messages name it.
std::string files_of(const TlsSettings& settings) {
  std::string files = settings.ca_file;
  for (const auto& file : {settings.certificate_file, settings.key_file})
    if (!file.empty()) files += (files.empty() ? "" : ", ") + file;
  return files.empty() ? "the system's trust store" : files;
}

Failure unusable(const std::string& what, const std::string& file, const boost::system::error_code& error) {
  return {Reason::own_fault, "", what + " " + file + " cannot be used: " + error.message()};
}

// Runs beside the loop: it reads files and may take tens of milliseconds. It touches nothing but its arguments.
Result<TlsContexts::Context> build(const TlsSettings& settings) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  // RFC 8996: TLS 1.0 and 1.1 must not be used any more.
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  boost::system::error_code error;
  if (settings.verify && settings.ca_file.empty()) {
    context->set_default_verify_paths(error);
    if (error) return unusable("the system's trust store", "", error);
  } else if (settings.verify) {
    context->load_verify_file(settings.ca_file, error);
    if (error) return unusable("CA file", settings.ca_file, error);
  }
  if (!settings.certificate_file.empty()) {
    // OpenSSL's own callback asks for a passphrase on the terminal and waits there, for ever. Ours gives an empty one and remembers that it
    // was asked, for a message that says what to do.
    const auto asked = std::make_shared<bool>(false);
    context->set_password_callback([asked](std::size_t, ssl::context::password_purpose) {
      *asked = true;
      return std::string();
    });
    context->use_certificate_chain_file(settings.certificate_file, error);
    if (error) return unusable("client certificate", settings.certificate_file, error);
    context->use_private_key_file(settings.key_file, ssl::context::pem, error);
    if (error && *asked)
      return Failure{Reason::own_fault, "",
                     "client key " + settings.key_file + " is protected by a passphrase, which drwatch can't ask for: give it one without"};
    if (error) return unusable("client key", settings.key_file, error);
  }
  return context;
}

}  // namespace

struct TlsContexts::Entry {
  Context context;                                               // null: not built yet
  std::shared_ptr<Context> built = std::make_shared<Context>();  // as the threads see it, one after the other
};

Task<Result<TlsContexts::Context>> TlsContexts::get(TlsSettings settings) {
  settings.server_name.clear();  // of a connection, not of the context that many share
  auto& place = entries_[settings];
  if (!place) place = std::make_shared<Entry>();
  // A reference of our own: while this waits, a reload may clear the map, and `place` with it.
  const auto entry = place;
  if (entry->context) co_return entry->context;
  auto failure = std::make_shared<std::optional<Failure>>();
  // Those that ask for one context do so one after the other: the first one builds it, and the others find it.
  std::function<void()> work = [settings, failure, built = entry->built] {
    if (*built) return;
    try {
      auto result = build(settings);
      if (result)
        *built = *result;
      else
        *failure = result.error();
    } catch (const std::exception& e) {
      *failure = Failure{Reason::own_fault, "", std::string("cannot prepare TLS: ") + e.what()};
    }
  };
  if (auto hangs = co_await disk_.ask(files_of(settings), std::move(work), files_patience)) co_return std::move(*hangs);
  if (*failure) co_return std::move(**failure);
  entry->context = *entry->built;
  co_return entry->context;
}

}  // namespace drwatch
