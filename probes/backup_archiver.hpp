// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/probe.hpp"

#include <memory>
#include <string>

namespace drwatch {

// `backup` with reads = "pg_stat_archiver". `archive`: the folder in which segments arrive, if it can be seen from here; empty: not.
std::unique_ptr<Probe> archiver_probe(Secret dsn, std::string archive, Duration timeout);

}  // namespace drwatch
