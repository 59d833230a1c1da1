// SPDX-License-Identifier: Apache-2.0
// What a container may not give: a mount or network namespace, a mounted disk. Where it is refused the test is left out and says so, in one
// line on standard output, "SKIPPED name: reason", which `make test` counts. Anything else that goes wrong is a failure.
#pragma once

#include <string>

namespace drwatch::testing {

// Leaves the rest of the running test to other machines; the caller returns. With DRWATCH_NO_SKIPS=1, as on a machine of one's own: fails.
void skip_here(const std::string& reason);

// The only errors with which a container refuses a call.
bool refused_here(int error);

enum class Own { mounts, network };

// Gives this process a mount namespace (nothing that it mounts is seen outside) or a network namespace (loopback is up) of its own, in a
// user namespace where that is needed. For a forked child; 0 or errno.
int enter(Own what);

// Whether enter() works here, tried in a process of its own. Where it is refused the test is skipped.
bool can_enter(Own what);

}  // namespace drwatch::testing
