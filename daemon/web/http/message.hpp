// SPDX-License-Identifier: Apache-2.0
// A request as it came and a response as it goes, as plain values. No Beast in here: including this is cheap.
#pragma once

#include "probes/seams/world.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drwatch::web {

// The parser fills all but `segments` and `query` (read_target) and the peer (the server).
struct Request {
  std::string method;                                        // "GET", as sent
  std::string target;                                        // "/probes/primary?limit=3", as sent
  std::vector<std::string> segments;                         // of the path, decoded: {"probes", "primary"}; {} for "/"
  std::map<std::string, std::string> query;                  // decoded; the last of a repeated name counts
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  bool http_1_0 = false, keep_alive = true;
  std::string peer;  // address without port
  bool peer_is_loopback = false;
  std::string client;      // whom a trusted proxy forwards this for; empty: nobody else, or that is not known
  std::string local_user;  // who came by the daemon's own Unix socket: root, or the user that drwatch runs as; empty: nobody did

  const std::string* header(std::string_view lower_case_name) const;  // the first; nullptr: none
};

// Where a response without an end is written to. Fails once the reader is gone.
struct Tap {
  virtual ~Tap() = default;
  // False: the reader has gone. Waits until the bytes are taken, so a slow reader slows the writer down instead of filling the memory.
  virtual Task<bool> write(std::shared_ptr<const std::string> bytes) = 0;
};

struct Response {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;  // beside those that every response has
  std::string body;
  // Sent only after so long, which a client that guesses has to wait; meanwhile its connection counts as idle, and may make room.
  Duration held{0};
  // Instead of a body: called after the header was sent; the connection ends when it returns. Its coroutine's parameters are by value.
  std::function<Task<void>(Tap&)> stream;
  // Of a stream: nobody has shown a token for it. Such streams leave room for those of others.
  bool anonymous = false;
};

// Once made it is not changed: many connections may be sending the same one.
using SharedResponse = std::shared_ptr<const Response>;

// Fills segments and query from `target`; an error text when it is not a path ("" when it is).
std::string read_target(Request& request);

std::string_view status_text(int status);  // "Not Found"

// application/problem+json (RFC 9457).
Response problem(int status, std::string title, std::string detail, const std::vector<std::string>& list = {});

// The response as bytes up to the empty line, behind which the body comes; without a length when it streams.
std::string header_text(const Response& response, bool keep_alive, Time now);

std::string json_quoted(std::string_view text);  // with its quotes; bytes that are not UTF-8 are replaced

}  // namespace drwatch::web
