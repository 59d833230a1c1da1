// SPDX-License-Identifier: Apache-2.0
// An incident as a responder reads it: the clock, why, what to do next, then the whole checklist with its evidence.
#include "daemon/commands/render.hpp"
#include "daemon/recovery/actions.hpp"

#include <algorithm>

namespace drwatch::commands {

namespace {

bool closed(const Json& step) {
  const auto state = text_at(step, "state");
  return state == "done" || state == "skipped";
}
bool final(const Json& incident) {
  const auto state = text_at(incident, "state");
  return state == "resolved" || state == "absorbed";
}

Ink state_ink(const std::string& state) { return state == "open" ? Ink::bad : state == "recovered" ? Ink::warn : Ink::dim; }

std::string elapsed_of_rto(const Json& incident) {
  const auto elapsed = number_at(incident, "elapsed_seconds"), rto = number_at(incident, "rto_seconds");
  if (!elapsed) return "";
  return words(*elapsed) + (rto ? " of " + words(*rto) : "");
}

std::string acknowledgement(const Json& incident, Time now) {
  const auto at = time_at(incident, "acknowledged_at");
  if (!at) return "not acknowledged";
  return "taken by " + text_at(incident, "acknowledged_by") + " at " + clock_text(*at, now);
}

// Where it is another than who acknowledged it, or is about to be.
std::string holder(const Json& incident, Time now) {
  const std::string owner = one_line(text_at(incident, "owner")), to = one_line(text_at(incident, "handed_to"));
  const auto taken = time_at(incident, "taken_at"), handed = time_at(incident, "handed_at");
  if (!taken && to.empty()) return "";
  std::string text = owner.empty() ? "nobody" : owner + (taken ? ", since " + clock_text(*taken, now) : "");
  if (!to.empty())
    text += "; handed to " + to + " by " + one_line(text_at(incident, "handed_by")) + (handed ? ", " + clock_text(*handed, now) : "") +
            ", who has not taken it yet: drwatch incident take " + text_at(incident, "id");
  return text;
}

}  // namespace

std::string incidents_text(const Json& list, Time now, const Paint& paint) {
  Columns columns;
  for (const auto& each : list) {
    const std::string state = text_at(each, "state"), standing = text_at(each, "standing");
    columns.row({{text_at(each, "id"), Ink::bold},
                 {state, state_ink(state)},
                 {one_line(text_at(each, "title"))},
                 {elapsed_of_rto(each)},
                 {state == "open" || standing == "breached" ? "RTO " + standing : "", paint.standing(standing)},
                 {state != "open"             ? ""
                  : holder(each, now).empty() ? acknowledgement(each, now)
                                              : holder(each, now),
                  time_at(each, "acknowledged_at") ? Ink::dim : Ink::warn}});
  }
  return columns.print(paint);
}

namespace {

struct Page {
  const Json& incident;
  const Paint& paint;
  Time now;
  std::string out;

  void line(const std::string& text) { out += text + "\n"; }
  void fact(const std::string& name, const std::string& value) {
    if (!value.empty()) out += "  " + name + std::string(name.size() < 14 ? 14 - name.size() : 1, ' ') + value + "\n";
  }
  void section(const std::string& title) { out += "\n" + paint(Ink::bold, title) + "\n"; }
};

std::string at_with(const Page& page, const char* key, const char* why_key) {
  const auto at = time_at(page.incident, key);
  if (!at) return "";
  const std::string why = one_line(text_at(page.incident, why_key));
  return clock_text(*at, page.now) + (why.empty() ? "" : " (" + why + ")");
}

std::string lost(const Json& incident, Time now) {
  if (!incident.contains("recovery_point") || !incident["recovery_point"].is_object()) return "";
  const Json& point = incident["recovery_point"];
  const auto at = time_at(point, "at");
  const auto amount = number_at(point, "exposure_seconds");
  if (!at) return "no recovery point is known";
  return clock_text(*at, now) + " by " + text_at(point, "source") + (amount ? ": " + words(*amount) + " would be lost" : "");
}

// One of several ways out: what it takes, and until when it can still be chosen.
void options(Page& page, const Json& way) {
  const std::string option = text_at(way, "option");
  const auto decide_by = time_at(way, "decide_by");
  if (option.empty() || !decide_by || !way.contains("projected_seconds")) return;
  const auto p90 = number_at(way["projected_seconds"], "p90");
  page.fact("  " + option, (p90 ? "nine in ten within " + words(*p90) + "; " : "") +
                               (*decide_by < page.now ? "too late since " : "decide by ") + clock_text(*decide_by, page.now));
}

void second_best(Page& page) {
  if (!page.incident.contains("second") || !page.incident["second"].is_object()) return;
  const Json& second = page.incident["second"];
  std::string because;
  for (const auto& why : list_at(second, "because")) because += (because.empty() ? ", because " : ", ") + text_at(why, "condition");
  page.line("  Second best: " + text_at(second, "scenario") + one_line(because));
  const std::string missing = joined(list_at(second, "missing")), against = joined(list_at(second, "against"));
  if (!missing.empty()) page.line("    it would be that one if this held too: " + missing);
  if (!against.empty()) page.line("    this speaks against it: " + against);
  if (missing.empty() && against.empty()) page.line("    nothing that drwatch sees tells the two apart");
}

std::string bad_change(const Json& incident, Time now) {
  if (const auto at = time_at(incident, "bad_change_at"))
    return clock_text(*at, now) + ", as " + text_at(incident, "bad_change_by") + " says";
  if (!flag_at(incident, "bad_change_asked")) return "";
  return "when was it made? drwatch incident bad-change " + text_at(incident, "id") + " TIME";
}

// What was written since the moment to which is restored.
std::string loss(const Json& incident, Time now) {
  if (!incident.contains("loss") || !incident["loss"].is_object()) return "";
  const Json& its = incident["loss"];
  const auto from = time_at(its, "from"), until = time_at(its, "until");
  if (!from || !until) return "no source can be restored to a moment before the change";
  const auto noticed = number_at(its, "noticed_after_seconds");
  return (flag_at(its, "estimated") ? "about " : "") + words(number_at(its, "seconds").value_or(0)) + ", from " + clock_text(*from, now) +
         " to " + clock_text(*until, now) + (noticed ? "; noticed " + words(*noticed) + " after the change" : "");
}

void head(Page& page) {
  const Json& i = page.incident;
  const std::string state = text_at(i, "state"), standing = text_at(i, "standing");
  page.line(page.paint(Ink::bold, one_line(text_at(i, "title"))) + "  " + page.paint(state_ink(state), state) + "  " +
            text_at(i, "severity") + (flag_at(i, "drill") ? "  DRILL" : "") + (flag_at(i, "false_alarm") ? "  false alarm" : ""));
  page.line(text_at(i, "id"));
  if (const auto summary = one_line(text_at(i, "summary")); !summary.empty()) page.line(summary);
  page.out += "\n";
  page.fact("started", at_with(page, "started_at", "started_by"));
  page.fact("opened", at_with(page, "opened_at", "opened_by"));
  page.fact("acknowledged", acknowledgement(i, page.now));
  page.fact("has it", holder(i, page.now));
  page.fact(flag_at(i, "recovery_said") ? "called over" : "recovered",
            at_with(page, "recovered_at", "") + (flag_at(i, "recovery_said") ? ", never seen to recover" : ""));
  page.fact("resolved", at_with(page, "resolved_at", ""));
  const auto deadline = time_at(i, "deadline");
  page.fact("clock", elapsed_of_rto(i) + ", " + page.paint(page.paint.standing(standing), standing) +
                         (deadline ? "; deadline " + clock_text(*deadline, page.now) : ""));
  if (i.contains("projection") && i["projection"].is_object() && state == "open") {
    page.fact("projected", one_line(text_at(i["projection"], "message")));
    page.fact("critical path", joined(list_at(i["projection"], "critical_path")));
    const auto decide_by = time_at(i, "decide_by");
    page.fact("decide by", at_with(page, "decide_by", "") + (decide_by && *decide_by < page.now ? ", which has passed" : ""));
    for (const auto& way : list_at(i["projection"], "options")) options(page, way);
  }
  if (const auto due = time_at(i, "update_due_at"); due && state == "open")
    page.fact("next update", (*due <= page.now ? "due since " : "due at ") + clock_text(*due, page.now));
  page.fact("affects", joined(list_at(i, "affects")));
  page.fact("explains", joined(list_at(i, "explains")));
  page.fact("restores to", lost(i, page.now));
  page.fact("bad change", bad_change(i, page.now));
  page.fact("data lost", loss(i, page.now));
  page.fact("absorbed", joined(list_at(i, "absorbed")));
  page.fact("absorbed by", text_at(i, "absorbed_by"));
  page.fact("page", text_at(i, "url"));
  if (flag_at(i, "runbook_changed")) page.line("  The runbook has changed since it opened; these steps are as they were.");
  if (i.contains("durable") && !flag_at(i, "durable"))
    page.line("  " + page.paint(Ink::warn, "The journal does not keep up: the newest of this may be lost if drwatch stops."));
}

void because(Page& page) {
  const Json& list = list_at(page.incident, "because");
  if (list.empty()) return;
  page.section("Because");
  Columns columns;
  for (const auto& each : list) {
    const auto since = time_at(each, "since");
    columns.row({{one_line(text_at(each, "condition"))},
                 {since ? "since " + clock_text(*since, page.now) : "", Ink::dim},
                 {one_line(text_at(each, "evidence"))}});
  }
  page.out += columns.print(page.paint);
  second_best(page);
}

std::string how(const Json& step) {
  const std::string kind = text_at(step, "kind");
  if (kind == "verified" && step.contains("verify") && step["verify"].is_object())
    return "verified by \"" + text_at(step["verify"], "condition") + "\"";
  if (kind == "command" && step.contains("run") && step["run"].is_object()) return "runs " + joined(list_at(step["run"], "argv"));
  return "";
}

void next_steps(Page& page) {
  if (final(page.incident)) return;
  std::vector<const Json*> next;
  for (const auto& step : list_at(page.incident, "steps")) {
    if (!closed(step) && flag_at(step, "ready") && text_at(step, "kind") != "verified") next.push_back(&step);
  }
  std::stable_sort(next.begin(), next.end(),
                   [](const Json* a, const Json* b) { return flag_at(*a, "critical") && !flag_at(*b, "critical"); });
  if (next.empty()) return;
  page.section("Next");
  for (const Json* step : next) {
    const std::string owner = text_at(*step, "owner"), does = how(*step);
    const auto expect = number_at(*step, "expect_seconds");
    page.line("  " + page.paint(Ink::bold, one_line(text_at(*step, "title"))) + (flag_at(*step, "critical") ? "  critical" : "") +
              (owner.empty() ? "" : "  " + owner) + (expect ? "  about " + words(*expect) : ""));
    if (!does.empty()) page.line("    " + does);
    page.out += indented(text_at(*step, "guide"), "    ");
    const std::string action(action_name(text_at(*step, "kind") == "command" ? OnStep::run : OnStep::done));
    page.line(
        page.paint(Ink::dim, "    drwatch incident step " + text_at(page.incident, "id") + " " + text_at(*step, "id") + " " + action));
  }
}

std::string mark(const Json& step) {
  const std::string state = text_at(step, "state");
  if (flag_at(step, "against_evidence")) return "[?]";
  return state == "done"                               ? "[x]"
         : state == "skipped"                          ? "[-]"
         : state == "started" || state == "running"    ? "[~]"
         : state == "failed" || state == "interrupted" ? "[!]"
                                                       : "[ ]";
}
Ink mark_ink(const Json& step) {
  const std::string state = text_at(step, "state");
  if (flag_at(step, "against_evidence")) return Ink::bad;
  return state == "done" ? Ink::good : state == "failed" || state == "interrupted" ? Ink::bad : state == "skipped" ? Ink::dim : Ink::warn;
}

void verification(Page& page, const Json& step) {
  if (!step.contains("verify") || !step["verify"].is_object()) return;
  const Json& verify = step["verify"];
  std::string text = text_at(verify, "condition");
  if (const auto evidence = one_line(text_at(verify, "evidence")); !evidence.empty())
    text = evidence.starts_with(text) ? evidence : text + ": " + evidence;
  const auto holds = time_at(verify, "holds_since");
  const auto hold = number_at(verify, "hold_seconds");
  if (!closed(step) && holds) text += "; holds since " + clock_text(*holds, page.now) + (hold ? ", must for " + words(*hold) : "");
  if (!closed(step) && !holds) text += "; does not hold yet";
  if (flag_at(step, "against_evidence")) text += "; does not hold";
  if (verify.contains("proves") && verify["proves"].is_boolean() && !verify["proves"].get<bool>())
    text += "; it held all along: this proves nothing";
  if (const auto broke = time_at(verify, "broke_at")) text += "; broke again at " + clock_text(*broke, page.now);
  page.line("        " + page.paint(Ink::dim, text));
}

void checklist(Page& page) {
  const Json& steps = list_at(page.incident, "steps");
  if (steps.empty()) return;
  const auto done = std::count_if(steps.begin(), steps.end(), closed);
  page.section("Checklist, " + std::to_string(done) + " of " + std::to_string(steps.size()) + " done");
  for (const auto& step : steps) {
    std::string tail = "  " + text_at(step, "id") + (flag_at(step, "critical") ? ", critical" : "");
    if (const auto option = text_at(step, "option"); !option.empty())
      tail += ", option " + option + (flag_at(step, "needed") ? "" : " (not chosen)");
    if (const auto state = text_at(step, "state"); state != "open" && state != "done") tail += ", " + state;
    const auto ended = time_at(step, "ended_at");
    if (closed(step) && ended) tail += ", " + clock_text(*ended, page.now);
    if (const auto by = text_at(step, "by"); !by.empty())
      tail += flag_at(step, "against_evidence") ? ", said by " + by + ", against what drwatch sees" : " by " + by;
    if (!closed(step) && !flag_at(step, "ready") && text_at(step, "kind") != "verified")
      tail += ", after " + joined(list_at(step, "after"));
    page.line("  " + page.paint(mark_ink(step), mark(step)) + " " + one_line(text_at(step, "title")) + page.paint(Ink::dim, tail));
    if (const auto note = one_line(text_at(step, "note")); !note.empty()) page.line("        \"" + note + "\"");
    verification(page, step);
    if (step.contains("run") && step["run"].is_object()) {
      if (const auto output = text_at(step["run"], "output"); !output.empty()) page.out += indented(output, "        | ");
    }
  }
}

void messages(Page& page) {
  const Json& list = list_at(page.incident, "messages");
  if (list.empty()) return;
  page.section("Messages");
  Columns columns;
  for (const auto& each : list) {
    const std::string missing = joined(list_at(each, "missing"));
    columns.row({{text_at(each, "id")},
                 {"to " + text_at(each, "audience")},
                 {text_at(each, "state")},
                 {missing.empty() ? one_line(text_at(each, "subject")) : "cannot be sent, missing: " + missing,
                  missing.empty() ? Ink::dim : Ink::warn}});
  }
  page.out += columns.print(page.paint);
}

// What was written for who takes it, until that has happened.
void handover(Page& page) {
  const std::string summary = text_at(page.incident, "handover");
  if (text_at(page.incident, "handed_to").empty() || summary.empty()) return;
  page.section("Handed over with");
  page.out += indented(summary, "  ");
}

void timeline(Page& page) {
  const Json& list = list_at(page.incident, "timeline");
  if (list.empty()) return;
  page.section("Timeline");
  Columns columns;
  for (const auto& each : list) {
    if (text_at(each, "kind") == "incident.projected") continue;  // every few minutes: they would bury what people did
    const auto at = time_at(each, "at");
    const std::string by = text_at(each, "by");
    columns.row({{at ? clock_text(*at, page.now) : ""},
                 {text_at(each, "kind"), Ink::dim},
                 {one_line(text_at(each, "message")) + (by == "drwatch" || by.empty() ? "" : " (" + by + ")")}});
  }
  page.out += columns.print(page.paint);
}

}  // namespace

std::string incident_text(const Json& incident, Time now, const Paint& paint) {
  Page page{incident, paint, now, ""};
  head(page);
  because(page);
  next_steps(page);
  checklist(page);
  messages(page);
  handover(page);
  timeline(page);
  return page.out;
}

std::string restore_text(const Json& incident) {
  const auto said = time_at(incident, "bad_change_at");
  const Json& point = incident.contains("recovery_point") ? incident["recovery_point"] : incident;
  const auto at = time_at(point, "at");
  std::string text = text_at(incident, "id") + ": the bad change was made at " + (said ? time_text(*said) : "");
  if (!at) return text + "; no source can be restored to a moment before it";
  return text + "; restore to " + time_text(*at) + " by " + text_at(point, "source");
}

std::string message_text(const Json& message, const Paint& paint) {
  std::string out = paint(Ink::dim, "to " + text_at(message, "audience") + ", " + text_at(message, "state")) + "\n";
  if (const auto missing = joined(list_at(message, "missing")); !missing.empty())
    out += paint(Ink::warn, "cannot be sent, missing: " + missing) + "\n";
  return out + "Subject: " + one_line(text_at(message, "subject")) + "\n\n" + text_at(message, "body") + "\n";
}

}  // namespace drwatch::commands
