// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/evidence.hpp"

#include "config/condition.hpp"
#include "config/settings.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <stdexcept>

namespace drwatch {
namespace {

// What is wrong with a document, thrown by the readers below and caught where the document is read.
struct Wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr std::size_t deepest = 12, most_checks = 200, most_phases = 100, most_of_text = 2000;
constexpr double most_seconds = 1e9;

const Json& value_at(const Json& in, const char* key) {
  static const Json nothing = nullptr;
  const auto found = in.find(key);
  return found == in.end() ? nothing : *found;
}
const Json& object_at(const Json& in, const char* key) {
  const Json& value = value_at(in, key);
  if (!value.is_object()) throw Wrong("'" + std::string(key) + "' is missing or no object");
  return value;
}
std::string text_in(const Json& in, const char* key, bool required) {
  const Json& value = value_at(in, key);
  if (value.is_null() && !required) return "";
  if (!value.is_string()) throw Wrong("'" + std::string(key) + "' is missing or no text");
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > most_of_text) throw Wrong("'" + std::string(key) + "' is longer than " + std::to_string(most_of_text) + " bytes");
  return text;
}
std::string word_in(const Json& in, const char* key, std::initializer_list<std::string_view> words, bool required = true) {
  const std::string text = text_in(in, key, required);
  if (text.empty() && !required) return "";
  if (std::find(words.begin(), words.end(), text) != words.end()) return text;
  std::string list;
  for (const auto word : words) list += (list.empty() ? "" : ", ") + std::string(word);
  throw Wrong("'" + std::string(key) + "' is none of " + list);
}
std::optional<Time> moment_in(const Json& in, const char* key, bool required) {
  const std::string text = text_in(in, key, required);
  if (text.empty() && !required) return std::nullopt;
  const auto at = parse_time(text);
  if (!at) throw Wrong("'" + std::string(key) + "' is no time as in 2026-03-01T02:09:30Z");
  return at;
}
std::optional<double> seconds_in(const Json& in, const char* key) {
  const Json& value = value_at(in, key);
  if (value.is_null()) return std::nullopt;
  if (!value.is_number()) throw Wrong("'" + std::string(key) + "' is no number");
  const double seconds = value.get<double>();
  if (!std::isfinite(seconds) || seconds < 0 || seconds > most_seconds)
    throw Wrong("'" + std::string(key) + "' is no duration: a number of seconds from 0 on");
  return seconds;
}
const Json& list_in(const Json& in, const char* key, std::size_t most) {
  static const Json none = Json::array();
  const Json& value = value_at(in, key);
  if (value.is_null()) return none;
  if (!value.is_array()) throw Wrong("'" + std::string(key) + "' is no list");
  if (value.size() > most) throw Wrong("'" + std::string(key) + "' has more than " + std::to_string(most) + " entries");
  return value;
}
const Json& each_object(const Json& value, const char* of) {
  if (!value.is_object()) throw Wrong("an entry of '" + std::string(of) + "' is no object");
  return value;
}

// Of a drill that came to no copy, nothing has to be said of it.
void read_copy(DrillEvidence& evidence, const Json& copy) {
  const bool passed = evidence.verdict == "passed";
  evidence.reads = word_in(copy, "reads", {"pgbackrest", "basebackup", "dump"}, passed);
  evidence.label = text_in(copy, "label", false);
  evidence.taken_at = moment_in(copy, "taken_at", false);
  evidence.chosen = word_in(copy, "chosen", {"newest", "oldest", "random", "point-in-time"}, passed);
}

void read_claim(DrillEvidence& evidence, const Json& whole) {
  if (value_at(whole, "claim").is_null()) return;
  const Json& claim = object_at(whole, "claim");
  evidence.claimed = moment_in(claim, "recovery_point", false);
  evidence.source = text_in(claim, "source", false);
}

void read_checks(DrillEvidence& evidence, const Json& whole) {
  for (const Json& each : list_in(whole, "checks", most_checks)) {
    each_object(each, "checks");
    DrillCheck check;
    check.name = text_in(each, "name", true);
    check.verdict = word_in(each, "verdict", {"passed", "failed", "skipped", "timed-out"});
    check.detail = text_in(each, "detail", false);
    const Json& mandatory = value_at(each, "mandatory");
    if (!mandatory.is_boolean()) throw Wrong("check '" + check.name + "' does not say whether it is mandatory");
    check.mandatory = mandatory.get<bool>();
    evidence.checks.push_back(std::move(check));
  }
}

DrillEvidence evidence_of(const Json& whole) {
  if (!whole.is_object()) throw Wrong("it is no JSON object");
  const Json& version = value_at(whole, "drwatch_drill");
  if (!version.is_number_integer() || version != 1) throw Wrong("it is not the evidence of a drill: 'drwatch_drill' is not 1");
  DrillEvidence evidence;
  evidence.kind = text_in(whole, "kind", true);
  evidence.verdict = word_in(whole, "verdict", {"passed", "failed", "partial", "aborted"});
  evidence.began_at = *moment_in(whole, "began_at", true);
  evidence.ended_at = *moment_in(whole, "ended_at", true);
  if (evidence.ended_at < evidence.began_at) throw Wrong("it ended before it began");
  if (const Json& copy = value_at(whole, "copy"); !copy.is_null() || evidence.verdict == "passed")
    read_copy(evidence, object_at(whole, "copy"));
  evidence.disaster_at = moment_in(whole, "disaster_at", false);
  read_claim(evidence, whole);
  evidence.restored_to = moment_in(whole, "restored_to", false);
  if (const Json& measured = value_at(whole, "measured"); !measured.is_null() || evidence.verdict == "passed") {
    const Json& figures = object_at(whole, "measured");
    evidence.took_seconds = seconds_in(figures, "took_seconds");
    evidence.lost_seconds = seconds_in(figures, "lost_seconds");
    for (const Json& phase : list_in(figures, "phases", most_phases)) {
      text_in(each_object(phase, "phases"), "name", true);
      seconds_in(phase, "seconds");
    }
  }
  read_checks(evidence, whole);
  for (const Json& each : list_in(whole, "classes", 4)) {
    if (!each.is_string() || !parse_class(each.get<std::string>())) throw Wrong("'classes' names none of host, logical, region, account");
    evidence.classes.push_back(each.get<std::string>());
  }
  evidence.text = whole.dump(-1, ' ', false, Json::error_handler_t::replace);
  return evidence;
}

// Before it is parsed: a document of brackets must not become a deep recursion.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t n = 0; n < text.size(); ++n) {
    const char c = text[n];
    if (quoted) {
      if (c == '\\') ++n;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if ((c == '{' || c == '[') && ++depth > deepest) return true;
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  return false;
}

std::string names_with(const DrillEvidence& evidence, std::initializer_list<std::string_view> verdicts, bool only_mandatory = true) {
  std::string names;
  for (const DrillCheck& check : evidence.checks)
    if ((check.mandatory || !only_mandatory) && std::find(verdicts.begin(), verdicts.end(), check.verdict) != verdicts.end())
      names += (names.empty() ? "" : ", ") + check.name + (check.detail.empty() ? "" : " (" + check.detail + ")");
  return names;
}

}  // namespace

EvidenceRead read_evidence(std::string_view text) {
  if (text.size() > DrillEvidence::most_bytes)
    return {std::nullopt, "it is larger than " + std::to_string(DrillEvidence::most_bytes / 1024) + " KiB"};
  if (too_deep(text)) return {std::nullopt, "it is nested too deeply"};
  const Json whole = Json::parse(text, nullptr, false);
  if (whole.is_discarded()) return {std::nullopt, "it is no JSON"};
  try {
    return {evidence_of(whole), ""};
  } catch (const Wrong& wrong) {
    return {std::nullopt, wrong.what()};
  }
}

EvidenceVerdict verdict_of(const DrillEvidence& evidence) {
  if (evidence.verdict == "aborted") return {"aborted", "its evidence says that it was aborted"};
  if (const std::string failed = names_with(evidence, {"failed"}, false); !failed.empty()) return {"failed", "failed: " + failed};
  if (evidence.verdict == "failed") return {"failed", "its evidence says that it failed"};
  if (const std::string skipped = names_with(evidence, {"skipped", "timed-out"}); !skipped.empty())
    return {"partial", "not checked, though it must be: " + skipped};
  if (evidence.verdict == "partial") return {"partial", "its evidence says that it is partial"};
  if (names_with(evidence, {"passed"}).empty()) return {"partial", "nothing that must be checked was checked"};
  if (!evidence.took_seconds) return {"partial", "what it took was not measured"};
  if (*evidence.took_seconds < 1) return {"partial", "no recovery takes less than a second: what it took was not measured"};
  if (evidence.classes.empty()) return {"partial", "it names no class of disaster that the copy survives"};
  return {"passed", ""};
}

Body evidence_body(const std::string& text) {
  const Json whole = Json::parse(text, nullptr, false);
  return whole.is_object() ? Body::of(whole) : Body();
}

}  // namespace drwatch
