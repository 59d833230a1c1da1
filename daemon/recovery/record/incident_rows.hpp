// SPDX-License-Identifier: Apache-2.0
// The fields of an incident, a row each: how the journal writes and reads it, what becomes of it when the incident is filed anew as
// another scenario, and how the API shows it. What has no row is lost with the next restart; tests/recovery/incident_rows_test.cpp counts
// them.
#pragma once

#include "daemon/recovery/record/incident.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <string_view>
#include <vector>

namespace drwatch {

enum class Refiled {
  stays,    // it is the incident's: its clocks, who took it, what was said of it
  taken,    // it is the scenario's: the new one's is taken
  dropped,  // it was made of what is left behind
};
enum class Shown {
  plain,      // as the journal writes it
  or_null,    // the same, and "" as null
  otherwise,  // as another value, or with more to it
  hidden,
};

struct IncidentRow {
  const char* key;
  Refiled refiled;
  Shown shown;
  std::function<Json(const Incident&)> written;
  std::function<void(Incident&, const Json& whole)> read;
  std::function<void(Incident&, const Incident& as_new)> refile;
  std::function<const void*(const Incident&)> member;
};
const std::vector<IncidentRow>& incident_rows();
const IncidentRow& incident_row(std::string_view key);  // throws std::out_of_range: there is none

// `as_new` is the incident as the other scenario would open it.
void refile(Incident& incident, const Incident& as_new);

}  // namespace drwatch
