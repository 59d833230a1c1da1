// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a connection, and who is behind the proxy there.
#pragma once

#include "config/rows/network.hpp"
#include "daemon/web/http/message.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

namespace drwatch::web {

bool is_loopback(const boost::asio::ip::address& address);
// Who counts as one in what is shared out by peers: an address; of IPv6 a site's network (/64).
std::string fair_share_of(const boost::asio::ip::address& address);

// The proxies whose word about where a request comes from is taken.
class Proxies {
 public:
  Proxies() : Proxies(std::vector<std::string>{}) {}
  // Each as parse_network() takes it; anything else is left out. Loopback is one, where it is not said otherwise.
  explicit Proxies(const std::vector<std::string>& networks, bool loopback = true);
  // False for what is no address.
  bool trusts(std::string_view address) const;
  // The address that a request from a trusted proxy is forwarded for: the right-most that is no such proxy itself. Whatever stands left of
  // it, or of something that is no address, was written by somebody whom nobody trusts. Empty: none is told.
  std::string forwarded_for(const Request& request) const;

 private:
  bool trusts(const AddressBytes& address) const;
  std::vector<Network> networks_;
};

}  // namespace drwatch::web
