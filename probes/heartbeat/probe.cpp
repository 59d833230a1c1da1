// SPDX-License-Identifier: Apache-2.0
// heartbeat: a job calls in. It proves that the job ran and how it said that it ended; it can't prove that what the job did is right.
// Down means: a run was missed, failed, or takes far too long.
//
// Nothing is asked here: the pings arrive at /ping/KEY, and the heart judges them against the clock. So the kind has no run.
#include "probes/probe.hpp"

namespace drwatch::kinds::heartbeat {
namespace {

constexpr const char* doc =
    R"(A job calls in, as Healthchecks.io clients do: `/ping/KEY`, `/ping/KEY/start`, `/ping/KEY/fail`, `/ping/KEY/EXIT-CODE`.

Proves that the job ran, when, and how it said that it ended. Cannot prove that what it did was right.

`degraded` (`absent`) when it is late, `down` (`absent`) when the run was missed, `down` (`assertion`) when it failed, `degraded`
(`timeout`) when it runs over `max_runtime` and `down` at twice that, `down` (`stale`) when there was no success within `max_success_age`.
What the job sends along may be as long as it likes: the last 10,000 bytes are kept, their last line is told, and the whole stands in the
fact `said`. It is `up` again with the next success. Time in which drwatch itself was not running is never held against a job.)";

// Nothing of its own: what a job needs is read into ProbeSettings::job.
struct HeartbeatSettings {
  friend bool operator==(const HeartbeatSettings&, const HeartbeatSettings&) = default;
};

}  // namespace

Kind kind() {
  return kind_of<HeartbeatSettings, void>({.name = "heartbeat", .doc = doc, .traits = {.calls_in = true, .confirms_itself = true}});
}

}  // namespace drwatch::kinds::heartbeat
