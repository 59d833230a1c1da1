// SPDX-License-Identifier: Apache-2.0
// The cookies of one run (RFC 6265), gone with it.
#pragma once

#include "probes/seams/world.hpp"

#include <string>
#include <vector>

namespace drwatch {

class CookieJar {
 public:
  // What an answer from `url` sets or takes away. At most 50, each at most 4 KiB; what would be more is ignored, as browsers do. `now` is
  // what an end is compared with when the answer has no Date of its own.
  void take(const HttpResponse& answer, const std::string& url, Time now);
  // "a=1; b=2" for a request to `url`; empty: none.
  std::string for_request(const std::string& url) const;
  std::vector<std::string> values() const;  // to be hidden

 private:
  struct Cookie {
    std::string name, value, domain, path;
    bool host_only = true, secure = false;
  };
  std::vector<Cookie> cookies_;
};

}  // namespace drwatch
