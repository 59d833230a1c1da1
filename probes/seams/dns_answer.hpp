// SPDX-License-Identifier: Apache-2.0
// A question to a name server and its answer, as plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace drwatch {

// One question to one server.
struct DnsQuestion {
  std::string name;
  std::string type = "A";  // A AAAA CNAME MX NS TXT SOA CAA DS PTR SRV
  std::string server;      // "192.0.2.53:53", "[2001:db8::53]:53"
  bool recursive = true;   // false: what the server knows by itself, as one asks an authoritative one
};

struct DnsRecord {
  std::string name;  // lower case, without the dot at the end
  std::string type;  // "TYPE65" for one not listed above
  std::uint32_t ttl = 0;
  std::string
      text;  // as a zone file writes it, names in lower case without the dot at the end: "10 mail.example.org", "0 issue \"ca.example\""
};

// What a server said, whatever its rcode. Records of the additional section are not kept.
struct DnsAnswer {
  std::string rcode;  // "NOERROR", "NXDOMAIN", ..., "RCODE11"
  bool authoritative = false;
  std::vector<DnsRecord> answers, authority;
};

}  // namespace drwatch
