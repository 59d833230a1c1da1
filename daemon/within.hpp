// SPDX-License-Identifier: Apache-2.0
// The one deadline wrapper, as the daemon's rooms have always included it.
#pragma once

#include "probes/within.hpp"
