// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/bell.hpp"
#include "daemon/world/net/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <memory>

namespace drwatch {
namespace {

namespace ssl = boost::asio::ssl;

Failure unusable(const std::string& what, const std::string& file, const boost::system::error_code& error) {
  return {Reason::own_fault, "", what + " " + file + " cannot be used: " + error.message()};
}

// Runs on a worker: it reads files and may take tens of milliseconds. It touches nothing but its arguments.
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
  explicit Entry(const boost::asio::any_io_executor& loop) : built(std::make_shared<Bell>(loop)) {}
  std::shared_ptr<Bell> built;
  std::optional<Result<Context>> result;
};

namespace {

// The building does not belong to the coroutine that asks first: if it did, cancelling that one would also cancel it for all that wait for
// the same context. The guard keeps the loop running until the result has been posted back.
template <class Entry>
void build_beside(Workers& workers, TlsSettings settings, std::shared_ptr<Entry> entry) {
  auto guard = boost::asio::make_work_guard(workers.loop());
  workers.post([settings = std::move(settings), entry = std::move(entry), guard]() mutable {
    auto result = std::make_shared<Result<TlsContexts::Context>>(Failure{});
    try {
      *result = build(settings);
    } catch (const std::exception& e) {
      *result = Failure{Reason::own_fault, "", std::string("cannot prepare TLS: ") + e.what()};
    }
    boost::asio::post(guard.get_executor(), [entry = std::move(entry), result = std::move(result)] {
      entry->result = std::move(*result);
      entry->built->ring();
    });
  });
}

}  // namespace

Task<Result<TlsContexts::Context>> TlsContexts::get(TlsSettings settings) {
  auto& place = entries_[settings];
  if (!place) {
    place = std::make_shared<Entry>(workers_.loop());
    build_beside(workers_, settings, place);
  }
  // A reference of our own: while this waits, a reload may clear the map, and `place` with it.
  auto entry = place;
  if (!entry->result) co_await Bell::wait(entry->built);
  if (entry->result->has_error()) {
    // Only this entry: another may have begun to build a new one under the same settings meanwhile.
    auto found = entries_.find(settings);
    if (found != entries_.end() && found->second == entry) entries_.erase(found);
  }
  co_return *entry->result;
}

}  // namespace drwatch
