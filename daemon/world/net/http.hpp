// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

#include <memory>
#include <string>
#include <unordered_map>

namespace drwatch {

// A URL, taken apart for connecting and asking.
struct HttpTarget {
  bool tls = false;
  std::string host;         // a name or an address, without brackets
  std::string host_header;  // as in the URL, with the port when it is not the scheme's own
  std::uint16_t port = 80;
  std::string path;  // with the query
};

// The URLs met so far, parsed once each: the same few are asked for again and again.
class HttpTargets {
 public:
  std::shared_ptr<const HttpTarget> of(const std::string& url);  // null: not a URL that starts with http:// or https://

 private:
  // Some 2 MB of targets.
  static constexpr std::size_t most = 10000;
  std::unordered_map<std::string, std::shared_ptr<const HttpTarget>> known_;
};

// HTTP/1.1 over a Net: a fresh connection for each fetch, no redirects, no decompression. See Http for what goes in and out.
class RealHttp : public Http {
 public:
  explicit RealHttp(Net& net) : net_(net) {}
  Task<Result<HttpResponse>> fetch(HttpRequest request, Phases& phases) override;

 private:
  Task<Result<Connected>> connect(std::shared_ptr<const HttpTarget> target, const HttpRequest* request, Phases* phases);

  Net& net_;
  HttpTargets targets_;
};

}  // namespace drwatch
