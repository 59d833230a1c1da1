// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/http/peers.hpp"

#include <algorithm>

namespace drwatch::web {
namespace asio = boost::asio;

bool is_loopback(const asio::ip::address& a) {
  // A socket that listens on [::] sees 127.0.0.1 as ::ffff:127.0.0.1.
  if (a.is_v6() && a.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, a.to_v6()).is_loopback();
  return a.is_loopback();
}

// Whose turn it is, in what is taken by turns. Of IPv6 the network of a site (/64): within it one client has as many addresses as it likes.
std::string fair_share_of(const asio::ip::address& a) {
  if (!a.is_v6() || a.to_v6().is_v4_mapped()) return a.to_string();
  auto bytes = a.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::make_address_v6(bytes).to_string();
}

namespace {

constexpr Network loopback_v4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 0}, 104};
constexpr Network loopback_v6{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128};

// Some proxies write the port as well: "192.0.2.7:1234", "[2001:db8::1]:1234".
std::string_view bare_address(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  const auto colon = text.find(':');
  return colon != text.npos && colon == text.rfind(':') ? text.substr(0, colon) : text;
}

}  // namespace

Proxies::Proxies(const std::vector<std::string>& networks, bool loopback) {
  if (loopback) networks_ = {loopback_v4, loopback_v6};
  std::string wrong, hint;
  for (const auto& text : networks)
    if (const auto network = parse_network(text, wrong, hint)) networks_.push_back(*network);
}

bool Proxies::trusts(const AddressBytes& address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) { return network.contains(address); });
}

// Of a link-local address the interface ("%eth0") says nothing here.
bool Proxies::trusts(std::string_view address) const {
  const auto parsed = parse_address(address.substr(0, address.find('%')));
  return parsed && trusts(*parsed);
}

std::string Proxies::forwarded_for(const Request& request) const {
  // Several headers are one list, in their order.
  for (auto header = request.headers.rbegin(); header != request.headers.rend(); ++header) {
    if (header->first != "x-forwarded-for") continue;
    for (std::string_view rest = header->second;;) {
      const auto comma = rest.rfind(',');
      const auto address = parse_address(bare_address(rest.substr(comma == rest.npos ? 0 : comma + 1)));
      if (!address) return {};
      if (!trusts(*address)) return address_text(*address);
      if (comma == rest.npos) break;
      rest = rest.substr(0, comma);
    }
  }
  return {};
}

}  // namespace drwatch::web
