// SPDX-License-Identifier: Apache-2.0
// Addresses and networks of IPv4 and IPv6, as numbers. Names are never looked up.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace drwatch {

// IPv4 as IPv6 has it (::ffff:a.b.c.d), so that both compare.
using AddressBytes = std::array<unsigned char, 16>;

// nullopt: the text is no address.
std::optional<AddressBytes> parse_address(std::string_view text);
std::string address_text(const AddressBytes& address);  // "10.1.2.3", "2001:db8::1"

struct Network {
  AddressBytes address{};
  int bits = 128;  // that count, of the above

  bool contains(const AddressBytes& other) const;
  bool operator==(const Network&) const = default;
};

// "10.0.0.0/8", "::1". nullopt: `wrong` says why, and `hint` what to write.
std::optional<Network> parse_network(std::string_view text, std::string& wrong, std::string& hint);

}  // namespace drwatch
