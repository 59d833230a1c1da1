// SPDX-License-Identifier: Apache-2.0
// What a kind sends to an HTTP server besides its question: headers, credentials, TLS settings, address family. The rows for them are in
// config/tables.
#pragma once

#include "config/tables/http_access.hpp"
#include "probes/seams/world.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

struct HttpSender : HttpAccess {  // first base: its rows read into it
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

}  // namespace drwatch
