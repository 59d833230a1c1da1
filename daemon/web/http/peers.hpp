// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a connection, and who is behind the proxy there.
#pragma once

#include "daemon/web/http/message.hpp"

#include <string>

#include <boost/asio/ip/address.hpp>

namespace drwatch::web {

bool is_loopback(const boost::asio::ip::address& address);
// Who counts as one in what is shared out by peers: an address; of IPv6 a site's network (/64).
std::string fair_share_of(const boost::asio::ip::address& address);
// The address that a request really comes from; empty: not known, of one from this machine.
std::string client_of(const Request& request);

}  // namespace drwatch::web
