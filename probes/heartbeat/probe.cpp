// SPDX-License-Identifier: Apache-2.0
// heartbeat: a job calls in. It proves that the job ran and how it said that it ended; it can't prove that what the job did is right.
// Down means: a run was missed, failed, or takes far too long.
//
// Nothing is asked here: the pings arrive at /ping/KEY, and the heart judges them against the clock. So the kind has no run; its settings
// are read into ProbeSettings::job.
#include "probes/probe.hpp"

namespace drwatch::kinds::heartbeat {
namespace {

constexpr const char* doc =
    R"(A job calls in, as Healthchecks.io clients do: `/ping/KEY`, `/ping/KEY/start`, `/ping/KEY/fail`, `/ping/KEY/EXIT-CODE`.

Proves that the job ran, when, and how it said that it ended. Cannot prove that what it did was right.

`degraded` (`absent`) when it is late, `down` (`absent`) when the run was missed, `down` (`assertion`) when it failed, `degraded`
(`timeout`) when it runs over `max_runtime` and `down` at twice that, `down` (`stale`) when there was no success within `max_success_age`.
It is `up` again with the next success. Time in which drwatch itself was not running is never held against a job.)";

}  // namespace

Kind kind() {
  Kind kind;
  kind.schema.name = "heartbeat";
  kind.schema.doc = doc;
  kind.schema.fresh = [] { return std::shared_ptr<void>(); };
  kind.schema.same = [](const void*, const void*) { return true; };
  kind.schema.confirms_itself = true;
  return kind;
}

}  // namespace drwatch::kinds::heartbeat
