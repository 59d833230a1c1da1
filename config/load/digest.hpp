// SPDX-License-Identifier: Apache-2.0
// Hashes by which a reload notices what changed.
#pragma once

#include "config/rows/document.hpp"
#include "config/rows/schema.hpp"
#include "config/scenario.hpp"
#include "config/settings.hpp"

namespace drwatch::config {

// Of a probe: everything its table says, what it takes from elsewhere, its secrets (by hash) and the certificates it names.
std::string fingerprint(const ProbeSettings& probe, const Table& table, const Reading& reading);

// Of a scenario: everything but the hash itself.
std::string scenario_hash(const Scenario& scenario);

// Of what its critical steps do: a word mended in a guide is no reason to drill again.
std::string critical_hash(const Scenario& scenario);

}  // namespace drwatch::config
