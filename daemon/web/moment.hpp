// SPDX-License-Identifier: Apache-2.0
// What every answer is made from: how things stood at one moment. It owns all of it and never changes, so that any thread may read it while
// the daemon goes on.
#pragma once

#include "daemon/web/api/view.hpp"

#include <map>
#include <memory>
#include <string>

namespace drwatch::web {

struct Moment {
  // On the loop. Copies the state, which is what it costs; `durable` is among the figures.
  Moment(const Desk& desk, std::string base_url, std::uint64_t wrong_tokens);
  Moment(const Moment&) = delete;

  std::shared_ptr<const Settings> settings;
  State state;
  DaemonFigures figures;
  std::map<std::string, std::optional<Time>> next_runs;  // by probe
  Seen seen;                                             // of all these
};

// The newest moment, taken anew when the one before may be told from it: after every event, and otherwise when it is too old to be shown.
class Moments {
 public:
  explicit Moments(const Desk& desk) : desk_(desk) {}
  // `boottime`: now. Between two events the newest runs of the probes are shown this late.
  std::shared_ptr<const Moment> now(std::chrono::nanoseconds boottime, const std::string& base_url, std::uint64_t wrong_tokens);
  // What is shown from here on is not from before.
  void forget() { newest_.reset(); }
  std::chrono::nanoseconds fresh_for = std::chrono::milliseconds(250);

 private:
  const Desk& desk_;
  std::shared_ptr<const Moment> newest_;
  std::chrono::nanoseconds taken_at_{0};
};

}  // namespace drwatch::web
