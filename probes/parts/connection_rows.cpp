// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/connection_rows.hpp"

#include <charconv>

namespace drwatch {

const std::vector<config::Row>& tls_rows() {
  static const std::vector<config::Row> rows = {
      config::row<TlsSettings>("verify", &TlsSettings::verify, {.doc = "Check the certificate and the name.", .fallback = "true"}),
      config::path_row<TlsSettings>("ca", &TlsSettings::ca_file, {.doc = "Trusted certificates (PEM) instead of the system's."}),
      config::path_row<TlsSettings>("certificate", &TlsSettings::certificate_file, {.doc = "The client's certificate (PEM)."}),
      config::path_row<TlsSettings>("key", &TlsSettings::key_file, {.doc = "The client's key (PEM)."}),
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

HostPort host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  HostPort made;
  made.host = text.substr(0, colon);
  if (made.host.size() > 2 && made.host.front() == '[') made.host = made.host.substr(1, made.host.size() - 2);
  // The pattern host:port has been checked when the configuration was read, so there is a colon and a number behind it.
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), made.port);
  return made;
}

Family family_of(std::string_view text) { return text == "v4" ? Family::v4 : text == "v6" ? Family::v6 : Family::any; }

}  // namespace drwatch
