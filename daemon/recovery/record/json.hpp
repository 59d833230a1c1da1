// SPDX-License-Identifier: Apache-2.0
// Small conversions between the state's values and JSON, for the files that write or read it.
#pragma once

#include "config/scenario.hpp"
#include "daemon/recovery/record/event.hpp"
#include "daemon/recovery/record/incident.hpp"
#include "daemon/recovery/record/state.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace drwatch {
Json to_json(const Measured& measured);
Measured measured_from_json(const Json& json);
Json to_json(const HeldDrill& drill);
HeldDrill held_drill_from_json(const Json& json);
Json to_json(const Drilling& drilling);
Drilling drilling_from_json(const Json& json);
}  // namespace drwatch

namespace drwatch::json {

Json of(Time t);
Json of(const std::optional<Time>& t);
Json of(Duration d);  // whole milliseconds
Json of(const std::optional<Duration>& d);
Json of(const std::optional<double>& number);
Json of(const std::vector<Evidence>& because);

Time time(const Json& json, const char* key);                       // throws when it is missing or no time
std::optional<Time> maybe_time(const Json& json, const char* key);  // null and missing: nullopt
Duration duration(const Json& json, const char* key, Duration otherwise);
std::optional<Duration> maybe_duration(const Json& json, const char* key);
std::optional<double> maybe_number(const Json& json, const char* key);
std::string text(const Json& json, const char* key);  // null and missing: ""
bool flag(const Json& json, const char* key, bool otherwise = false);
std::vector<std::string> texts(const Json& json, const char* key);  // missing: none
std::vector<Evidence> evidence(const Json& json, const char* key);

}  // namespace drwatch::json
