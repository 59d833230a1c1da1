// SPDX-License-Identifier: Apache-2.0
// A name server's answer from its bytes (RFC 1035, 4.1). They come from outside: every length is checked, compression pointers only lead
// backwards, and the number of records and their size are bounded.
#pragma once

#include "probes/seams/dns_answer.hpp"

#include <optional>
#include <string_view>

namespace drwatch {

// nullopt: not an answer, or one that makes no sense.
std::optional<DnsAnswer> read_dns_answer(std::string_view bytes);

// The number of a type that DnsQuestion knows ("MX": 15); 0: none.
int dns_type_number(std::string_view type);
// "NXDOMAIN" for 3 (RFC 1035, 4.1.1); "RCODE11" for one without a name here.
std::string dns_rcode_name(int rcode);

}  // namespace drwatch
