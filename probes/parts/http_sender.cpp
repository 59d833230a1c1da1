// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/http_sender.hpp"

#include "config/rows/encoding.hpp"
#include "config/rows/pattern.hpp"
#include "config/rows/text.hpp"
#include "probes/parts/connection_rows.hpp"

namespace drwatch {
namespace {

// RFC 7617, 2: base64 of "user:password".
std::string token_of(const BasicLogin& login) { return base64(login.user + ":" + login.password.reveal()); }

}  // namespace

std::vector<config::Row> sender_rows() {
  std::vector<config::Row> rows = access_rows();
  rows.push_back(config::row<HttpSender>("family", &HttpSender::family,
                                         {.doc = "Which addresses to use.", .fallback = "any", .one_of = {"any", "v4", "v6"}}));
  return rows;
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
