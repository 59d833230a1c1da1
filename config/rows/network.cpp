// SPDX-License-Identifier: Apache-2.0
#include "config/rows/network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace drwatch {
namespace {

constexpr AddressBytes mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
constexpr int bits_of_v4_prefix = 96;

bool is_v4(const AddressBytes& address) { return std::equal(mapped.begin(), mapped.begin() + 12, address.begin()); }

AddressBytes beginning(AddressBytes address, int bits) {
  for (int i = 0; i < 16; ++i) {
    const int of_byte = std::clamp(bits - 8 * i, 0, 8);
    address[static_cast<std::size_t>(i)] &= static_cast<unsigned char>(0xFF00 >> of_byte);
  }
  return address;
}

}  // namespace

std::optional<AddressBytes> parse_address(std::string_view text) {
  const std::string whole(text);
  if (whole.size() != std::char_traits<char>::length(whole.c_str())) return {};
  AddressBytes address = mapped;
  if (inet_pton(AF_INET, whole.c_str(), address.data() + 12) == 1) return address;
  if (inet_pton(AF_INET6, whole.c_str(), address.data()) == 1) return address;
  return {};
}

std::string address_text(const AddressBytes& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_v4(address))
    inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
  return text;
}

bool Network::contains(const AddressBytes& other) const { return beginning(other, bits) == beginning(address, bits); }

std::optional<Network> parse_network(std::string_view text, std::string& wrong, std::string& hint) {
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) {
    wrong = "not an address or a network";
    hint = "write it like 10.0.0.0/8, 192.0.2.7 or ::1; names are not looked up";
    return {};
  }
  if (slash == text.npos) return Network{*address, 128};
  const bool v4 = text.substr(0, slash).find(':') == text.npos;
  const int most = v4 ? 32 : 128;
  const auto number = text.substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
  if (error != std::errc() || end != number.data() + number.size() || bits < 0 || bits > most) {
    wrong = "'" + std::string(number) + "' is not the length of an " + (v4 ? "IPv4" : "IPv6") + " network's prefix";
    hint = "behind the slash stands a number from 1 to " + std::to_string(most);
    return {};
  }
  if (bits == 0) {
    wrong = "that is every address there is";
    hint = "name the networks that your proxies are in";
    return {};
  }
  const Network network{*address, v4 ? bits_of_v4_prefix + bits : bits};
  if (const auto begins = beginning(*address, network.bits); begins != *address) {
    wrong = "no network of that length begins there";
    hint = "write " + address_text(begins) + "/" + std::to_string(bits) + ", or the address alone";
    return {};
  }
  return network;
}

}  // namespace drwatch
