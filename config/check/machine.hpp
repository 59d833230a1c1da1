// SPDX-License-Identifier: Apache-2.0
// What only a look at the machine tells: whether what the configuration names is there.
#pragma once

#include "config/load/loading.hpp"

namespace drwatch::config {

// Errors for `serve` and a reload: what they cannot do without (the journal's folder, the certificate and its key). Warnings: what is
// missed only when it is needed (programs, CA files, folders that a probe reads).
void look_at_machine(const Document& main, const Settings& settings, const std::vector<NamedPath>& paths, const LoadOptions& options,
                     Problems& problems);

}  // namespace drwatch::config
