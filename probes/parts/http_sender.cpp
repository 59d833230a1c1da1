// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/http_sender.hpp"

#include "config/rows/encoding.hpp"
#include "config/rows/pattern.hpp"
#include "config/rows/text.hpp"
#include "probes/parts/connection_rows.hpp"

#include <algorithm>
#include <cctype>

namespace drwatch {
namespace {

using config::Reading;
using config::Value;

// RFC 7617, 2: base64 of "user:password".
std::string token_of(const BasicLogin& login) { return base64(login.user + ":" + login.password.reveal()); }

void read_basic(HttpSender& into, const Value& value, const Reading& reading) {
  static const std::vector<config::Row> rows = {
      config::row<BasicLogin>("user", &BasicLogin::user, {.doc = "The user.", .required = true}),
      config::row<BasicLogin>("password", &BasicLogin::password, {.doc = "The password.", .required = true}),
  };
  if (!value.table())
    return reading.problems.error(value.place, reading.key, "must be a table", "write { user = \"u\", password = { env = \"NAME\" } }");
  BasicLogin login;
  config::read_table(*value.table(), value.place, rows, &login, reading);
  into.basic = std::move(login);
}

}  // namespace

void read_headers(std::map<std::string, Secret>& into, const Value& value, const Reading& reading) {
  if (!value.table()) return reading.problems.error(value.place, reading.key, "must be a table", "write { accept = \"text/plain\" }");
  for (const auto& [key, place, element] : *value.table()) {
    const Reading below = reading.at(key);
    if (const auto wrong = config::misfit("header", key)) below.problems.error(place, below.key, wrong->message, wrong->hint);
    const std::string* text = element.text();
    // Such a header in plain text is refused, so that nobody commits a token together with the configuration.
    if (text && config::is_secret_header(key))
      below.problems.error(place, below.key, "this header carries a secret", "write { env = \"NAME\" } or another place of a secret");
    else if (text && !fit_for_a_header(*text))
      below.problems.error(element.place, below.key, "a header holds no line breaks or control characters", "remove them");
    else if (text)
      into[key] = Secret(Secret::From::plain, "", *text);
    else
      into[key] = config::read_secret(element, below, false);
  }
}

bool fit_for_a_header(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

std::vector<config::Row> sender_rows() {
  using S = HttpSender;
  return {
      config::row_with<S>("headers", "table: header = string or secret", {.doc = "Headers to send."},
                          [](S& s, const Value& v, const Reading& r) { read_headers(s.headers, v, r); }),
      config::row_with<S>("basic", "table: user, password (secret)", {.doc = "Basic authentication."}, read_basic),
      config::row<S>("bearer", &S::bearer, {.doc = "A bearer token."}),
      config::row_with<S>("tls", tls_type, {.doc = tls_doc}, [](S& s, const Value& v, const Reading& r) { read_tls(s.tls, v, r); }),
      config::row<S>("family", &S::family, {.doc = "Which addresses to use.", .fallback = "any", .one_of = {"any", "v4", "v6"}}),
  };
}

void check_sender(const HttpSender& sender, config::Place place, const Reading& reading) {
  const auto& sent = sender.headers;
  const bool header = std::any_of(sent.begin(), sent.end(), [](const auto& h) { return same_name(h.first, "authorization"); });
  if (int{sender.basic.has_value()} + int{sender.bearer.configured()} + int{header} > 1)
    reading.problems.error(place, reading.key, "more than one of basic, bearer and an Authorization header", "keep one");
}

void HttpSender::equip(HttpRequest& request) const {
  for (const auto& [name, value] : headers) request.headers.emplace_back(name, value.reveal());
  if (bearer.configured()) request.headers.emplace_back("Authorization", "Bearer " + bearer.reveal());
  if (basic) request.headers.emplace_back("Authorization", "Basic " + token_of(*basic));
  request.tls = tls;
  request.family = family_of(family);
}

std::optional<std::string> HttpSender::fault() const {
  std::vector<const Secret*> used;
  for (const auto& [name, value] : headers) used.push_back(&value);
  if (bearer.configured()) used.push_back(&bearer);
  if (basic) used.push_back(&basic->password);
  for (const Secret* secret : used) {
    if (!secret->present()) return "the secret " + secret->name() + " is missing";
    if (!fit_for_a_header(secret->reveal())) return "the secret " + secret->name() + " holds a line break or control character";
  }
  return std::nullopt;
}

bool HttpSender::is_credential(std::string_view header) const {
  const auto sent = headers.find(std::string(header));
  return config::is_secret_header(header) || (sent != headers.end() && sent->second.from() != Secret::From::plain);
}

}  // namespace drwatch
