// SPDX-License-Identifier: Apache-2.0
// A channel carries an alert without Alertmanager: a webhook (POST of Alertmanager's webhook JSON, version 4) or a command (the same on its
// standard input).
#pragma once

#include "config/settings.hpp"
#include "daemon/recovery/alerts/alert.hpp"
#include "probes/seams/world.hpp"

#include <string>

namespace drwatch {

// Carries one alert, within the channel's timeout. Empty: done (a 2xx answer, exit code 0); else what went wrong, without the channel's
// secret.
Task<std::string> carry(World world, std::string channel, ChannelSettings settings, Alert alert, std::string external_url);

}  // namespace drwatch
