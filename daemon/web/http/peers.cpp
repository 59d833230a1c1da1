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

// The address that a request really comes from: behind a proxy on this machine the last one that the proxy wrote down.
std::string client_of(const Request& request) {
  const std::string* forwarded = request.peer_is_loopback ? request.header("x-forwarded-for") : nullptr;
  if (!forwarded) return request.peer_is_loopback ? "" : request.peer;
  std::string_view last = std::string_view(*forwarded).substr(forwarded->rfind(',') + 1);
  while (last.starts_with(' ')) last.remove_prefix(1);
  return std::string(last.substr(0, 64));
}

}  // namespace drwatch::web
