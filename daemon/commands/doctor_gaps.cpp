// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/doctor.hpp"

#include <algorithm>

namespace drwatch::commands {

namespace {

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string counted(std::size_t n, const std::string& one) { return std::to_string(n) + " " + one + (n == 1 ? "" : "s"); }

// What check says already, sorted under the claim that it stands in the way of.
void of_problems(const std::vector<config::Problem>& problems, const std::string& file, Diagnosis& into) {
  std::size_t errors = 0, others = 0;
  for (const auto& problem : problems) {
    if (problem.level == config::Problem::Level::error) {
      ++errors;
    } else if (problem.message.starts_with("the secret's ")) {
      into.missing.push_back({claim::starts, problem.key + ": " + problem.message, problem.hint});
    } else if (problem.key.starts_with("component.") && problem.key.ends_with(".rpo")) {
      into.missing.push_back({claim::loss, problem.key + " " + problem.message, problem.hint});
    } else if (mentions(problem.message, "there is no ") &&
               (mentions(problem.message, "witness") || mentions(problem.message, "Alertmanager"))) {
      continue;  // told below, with the line
    } else {
      ++others;
    }
  }
  if (errors > 0) into.missing.push_back({claim::starts, counted(errors, "error"), "drwatch check --config " + file});
  if (others > 0)
    into.missing.push_back(
        {claim::starts, counted(others, "warning") + ": it may not do what was meant", "drwatch check --config " + file});
}

bool has_canary(const ProbeSettings& probe) {
  return std::any_of(probe.written.begin(), probe.written.end(),
                     [](const auto& key) { return key.first == "canary" && key.second == "true"; });
}

void of_points(const Settings& settings, const std::string& file, Diagnosis& into) {
  bool any = false;
  for (const auto& [name, component] : settings.components) {
    any |= !component.protected_by.empty();
    const auto queries = [&](const std::string& probe) { return settings.probes.at(probe).traits.answers_queries; };
    const bool database = std::any_of(component.probes.begin(), component.probes.end(), queries);
    const auto canary = [&](const std::string& probe) { return has_canary(settings.probes.at(probe)); };
    const bool exact = std::any_of(component.probes.begin(), component.probes.end(), canary);
    if (!component.protected_by.empty() && database && !exact)
      into.missing.push_back(
          {claim::loss, "recovery points of " + name + " are not exact: no probe of it writes a canary",
           "canary = true   # in a postgres probe of " + name + " in " + file + "; and in the database: drwatch sql | psql"});
  }
  if (!any)
    into.missing.push_back({claim::loss, "there is no source of recovery points",
                            "[probe.wal-archive]   # in " + file + ": kind = \"backup\", reads = ..., protects = ..., survives = [...]"});
}

void of_alerting(const Settings& settings, const std::string& file, Diagnosis& into) {
  if (settings.alertmanager.urls.empty())
    into.missing.push_back(
        {claim::woken, "there is no Alertmanager", "[alertmanager]   # in " + file + ": urls = [\"http://127.0.0.1:9093\"]"});
  if (settings.alertmanager.fallback.empty())
    into.missing.push_back(
        {claim::woken, "nobody is told when no Alertmanager takes an alert",
         "[channel.pager]   # in " + file + ": kind = \"webhook\", url = ...; and in [alertmanager] fallback = [\"pager\"]"});
  if (!settings.deadman)
    into.missing.push_back({claim::woken, "nobody outside notices when this machine dies",
                            "[deadman]   # in " + file + ": url = { credential = \"deadman-url\" }, of a receiver whose silence pages"});
  if (settings.server.public_url.empty())
    into.missing.push_back({claim::woken, "the link in an alert does not lead to the incident from elsewhere",
                            "public_url = \"https://...\"   # in [server] in " + file});
}

void of_people(const Settings& settings, const std::string& file, Diagnosis& into) {
  const auto works = [](const auto& token) { return token.second.role == "responder" || token.second.role == "admin"; };
  if (std::none_of(settings.server.tokens.begin(), settings.server.tokens.end(), works))
    into.missing.push_back(
        {claim::acts, "there is no token of the role responder",
         "[server.tokens.oncall]   # in " + file + ": role = \"responder\", secret = { credential = \"oncall-token\" }"});
  if (settings.scenarios.empty())
    into.missing.push_back({claim::acts, "there is no scenario: nothing opens an incident",
                            "cp /etc/drwatch/scenarios-available/database-outage.toml ...   # drwatch init takes those that fit"});
  for (const auto& [id, scenario] : settings.scenarios)
    if (!scenario.drill)
      into.missing.push_back(
          {claim::in_time, "no drill of " + id + " is planned", "[drill]   # in " + id + ".toml: schedule = \"0 10 1 1,4,7,10 *\""});
}

// The scenarios that some sentence is about, so that fifteen of them do not take fifteen lines.
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

void diagnose_settings(const Settings* settings, const std::vector<config::Problem>& problems, const std::string& file, Diagnosis& into) {
  of_problems(problems, file, into);
  if (!settings) return;
  if (settings->witness.probes.empty())
    into.missing.push_back({claim::sees, "there is no witness: a fault of drwatch's own network looks like an outage",
                            "[witness]   # in " + file + ": probes = [...] of something outside the platform"});
  of_points(*settings, file, into);
  of_alerting(*settings, file, into);
  of_people(*settings, file, into);
}

void diagnose_status(const Json& status, Diagnosis& into) {
  if (flag_at(status, "blind"))
    into.missing.push_back({claim::sees, "drwatch is blind: its witnesses fail", "drwatch probe --json   # what the witnesses saw"});
  if (!flag_at(status, "durable")) into.missing.push_back({claim::starts, "the journal cannot be written", "drwatch status"});
  for (const auto& component : list_at(status, "components")) {
    const std::string name = text_at(component, "name");
    if (text_at(component, "health") == "unknown") {
      const std::string probes = component.contains("probes") ? joined(list_at(component, "probes"), " ") : "";
      into.missing.push_back(
          {claim::sees, name + " cannot be seen" + (text_at(component, "message").empty() ? "" : ": " + text_at(component, "message")),
           "drwatch probe" + (probes.empty() ? "" : " " + probes)});
    }
    for (const auto& exposure : list_at(component, "exposures"))
      if (!flag_at(exposure, "no_source") && !number_at(exposure, "exposure_seconds"))
        into.missing.push_back(
            {claim::loss, "no recovery point of " + name + " was read yet for the class " + text_at(exposure, "class"), "drwatch probe"});
  }
  std::vector<std::string> unproven, overdue;
  for (const auto& scenario : list_at(status, "scenarios")) {
    if (text_at(scenario, "standing") == "unproven") unproven.push_back(text_at(scenario, "scenario"));
    if (scenario.contains("drill") && scenario["drill"].is_object() && flag_at(scenario["drill"], "overdue"))
      overdue.push_back(text_at(scenario, "scenario"));
  }
  if (!unproven.empty())
    into.missing.push_back({claim::in_time, "no drill shows that it is, for " + listed(unproven),
                            "drwatch drill record " + unproven.front() + " --took 45m   # after one took place"});
  if (!overdue.empty())
    into.missing.push_back({claim::in_time, "a drill is overdue, of " + listed(overdue), "drwatch runbook show " + overdue.front()});
  if (const Json* alerts = status.contains("alerts") ? &status["alerts"] : nullptr;
      alerts && number_at(*alerts, "undelivered").value_or(0) > 0)
    into.missing.push_back({claim::woken,
                            counted(static_cast<std::size_t>(*number_at(*alerts, "undelivered")), "alert") + " did not arrive anywhere",
                            "drwatch alert test"});
  for (const auto& finding : list_at(status, "findings")) {
    if (text_at(finding, "finding") == "configuration") continue;  // the configuration's own warnings, told of it
    const std::string kind = text_at(finding, "finding");
    const bool of_loss = kind == "no-source" || kind == "points-lost" || kind == "sources-disagree" || mentions(kind, "rpo");
    into.missing.push_back({of_loss ? claim::loss : claim::sees, text_at(finding, "message"), "drwatch status"});
  }
}

std::string diagnosis_text(const Diagnosis& diagnosis, const Paint& paint) {
  std::string text;
  const auto tell = [&](const std::vector<Gap>& gaps, const std::string& of, const char* word, Ink ink) {
    for (const auto& gap : gaps)
      if (gap.claim == of)
        text += "  " + paint(ink, word) + "  " + one_line(gap.what) + "\n" + (gap.line.empty() ? "" : "      " + one_line(gap.line) + "\n");
  };
  for (const char* each : claim::all) {
    const auto of_it = [each](const Gap& gap) { return gap.claim == each; };
    const bool missing = std::any_of(diagnosis.missing.begin(), diagnosis.missing.end(), of_it);
    const bool unseen = std::any_of(diagnosis.not_looked_at.begin(), diagnosis.not_looked_at.end(), of_it);
    text += paint(Ink::bold, capital(each)) + (missing || unseen ? "" : paint(Ink::good, "  nothing is missing")) + "\n";
    tell(diagnosis.missing, each, "missing", Ink::bad);
    tell(diagnosis.not_looked_at, each, "not looked at", Ink::warn);
  }
  return text;
}

Json diagnosis_document(const Diagnosis& diagnosis) {
  const auto list = [](const std::vector<Gap>& gaps) {
    Json all = Json::array();
    for (const auto& gap : gaps)
      all.push_back({{"claim", gap.claim}, {"what", gap.what}, {"line", gap.line.empty() ? Json(nullptr) : Json(gap.line)}});
    return all;
  };
  Json claims = Json::array();
  for (const char* each : claim::all) claims.push_back(each);
  return Json{{"claims", claims}, {"missing", list(diagnosis.missing)}, {"not_looked_at", list(diagnosis.not_looked_at)}};
}

}  // namespace drwatch::commands
