// SPDX-License-Identifier: Apache-2.0
// Kept values in the journal's form: a key and a small JSON text each.
#include "daemon/recovery/record/json.hpp"
#include "daemon/recovery/record/state.hpp"

namespace drwatch {
namespace {

std::pair<std::string, std::string> split(const std::string& key) {
  auto slash = key.find('/');
  if (slash == std::string::npos) return {key, ""};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

// Written after every good run of every probe: as JSON, but without building the tree.
std::string text_of(const ProbeKept& p) {
  auto quoted = [](const std::optional<Time>& t) { return t ? '"' + time_text(*t) + '"' : std::string("null"); };
  const std::string not_down = quoted(p.last_not_down_at);
  return "{\"last_not_down_at\":" + not_down + ",\"last_up_at\":" + (p.last_up_at == p.last_not_down_at ? not_down : quoted(p.last_up_at)) +
         (p.data_bytes ? ",\"data_bytes\":" + std::to_string(static_cast<std::uint64_t>(*p.data_bytes)) : "") + "}";
}

Json of(const std::optional<WalPosition>& p) { return p ? Json{p->timeline, p->lsn} : Json(nullptr); }
std::optional<WalPosition> position(const Json& j) {
  if (!j.is_array()) return std::nullopt;
  return WalPosition{j.at(0).get<std::uint32_t>(), j.at(1).get<std::uint64_t>()};
}
Json of(const Claim& c) { return {{"at", json::of(c.at)}, {"point", json::of(c.point)}, {"coarse", c.coarse}, {"safe", of(c.safe)}}; }
Claim claim(const Json& j) {
  return {json::time(j, "at"), json::time(j, "point"), json::flag(j, "coarse"), position(j.value("safe", Json()))};
}

Json of(const SourceKept& s) {
  Json points = Json::array(), claims = Json::array();
  for (Time point : s.points) points.push_back(json::of(point));
  for (const Claim& c : s.claims) claims.push_back(of(c));
  return {{"recovery_point", json::of(s.recovery_point)},
          {"coarse", s.coarse},
          {"failing", s.failing},
          {"read_at", json::of(s.read_at)},
          {"tops", s.tops},
          {"disturbed", s.disturbed},
          {"safe", of(s.safe)},
          {"stamp", json::of(s.stamp)},
          {"continuous", s.continuous},
          {"oldest", json::of(s.oldest)},
          {"points", points},
          {"claims", claims},
          {"disagrees_since", json::of(s.disagrees_since)},
          {"less_since", json::of(s.less_since)},
          {"lost_point", json::of(s.lost_point)},
          {"lost_since", json::of(s.lost_since)},
          {"empty_since", json::of(s.empty_since)}};
}
SourceKept source(const Json& j) {
  SourceKept s;
  s.recovery_point = json::maybe_time(j, "recovery_point");
  s.coarse = json::flag(j, "coarse");
  s.failing = json::flag(j, "failing");
  s.read_at = json::maybe_time(j, "read_at");
  s.tops = j.at("tops").get<std::vector<double>>();
  s.disturbed = json::flag(j, "disturbed");
  // What follows came with later releases.
  s.safe = position(j.value("safe", Json()));
  s.stamp = json::maybe_time(j, "stamp");
  s.continuous = json::flag(j, "continuous");
  s.oldest = json::maybe_time(j, "oldest");
  for (const std::string& point : json::texts(j, "points"))
    if (auto at = parse_time(point)) s.points.push_back(*at);
  if (j.contains("claims"))
    for (const Json& c : j["claims"]) s.claims.push_back(claim(c));
  s.disagrees_since = json::maybe_time(j, "disagrees_since");
  s.less_since = json::maybe_time(j, "less_since");
  s.lost_point = json::maybe_time(j, "lost_point");
  s.lost_since = json::maybe_time(j, "lost_since");
  s.empty_since = json::maybe_time(j, "empty_since");
  return s;
}

Json of(const Ledger& ledger) {
  Json rows = Json::array();
  for (const LedgerRow& row : ledger.rows) rows.push_back({row.at.timeline, row.at.lsn, row.db_time.time_since_epoch().count()});
  return rows;
}
Ledger ledger(const Json& j) {
  Ledger l;
  for (const Json& row : j)
    l.rows.push_back({{row.at(0).get<std::uint32_t>(), row.at(1).get<std::uint64_t>()}, Time{Duration{row.at(2).get<std::int64_t>()}}});
  return l;
}

Json of(const JobKept& k) {
  Json running = Json::array();
  for (const JobRun& run : k.running) running.push_back({{"rid", run.rid}, {"started_at", json::of(run.started_at)}});
  return {{"last_ping_at", json::of(k.last_ping_at)},
          {"last_start_at", json::of(k.last_start_at)},
          {"last_success_at", json::of(k.last_success_at)},
          {"last_fail_at", json::of(k.last_fail_at)},
          {"running", running},
          {"last_ended_well", k.last_ended_well ? Json(*k.last_ended_well) : Json(nullptr)},
          {"last_message", k.last_message},
          {"called_at", json::of(k.called_at)},
          {"missed_at", json::of(k.missed_at)},
          {"job_id", k.job_id},
          {"last_run", k.last_run},
          {"accounted", json::of(k.accounted)},
          {"free_since", json::of(k.free_since)}};
}
JobKept job(const Json& j) {
  JobKept k;
  k.last_ping_at = json::maybe_time(j, "last_ping_at");
  k.last_start_at = json::maybe_time(j, "last_start_at");
  k.last_success_at = json::maybe_time(j, "last_success_at");
  k.last_fail_at = json::maybe_time(j, "last_fail_at");
  for (const Json& run : j.at("running")) k.running.push_back({json::text(run, "rid"), json::time(run, "started_at")});
  if (!j.at("last_ended_well").is_null()) k.last_ended_well = j["last_ended_well"].get<bool>();
  k.last_message = json::text(j, "last_message");
  k.called_at = json::maybe_time(j, "called_at");
  k.missed_at = json::maybe_time(j, "missed_at");
  k.job_id = j.value("job_id", std::int64_t{0});
  k.last_run = j.value("last_run", std::int64_t{0});
  k.accounted = json::maybe_time(j, "accounted");
  k.free_since = json::maybe_time(j, "free_since");
  return k;
}

Json of(const WritesKept& w) {
  Json held = Json::array();
  for (const Span& span : w.held) held.push_back({json::of(span.from), json::of(span.until)});
  return {{"held_since", json::of(w.held_since)}, {"known_until", json::of(w.known_until)}, {"held", held}};
}
WritesKept writes(const Json& j) {
  WritesKept w;
  w.held_since = json::maybe_time(j, "held_since");
  w.known_until = json::maybe_time(j, "known_until");  // came with a later release
  for (const Json& span : j.at("held"))
    w.held.push_back(
        {parse_time(span.at(0).get<std::string>()).value_or(Time{}), parse_time(span.at(1).get<std::string>()).value_or(Time{})});
  return w;
}

Json of(const MemoryKept& m) { return {{"of", m.of}, {"text", m.text}}; }
MemoryKept memory(const Json& j) { return {json::text(j, "of"), json::text(j, "text")}; }

template <class T>
std::string text_in(const std::map<std::string, T>& values, const std::string& name) {
  auto it = values.find(name);
  return it == values.end() ? std::string() : of(it->second).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

// By the part before the slash. A kind that this release does not know has no text.
std::string kept_text(const Kept& kept, const std::string& key) {
  auto [kind, name] = split(key);
  if (kind == "alive_at") return kept.alive_at ? json::of(kept.alive_at).dump(-1, ' ', false, Json::error_handler_t::replace) : "";
  if (kind == "probe") {
    auto probe = kept.probes.find(name);
    return probe == kept.probes.end() ? std::string() : text_of(probe->second);
  }
  if (kind == "source") return text_in(kept.sources, name);
  if (kind == "ledger") return text_in(kept.ledgers, name);
  if (kind == "job") return text_in(kept.jobs, name);
  if (kind == "writes") return text_in(kept.writes, name);
  if (kind == "memory") return text_in(kept.memories, name);
  return "";
}

void restore_kept(Kept& kept, const std::string& key, const std::string& text) {
  auto [kind, name] = split(key);
  Json j = Json::parse(text, nullptr, false);
  if (j.is_discarded()) return;  // a value is only the newest of its kind: the next one takes its place
  try {
    if (kind == "alive_at") kept.alive_at = parse_time(j.get<std::string>());
    if (kind == "probe")
      kept.probes[name] = {json::maybe_time(j, "last_up_at"), json::maybe_time(j, "last_not_down_at"), json::maybe_number(j, "data_bytes")};
    if (kind == "source") kept.sources[name] = source(j);
    if (kind == "ledger") kept.ledgers[name] = ledger(j);
    if (kind == "job") kept.jobs[name] = job(j);
    if (kind == "writes") kept.writes[name] = writes(j);
    if (kind == "memory") kept.memories[name] = memory(j);
  } catch (const nlohmann::json::exception&) {
  }
}

std::string short_fingerprint(const ProbeSettings& probe) { return probe.fingerprint.substr(0, 8); }

// A memory made with other settings is not handed on: it is about something else.
const std::string* memory_of(const Kept& kept, const ProbeSettings& probe) {
  const auto found = kept.memories.find(probe.name);
  return found == kept.memories.end() || found->second.of != short_fingerprint(probe) ? nullptr : &found->second.text;
}

}  // namespace drwatch
