// SPDX-License-Identifier: Apache-2.0
// What a kind sends to an HTTP server besides its question: headers, credentials, TLS settings, address family. Also the rows for them
// and their checks.
#pragma once

#include "config/rows/schema.hpp"
#include "config/rows/secret.hpp"
#include "probes/seams/world.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

struct BasicLogin {
  std::string user;
  Secret password;
  friend bool operator==(const BasicLogin&, const BasicLogin&) = default;
};

struct HttpSender {
  std::map<std::string, Secret> headers;
  std::optional<BasicLogin> basic;
  Secret bearer;
  TlsSettings tls;
  std::string family = "any";
  friend bool operator==(const HttpSender&, const HttpSender&) = default;

  void equip(HttpRequest& request) const;  // adds headers, credentials, TLS and addresses
  // Why nothing can be sent (a missing secret, one that would break a header): a fault of drwatch's own configuration.
  std::optional<std::string> fault() const;
  bool is_credential(std::string_view header) const;  // of the headers that equip() adds
};

// Its rows, for settings that hold one.
std::vector<config::Row> sender_rows();
template <class S>
void add_sender_rows(std::vector<config::Row>& rows, HttpSender S::* member) {
  for (config::Row row : sender_rows()) {
    row.read = [inner = row.read, member](void* into, const config::Value& value, const config::Reading& reading) {
      inner(&(static_cast<S*>(into)->*member), value, reading);
    };
    rows.push_back(std::move(row));
  }
}
// More than one of basic, bearer and an Authorization header.
void check_sender(const HttpSender& sender, config::Place place, const config::Reading& reading);

void read_headers(std::map<std::string, Secret>& into, const config::Value& value, const config::Reading& reading);
// No line breaks and no control characters but the tab: they would end the header and begin another.
bool fit_for_a_header(std::string_view text);

}  // namespace drwatch
