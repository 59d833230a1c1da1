// SPDX-License-Identifier: Apache-2.0
// A scenario as a Markdown page that stands alone: what is printed and put in a drawer for the day when nothing else opens.
#include "daemon/commands/render.hpp"

namespace drwatch::commands {

namespace {

std::string conditions(const Json& trigger, const char* key, const std::string& heading) {
  std::string out;
  for (const auto& each : list_at(trigger, key)) {
    if (each.is_string()) out += "- " + one_line(each.get<std::string>()) + "\n";
  }
  return out.empty() ? "" : heading + "\n\n" + out + "\n";
}

void trigger(const Json& scenario, std::string& out) {
  const Json none = Json::object();
  const Json& trigger = scenario.contains("trigger") && scenario["trigger"].is_object() ? scenario["trigger"] : none;
  out += "## It opens\n\n";
  if (list_at(trigger, "any").empty() && list_at(trigger, "all").empty()) {
    out += "Only when a person opens it: `drwatch incident open " + text_at(scenario, "scenario") + "`.\n\n";
    return;
  }
  out += conditions(trigger, "any", "When one of these holds:");
  out += conditions(trigger, "all", list_at(trigger, "any").empty() ? "When all of these hold:" : "and all of these hold:");
  out += conditions(trigger, "none", "and none of these:");
  if (const auto hold = number_at(trigger, "for_seconds"); hold && *hold > 0) out += "for " + words(*hold) + " without a break.\n\n";
  if (const auto wider = joined(list_at(trigger, "supersedes"), ", "); !wider.empty()) out += "It takes the place of: " + wider + ".\n\n";
}

void end(const Json& scenario, std::string& out) {
  if (!scenario.contains("exit") || !scenario["exit"].is_object()) return;
  const Json& exit = scenario["exit"];
  const std::string by = text_at(exit, "by");
  const std::string steps = "every critical step is done, or skipped with a reason";
  out += "## It is recovered\n\nWhen ";
  out += by == "steps" ? steps
                       : "what opened it no longer holds, all that it affects is up, and every critical step that verifies itself is done" +
                             (by.empty() ? " (opened by a signal or a person: when " + steps + ")" : "");
  out += list_at(exit, "all").empty() ? "" : ",\n\n" + conditions(exit, "all", "and all of these hold:");
  if (!out.ends_with('\n')) out += ",\n\n";
  out += "for " + words(number_at(exit, "for_seconds").value_or(0)) + ".\n\n";
}

void step(const Json& step, int number, std::string& out) {
  out += "### " + std::to_string(number) + ". " + one_line(text_at(step, "title")) + "\n\n";
  std::string facts = "`" + text_at(step, "id") + "`";
  if (flag_at(step, "critical")) facts += ", **critical**";
  if (const auto option = text_at(step, "option"); !option.empty()) facts += ", only for the option *" + option + "*";
  if (const auto owner = text_at(step, "owner"); !owner.empty()) facts += ", " + owner;
  if (const auto expect = number_at(step, "expect_seconds")) facts += ", about " + words(*expect);
  if (const auto after = joined(list_at(step, "after"), ", "); !after.empty()) facts += ", after " + after;
  out += facts + "\n\n";
  if (step.contains("verify") && step["verify"].is_object()) {
    out += "Done when \"" + text_at(step["verify"], "condition") + "\" has held for " +
           words(number_at(step["verify"], "hold_seconds").value_or(0)) + ".\n\n";
  }
  if (step.contains("run") && step["run"].is_object()) out += "    " + joined(list_at(step["run"], "argv"), " ") + "\n\n";
  if (const auto guide = text_at(step, "guide"); !guide.empty()) out += guide + (guide.ends_with('\n') ? "\n" : "\n\n");
}

}  // namespace

std::string scenario_text(const Json& scenario) {
  std::string out = "# " + one_line(text_at(scenario, "title")) + "\n\n";
  if (const auto summary = text_at(scenario, "summary"); !summary.empty()) out += summary + "\n\n";
  const auto rto = number_at(scenario, "rto_seconds");
  out += "Scenario `" + text_at(scenario, "scenario") + "`, " + text_at(scenario, "severity") + ". Affects " +
         joined(list_at(scenario, "affects"), ", ") + "." + (rto ? " To be back within " + words(*rto) + "." : "") +
         " Restore from what survives the class `" + text_at(scenario, "class") + "`.\n\n";
  trigger(scenario, out);
  end(scenario, out);
  out += "## Steps\n\n";
  int number = 0;
  for (const auto& each : list_at(scenario, "steps")) step(each, ++number, out);
  if (!list_at(scenario, "messages").empty()) out += "## Messages\n\n";
  for (const auto& each : list_at(scenario, "messages")) {
    out += "### To " + text_at(each, "audience") + ", when " + text_at(each, "when") + "\n\n`" + text_at(each, "id") +
           "`: " + one_line(text_at(each, "subject")) + "\n\n" + indented(text_at(each, "body"), "> ") + "\n";
  }
  return out;
}

std::string scenarios_text(const Json& list, const Paint& paint) {
  Columns columns;
  for (const auto& each : list) {
    const std::string standing = text_at(each, "standing");
    const auto rto = number_at(each, "rto_seconds");
    columns.row({{text_at(each, "scenario"), Ink::bold},
                 {one_line(text_at(each, "title"))},
                 {rto ? "RTO " + words(*rto) : ""},
                 {standing, paint.standing(standing)}});
  }
  return columns.print(paint);
}

std::string runbook_index(const std::vector<Json>& scenarios) {
  std::string out = "# Runbook\n\nPrinted by drwatch. Each page stands alone; [every RTO and RPO](TARGETS.md) stands on one.\n\n";
  for (const auto& each : scenarios) {
    const auto summary = one_line(text_at(each, "summary"));
    out += "- [" + one_line(text_at(each, "title")) + "](" + text_at(each, "scenario") + ".md)" + (summary.empty() ? "" : ": " + summary) +
           "\n";
  }
  return out;
}

namespace {

// A bar would end the cell of a table.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : one_line(text)) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out.empty() ? "-" : out;
}
std::string row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& each : cells) out += " " + cell(each) + " |";
  return out + "\n";
}
std::string seconds_at(const Json& document, const char* key) {
  const auto seconds = number_at(document, key);
  return seconds ? words(*seconds) : "";
}
// The target of the component's objective of this kind and class; "" for none.
std::string target(const Json& component, const std::string& objective, const std::string& of_class) {
  for (const auto& each : list_at(component, "objectives"))
    if (text_at(each, "objective") == objective && text_at(each, "class") == of_class) return seconds_at(each, "target_seconds");
  return "";
}

}  // namespace

std::string runbook_targets(const std::vector<Json>& scenarios, const Json& components) {
  std::string out =
      "# Recovery targets\n\nPrinted by drwatch from its configuration.\n\n## RTO by scenario\n\n"
      "How long it may take to be back, from the last good answer on; and within what time somebody has to have taken it.\n\n" +
      row({"scenario", "severity", "disaster", "back within", "taken within", "affects"}) + row({"---", "---", "---", "---", "---", "---"});
  for (const auto& each : scenarios)
    out += "| [" + cell(text_at(each, "title")) + "](" + text_at(each, "scenario") + ".md) " +
           row({text_at(each, "severity"), text_at(each, "class"), seconds_at(each, "rto_seconds"), seconds_at(each, "ack_within_seconds"),
                joined(list_at(each, "affects"))});
  out +=
      "\n## RPO by component\n\n"
      "How much may be lost when a disaster takes a machine or disk (host), when data is changed or deleted by mistake (logical), or when "
      "a "
      "region or an account is lost. RTO: the shortest of the scenarios that affect it. A dash: nothing was promised.\n\n" +
      row({"component", "RTO", "host", "logical", "region", "account", "recovery points read by"}) +
      row({"---", "---", "---", "---", "---", "---", "---"});
  for (const auto& each : components) {
    if (list_at(each, "objectives").empty()) continue;
    out += row({text_at(each, "title"), target(each, "rto", ""), target(each, "rpo", "host"), target(each, "rpo", "logical"),
                target(each, "rpo", "region"), target(each, "rpo", "account"), joined(list_at(each, "protected_by"))});
  }
  return out;
}

}  // namespace drwatch::commands
