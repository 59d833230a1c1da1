// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/http/auth.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <variant>

namespace drwatch::web {
namespace {

// Without regard to case, ASCII only: as schemes and host names are compared.
bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

// With the port, if the URL has one.
std::string host_of_url(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find('/')));
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

Response refused(int status, std::string title, std::string detail) {
  Response response = problem(status, std::move(title), std::move(detail));
  // RFC 9110, 11.6.1: a 401 must say how to authenticate.
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"drwatch\"");
  return response;
}

std::string_view role_word(Needs needs) {
  return needs == Needs::admin || needs == Needs::reloading ? "admin" : needs == Needs::responder ? "responder" : "viewer";
}

}  // namespace

std::string_view role_name(Role role) { return role == Role::admin ? "admin" : role == Role::responder ? "responder" : "viewer"; }

Auth::Auth(const ServerSettings& server, std::string key)
    : seals_(std::move(key)),
      free_reading_(server.public_url.empty() || server.open_reading),
      own_tls_(!server.tls_certificate.empty()),
      public_tls_(server.public_url.starts_with("https://")),
      public_host_(host_of_url(server.public_url)) {
  for (const auto& [name, token] : server.tokens) {
    if (!token.secret.present() || token.secret.reveal().empty()) continue;  // an empty secret would let everybody in
    const Role role = token.role == "admin" ? Role::admin : token.role == "responder" ? Role::responder : Role::viewer;
    known_.push_back({name, role, digest_of(token.secret.reveal())});
  }
}

const Auth::Known* Auth::known(std::string_view token) const {
  const Digest digest = digest_of(token);
  const Known* found = nullptr;
  for (const auto& each : known_)  // to the end, whichever it is
    if (same(each.digest, digest) && !found) found = &each;
  return found;
}

std::optional<std::string> Auth::session_for(std::string_view token, Time now, std::string nonce) const {
  const Known* who = known(token);
  if (!who) return std::nullopt;
  return seals_.sealed({who->name, now + session_lasts, std::move(nonce)}, who->digest);
}

std::optional<Caller> Auth::in_session(const Request& request, Time now) const {
  const auto cookie = cookie_of(request, session_cookie);
  const auto ticket = cookie ? Seals::read(*cookie) : std::nullopt;
  if (!ticket) return std::nullopt;
  for (const auto& each : known_)
    if (each.name == ticket->name && seals_.holds(*cookie, each.digest, now))
      return Caller{each.name, each.role, ticket->nonce, seals_.form_token(ticket->nonce, each.digest)};
  return std::nullopt;
}

bool Auth::by_tls(const Request& request) const {
  if (own_tls_) return true;
  const std::string* scheme = request.header("x-forwarded-proto");
  if (scheme && same_word(*scheme, "https")) return true;
  const std::string* host = request.header("host");
  return public_tls_ && host && same_word(*host, public_host_);
}

// DNS rebinding: a page on the internet may point its own name at 127.0.0.1 and read drwatch through the browser of whoever looks at the
// page, which comes from loopback and needs no token. The Host header still has the page's name, so only names that are ours, and
// addresses, are let through.
bool Auth::host_is_ours(const Request& request) const {
  const std::string* host = request.header("host");
  // Host is optional in HTTP/1.0 alone (RFC 9112, 3.2); browsers do not speak it.
  if (!host) return request.http_1_0;
  const std::string_view name = without_port(*host);
  if (same_word(name, "localhost")) return true;
  if (!public_host_.empty() && (same_word(*host, public_host_) || same_word(name, without_port(public_host_)))) return true;
  boost::system::error_code not_an_address;
  const bool in_brackets = name.size() > 2 && name.front() == '[';
  boost::asio::ip::make_address(std::string(in_brackets ? name.substr(1, name.size() - 2) : name), not_an_address);
  return !not_an_address;
}

namespace {

std::optional<Response> too_little(const Caller& who, Needs needs, bool reading) {
  if (reading || who.role == Role::admin || (needs == Needs::responder && who.role == Role::responder)) return std::nullopt;
  return refused(403, "not allowed",
                 "this needs the role " + std::string(role_word(needs)) + "; the token of '" + who.name + "' does not have it");
}

}  // namespace

std::variant<Caller, Response> Auth::admit(const Request& request, Needs needs, Time now, bool form) const {
  if (needs == Needs::nothing) return Caller{};
  const bool reading = needs == Needs::reading || needs == Needs::figures;
  const std::string* given = request.header("authorization");
  if (given && given->size() > 7 && same_word(std::string_view(*given).substr(0, 7), "Bearer ")) {
    std::string_view token = std::string_view(*given).substr(7);
    while (token.starts_with(' ')) token.remove_prefix(1);
    // A token that is sent must be right, even where none is needed: otherwise a mistyped one would go unnoticed until it matters.
    const Known* who = known(token);
    if (!who) {
      Response wrong = refused(401, "wrong token", "no token of [server.tokens] is this one");
      wrong.held = wrong_token_held;
      return wrong;
    }
    const Caller caller{who->name, who->role, "", ""};
    if (auto no = too_little(caller, needs, reading)) return std::move(*no);
    return caller;
  }
  // The kernel has said who it is. root may do everything; drwatch's own user, as whom its unit reloads it, but also plugins and commands
  // run, may reload and read, and nothing else.
  if (request.local_user == "root" || (!request.local_user.empty() && (reading || needs == Needs::reloading)))
    return Caller{request.local_user, request.local_user == "root" ? Role::admin : Role::viewer};
  if (reading || form) {
    if (const auto who = in_session(request, now)) {
      if (auto no = too_little(*who, needs, reading)) return std::move(*no);
      return *who;
    }
  }
  if (reading && request.peer_is_loopback && free_reading_) {
    if (needs == Needs::reading && !host_is_ours(request))
      return refused(403, "unknown host", "without a token drwatch is read as localhost, as an IP address or as [server] public_url only");
    return Caller{};
  }
  if (known_.empty())
    return refused(401, "a token is needed",
                   "none is configured: add [server.tokens.NAME] with role = \"" + std::string(role_word(needs)) +
                       "\" and a secret to the configuration and reload, then send it as 'Authorization: Bearer TOKEN'");
  return refused(401, "a token is needed",
                 "send a token with the role " + std::string(role_word(needs)) + " as 'Authorization: Bearer TOKEN'");
}

}  // namespace drwatch::web
