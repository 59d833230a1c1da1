// SPDX-License-Identifier: Apache-2.0
// Where a redirect leads.
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// 301, 302, 303, 307 or 308 with a Location.
bool is_redirect(const HttpResponse& response);

// The address that `response`, the answer to `url`, points at, without fragment. nullopt: not an http or https URL.
std::optional<std::string> redirect_target(const std::string& url, const HttpResponse& response);

// "https://example.org:8443"; the port is left out when it is the scheme's own.
std::string origin(const std::string& url);
// Whether both lead to the same host, by whatever scheme and port.
bool same_host(const std::string& a, const std::string& b);
// Whether credentials meant for `a` may be sent to `b`.
bool same_origin(const std::string& a, const std::string& b);

}  // namespace drwatch
