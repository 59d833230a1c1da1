// SPDX-License-Identifier: Apache-2.0
#include "config/tables/http_access.hpp"

#include "config/rows/pattern.hpp"
#include "config/rows/text.hpp"

#include <algorithm>

namespace drwatch {
namespace {

using config::Reading;
using config::Value;

void read_basic(HttpAccess& into, const Value& value, const Reading& reading) {
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

const std::vector<config::Row>& tls_rows() {
  static const std::vector<config::Row> rows = {
      config::row<TlsSettings>("verify", &TlsSettings::verify, {.doc = "Check the certificate and the name.", .fallback = "true"}),
      config::path_row<TlsSettings>("ca", &TlsSettings::ca_file, {.doc = "Trusted certificates (PEM) instead of the system's."}),
      config::path_row<TlsSettings>("certificate", &TlsSettings::certificate_file, {.doc = "The client's certificate (PEM)."}),
      config::path_row<TlsSettings>("key", &TlsSettings::key_file, {.doc = "The client's key (PEM)."}),
      config::row<TlsSettings>(
          "server_name", &TlsSettings::server_name,
          {.doc = "The name to ask for (SNI) and to verify, when it is not the target's own: one of several servers by its "
                  "address.",
           .pattern_name = "host"}),
  };
  return rows;
}

void read_tls(TlsSettings& into, const config::Value& value, const config::Reading& reading) {
  const config::Table* table = value.table();
  if (!table) {
    reading.problems.error(value.place, reading.key, "must be a table", "write { verify = true, ca = \"ca.pem\" }");
    return;
  }
  config::read_table(*table, value.place, tls_rows(), &into, reading);
  if (into.certificate_file.empty() != into.key_file.empty())
    reading.problems.error(value.place, reading.key, "a client certificate needs both certificate and key", "give both or none");
}

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

std::vector<config::Row> access_rows() {
  using S = HttpAccess;
  return {
      config::row_with<S>("headers", "table: header = string or secret", {.doc = "Headers to send."},
                          [](S& s, const Value& v, const Reading& r) { read_headers(s.headers, v, r); }),
      config::row_with<S>("basic", "table: user, password (secret)", {.doc = "Basic authentication."}, read_basic),
      config::row<S>("bearer", &S::bearer, {.doc = "A bearer token."}),
      config::row_with<S>("tls", tls_type, {.doc = tls_doc}, [](S& s, const Value& v, const Reading& r) { read_tls(s.tls, v, r); }),
  };
}

void check_access(const HttpAccess& access, config::Place place, const Reading& reading) {
  const auto& sent = access.headers;
  const bool header = std::any_of(sent.begin(), sent.end(), [](const auto& h) { return same_name(h.first, "authorization"); });
  if (int{access.basic.has_value()} + int{access.bearer.configured()} + int{header} > 1)
    reading.problems.error(place, reading.key, "more than one of basic, bearer and an Authorization header", "keep one");
}

}  // namespace drwatch
