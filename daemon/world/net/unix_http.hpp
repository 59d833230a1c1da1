// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// One request to a server on a Unix socket, for a command that does nothing else meanwhile: it blocks for `patience` at most. `request.url`
// is the path and query. The server must close behind its answer, as drwatch does when it is asked to. Fails with connect, timeout or
// protocol.
Result<HttpResponse> fetch_from_socket(const std::string& path, const HttpRequest& request, std::chrono::seconds patience);

}  // namespace drwatch
