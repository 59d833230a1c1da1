// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/connection_rows.hpp"

#include <charconv>

namespace drwatch {

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
