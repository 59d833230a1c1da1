// SPDX-License-Identifier: Apache-2.0
// A conversation in lines: what to say, what to wait for, and TLS in the middle of it.
#pragma once

#include "probes/probe.hpp"

namespace drwatch {

struct TcpStep {
  std::string send;    // said as it is; \1 ... \9 are what the last `expect` found in parentheses
  std::string expect;  // a regex that a line must match; lines before it are passed over
  std::string fail;    // a regex that no line may match while waiting
  bool starttls = false;
  friend bool operator==(const TcpStep&, const TcpStep&) = default;
};

// `script = [ { expect = "..." }, { send = "..." }, { starttls = true } ]`
void read_script(std::vector<TcpStep>& into, const config::Value& value, const config::Reading& reading);

// Follows the script on a connection that stands; `tls` and `name` are for a `starttls` in it. A line that does not come, or the wrong one,
// is down (assertion); so is an end. At most 64 KiB are read in all, 8 KiB a line. `facts`: those of TLS.
Task<Outcome> follow_script(World* world, std::vector<TcpStep> script, Connected connected, TlsSettings tls, std::string name,
                            Phases* phases);

}  // namespace drwatch
