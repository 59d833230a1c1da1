// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/back.hpp"

#include "daemon/recovery/record/json.hpp"

namespace drwatch {
namespace {

// In the journal's own form, where every time is a text that is nothing but a time: so no field that a later release adds is forgotten.
std::optional<Time> time_of(const Json& value) {
  return value.is_string() ? parse_time(value.get_ref<const std::string&>()) : std::nullopt;
}

bool went_back(Json& value, const BackInTime& back) {
  const auto at = time_of(value);
  if (!at || *at <= back.now || *at > back.was) return false;
  value = json::of(*at - back.by);
  return true;
}

// `maintenance`: the value is a window of maintenance, or all of them.
bool bring_back(Json& value, const BackInTime& back, bool maintenance = false) {
  if (!value.is_structured()) return went_back(value, back);
  const auto is_plan = [&](const auto& it) {
    return value.is_object() && (it.key() == "expires_at" || (maintenance && it.key() == "until"));
  };
  bool beside = false, within = false;
  for (auto it = value.begin(); it != value.end(); ++it) {
    if (value.is_object() && it.key() == "timeline") continue;
    if (it->is_structured())
      within = bring_back(*it, back, maintenance || (value.is_object() && it.key() == "maintenance")) || within;
    else if (!is_plan(it))
      beside = went_back(*it, back) || beside;
  }
  if (beside)
    for (auto it = value.begin(); it != value.end(); ++it)
      if (const auto at = time_of(*it); at && *at > (is_plan(it) ? back.now : back.was)) *it = json::of(*at - back.by);
  return beside || within;
}

std::vector<std::string> keys_of(const Kept& kept) {
  std::vector<std::string> keys{"alive_at"};
  for (const auto& [name, value] : kept.probes) keys.push_back("probe/" + name);
  for (const auto& [name, value] : kept.sources) keys.push_back("source/" + name);
  for (const auto& [name, value] : kept.writes) keys.push_back("writes/" + name);
  return keys;
}

}  // namespace

void bring_back(Record& record, const BackInTime& back) {
  Json all = to_json(record);
  if (bring_back(all, back)) record = record_from_json(all);
}

bool bring_back(Kept& kept, const std::string& key, const BackInTime& back) {
  Json value = Json::parse(kept_text(kept, key), nullptr, false);
  if (value.is_discarded() || !bring_back(value, back)) return false;
  restore_kept(kept, key, value.dump(-1, ' ', false, Json::error_handler_t::replace));
  return true;
}

std::vector<std::string> bring_back(Kept& kept, const BackInTime& back) {
  std::vector<std::string> changed;
  for (const std::string& key : keys_of(kept))
    if (bring_back(kept, key, back)) changed.push_back(key);
  for (auto& [name, ledger] : kept.ledgers) {  // numbers
    const auto& rows = ledger.rows;
    if (rows.empty() || rows.back().db_time <= back.now) continue;
    for (LedgerRow& row : ledger.rows)
      if (row.db_time > back.now && row.db_time <= back.was) row.db_time -= back.by;
    changed.push_back("ledger/" + name);
  }
  return changed;
}

}  // namespace drwatch
