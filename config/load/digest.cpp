// SPDX-License-Identifier: Apache-2.0
#include "config/load/digest.hpp"

#include "config/rows/encoding.hpp"
#include "config/rows/files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace drwatch::config {
namespace {

using Json = nlohmann::json;

// The hash of a file that `text` names, if it is a file of PEM; else empty. A certificate that was renewed under the same name must make
// the probe a changed one. Only under the keys by which all kinds name such files: what a probe looks at (a folder of backups, a plugin)
// may hang, and is none of the configuration's business. Only the first MiB is read.
std::string certificate_hash(const std::string& key, const std::string& text, const Reading& reading) {
  if (key != "ca" && key != "certificate" && key != "key") return "";
  if (text.empty() || text.size() > 4096 || text.find('\0') != text.npos) return "";
  std::error_code ignored;
  const auto path = std::filesystem::path(reading.folder) / text;
  about_to_touch(path);
  if (!std::filesystem::is_regular_file(path, ignored)) return "";
  std::string start(1 << 20, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(file.gcount()));
  return start.find("-----BEGIN ") == start.npos ? "" : sha256_hex(start);
}

// { env = "NAME" } and the like.
bool is_secret_place(const Table& table) {
  return table.size() == 1 && table[0].value.text() && (table[0].key == "env" || table[0].key == "file" || table[0].key == "credential");
}

Json plain_json(const std::string& key, const Value& value, const Reading& reading);

Json table_json(const Value& value, const Table& table, const Reading& reading) {
  Json json = Json::object();
  for (const auto& entry : table) json[entry.key] = plain_json(entry.key, entry.value, reading);
  if (!is_secret_place(table)) return json;
  Problems ignored;  // they were reported when the probe was read
  // Of the secret's value, so that a rotated secret makes the probe a changed one.
  json["sha256"] = sha256_hex(read_secret(value, Reading{ignored, "", reading.folder, false}, false).reveal());
  return json;
}

Json plain_json(const std::string& key, const Value& value, const Reading& reading) {
  if (const auto* table = value.table()) return table_json(value, *table, reading);
  if (const auto* array = value.array()) {
    Json json = Json::array();
    for (const auto& element : *array) json.push_back(plain_json(key, element, reading));
    return json;
  }
  if (const auto* text = value.text()) {
    const auto certificate = certificate_hash(key, *text, reading);
    return certificate.empty() ? Json(*text) : Json{*text, certificate};
  }
  if (const auto* integer = std::get_if<std::int64_t>(&value.is)) return *integer;
  if (const auto* number = std::get_if<double>(&value.is)) return *number;
  return std::get<bool>(value.is);
}

Json conditions_json(const std::vector<Condition>& conditions) {
  Json json = Json::array();
  for (const auto& condition : conditions) json.push_back(condition.text);
  return json;
}

template <class T>
Json maybe(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_same_v<T, Duration>)
    return value->count();
  else
    return *value;
}

Json step_json(const Step& s) {
  Json json = {s.id,           s.title, s.critical,  maybe(s.owner),   maybe(s.expect), s.after, s.guide, s.verify ? s.verify->text : "",
               s.hold.count(), s.run,   s.automatic, s.timeout.count()};
  if (!s.option.empty()) json.push_back(s.option);                 // a runbook without options keeps the hash it had before there were any
  if (s.per_gib) json.push_back({"per_gib", s.per_gib->count()});  // likewise
  return json;
}

Json message_json(const Message& m) { return {m.id, m.audience, static_cast<int>(m.when), maybe(m.every), m.subject, m.body}; }

// Bytes that are no UTF-8 must not throw: they are replaced.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string fingerprint(const ProbeSettings& probe, const Table& table, const Reading& reading) {
  Json json = table_json({{}, table}, table, reading);
  // What the probe takes from [defaults] and [witness]. "." can be no key of a table, so it collides with none.
  json["."] = {probe.interval.count(), probe.retry.count(), probe.timeout.count(), probe.fall, probe.rise, probe.witness};
  // A probe without them keeps the fingerprint, and with it the memory, that it had before there were any.
  if (const ProbeSettings usual; probe.window != usual.window || probe.failed_share != usual.failed_share)
    json["."].insert(json["."].end(), {probe.window, probe.failed_share});
  return sha256_hex(text_of(json));
}

// An incident keeps the hash of the scenario it was opened with, so a later version must hash an unchanged scenario to the same value.
std::string scenario_hash(const Scenario& s) {
  Json steps = Json::array(), messages = Json::array();
  for (const auto& step : s.steps) steps.push_back(step_json(step));
  for (const auto& message : s.messages) messages.push_back(message_json(message));
  const Json trigger = {conditions_json(s.trigger.any), conditions_json(s.trigger.all), conditions_json(s.trigger.none),
                        s.trigger.hold_for.count(), s.trigger.supersedes};
  const Json exit = {static_cast<int>(s.exit.by), conditions_json(s.exit.all), s.exit.hold_for.count()};
  Json drill = nullptr;
  if (s.drill) {
    drill = Json{s.drill->grace.count(), s.drill->type};
    if (s.drill->schedule) drill.insert(drill.end(), {s.drill->schedule->text(), s.drill->schedule->zone()});
    if (!s.drill->run.empty()) drill.push_back({s.drill->run, s.drill->automatic, s.drill->timeout.count(), s.drill->step});
  }
  Json whole = {s.id,
                s.title,
                s.summary,
                static_cast<int>(s.severity),
                static_cast<int>(s.of_class),
                s.affects,
                s.rto.count(),
                s.ack_within.count(),
                s.reopen_within.count(),
                trigger,
                exit,
                steps,
                messages,
                drill};
  if (!s.data) whole.push_back("no data");  // only then, so that a scenario without it has the hash that it had before there was such a key
  return sha256_hex(text_of(whole));
}

std::string critical_hash(const Scenario& s) {
  Json steps = Json::array();
  for (const auto& step : s.steps)
    if (step.critical) steps.push_back({step.id, step.option, step.after, step.verify ? step.verify->text : "", step.run});
  return sha256_hex(text_of(steps)).substr(0, 16);
}

}  // namespace drwatch::config
