// SPDX-License-Identifier: Apache-2.0
// Which job a ping's key belongs to, and how often a key may call.
#pragma once

#include "config/settings.hpp"
#include "daemon/web/http/auth.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace drwatch::web {

class PingKeys {
 public:
  // The heartbeat probe whose key this is, all keys compared in constant time; nullopt: nobody's.
  std::optional<std::string> probe_of(const std::shared_ptr<const Settings>& settings, std::string_view key);
  // One call of this job: nullopt, or how long it must wait. 100 at once, 5 a second in the long run.
  std::optional<Duration> over_rate(const std::string& probe, std::chrono::nanoseconds boottime);

 private:
  std::shared_ptr<const Settings> of_;  // what keys_ was made from
  std::vector<std::pair<std::string, Digest>> keys_;
  struct Bucket {
    double tokens;
    std::chrono::nanoseconds at;
  };
  std::map<std::string, Bucket> buckets_;  // by probe: bounded by the configuration
};

}  // namespace drwatch::web
