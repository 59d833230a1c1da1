// SPDX-License-Identifier: Apache-2.0
// drwatch drill: the calendar, and the drills themselves.
#include "daemon/commands/client.hpp"
#include "daemon/commands/render.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>

namespace drwatch::commands {

namespace {

std::optional<Duration> duration_of(const std::string& text, const char* option) {
  if (text.empty()) return std::nullopt;
  const auto duration = parse_duration(text);
  if (!duration) throw CommandRefused("'" + text + "' is not a duration; write " + option + " 1h30m");
  return duration;
}

constexpr std::size_t most_evidence = 64 * 1024;  // bytes

Json evidence_in(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw CommandRefused("cannot read " + file + "; name the file that drwatch-restore-drill --evidence wrote");
  std::string text(most_evidence + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > most_evidence) throw CommandRefused(file + " is larger than 64 KiB; it is not the evidence of a drill");
  Json document = Json::parse(text, nullptr, false);
  if (!document.is_object())
    throw CommandRefused(file + " holds no JSON object; name the file that drwatch-restore-drill --evidence wrote");
  return document;
}

std::string ids_of(const std::vector<const Json*>& drills) {
  std::string ids;
  for (const Json* drill : drills) ids += (ids.empty() ? "" : ", ") + text_at(*drill, "id");
  return ids;
}

// The id that is meant: itself, a beginning that fits no other, or a scenario (of the drill that is held, else of its newest: that one is
// over already, which `over` tells).
std::string meant(Client& client, const std::string& said, bool* over = nullptr) {
  const Json document = client.get("/api/v1/drills?limit=1000");
  std::vector<const Json*> begins, held, of_scenario;
  for (const auto& drill : list_at(document, "drills")) {
    const std::string id = text_at(drill, "id");
    if (id.empty()) continue;
    if (id == said) return id;
    const bool open = text_at(drill, "state") == "open";
    if (open) held.push_back(&drill);
    if (!said.empty() && id.starts_with(said)) begins.push_back(&drill);
    if (text_at(drill, "scenario") == said) of_scenario.push_back(&drill);
  }
  if (said.empty() && held.size() == 1) return text_at(*held.front(), "id");
  if (said.empty())
    throw CommandRefused(held.empty() ? "no drill is held now; drwatch drill list shows what was" : "which one? held now: " + ids_of(held));
  if (!of_scenario.empty()) {  // what is held stands first, then the newest
    if (over) *over = text_at(*of_scenario.front(), "state") != "open";
    return text_at(*of_scenario.front(), "id");
  }
  if (begins.size() == 1) return text_at(*begins.front(), "id");
  if (begins.size() > 1) throw CommandRefused("'" + said + "' fits " + ids_of(begins) + "; write more of it");
  return said;  // the daemon says what there is
}

std::string path_of_drill(const std::string& id, const char* rest) { return "/api/v1/drills/" + path_element(id) + rest; }

Json noted(const DrillOptions& options, Json body = Json::object()) {
  if (!options.note.empty()) body["note"] = options.note;
  return body;
}

std::string durable_words(const Json& answer) {
  return answer.contains("durable") && !flag_at(answer, "durable")
             ? "drwatch's journal does not keep up: this may be lost if drwatch stops now\n"
             : "";
}

std::string how_it_ended(const Json& drill) {
  std::string text = text_at(drill, "id") + " " + text_at(drill, "state");
  if (const auto took = number_at(drill, "recovery_seconds")) text += ", took " + words(*took);
  if (const auto lost = number_at(drill, "data_loss_seconds")) text += ", lost " + words(*lost) + " of data";
  if (const std::string reason = one_line(text_at(drill, "reason")); !reason.empty()) text += ": " + reason;
  return text + "\n";
}

std::string standing_of_calendar(const Json& drill) {
  const auto due = time_at(drill, "due_at");
  if (!due) return "none planned";
  const std::string state = text_at(drill, "state"), day = time_text(*due).substr(0, 10);
  if (flag_at(drill, "overdue")) return "overdue since " + day;
  return (state == "due" ? "due since " : state == "soon" ? "due soon, " : "due ") + day;
}

}  // namespace

int drill_list(const DrillOptions& options) {
  Client client(options.client);
  if (options.client.json) {
    client.printed_as_json(client.get("/api/v1/drills?limit=1000"));
    return 0;
  }
  const Json document = client.get("/api/v1/status");
  const Json drills = client.get("/api/v1/drills?state=open");
  const Paint paint = Paint::for_output();
  std::string out;
  for (const auto& drill : list_at(drills, "drills"))
    out += paint(Ink::bold, "DRILL held now: ") + text_at(drill, "id") + " (" + text_at(drill, "type") + "), begun by " +
           one_line(text_at(drill, "opened_by")) + "; drwatch incident show " + text_at(drill, "id") + " prints its steps\n";
  Columns columns;
  for (const auto& scenario : list_at(document, "scenarios")) {
    if (!scenario.contains("drill") || !scenario["drill"].is_object()) continue;
    const Json& drill = scenario["drill"];
    const auto last = time_at(drill, "last_success_at"), failed = time_at(drill, "failed_at");
    const std::string standing = text_at(scenario, "standing"), state = text_at(drill, "state");
    const bool pressing = flag_at(drill, "overdue") || state == "due" || state == "soon";
    columns.row({{text_at(scenario, "scenario"), Ink::bold},
                 {standing, paint.standing(standing)},
                 {failed ? "failed " + time_text(*failed).substr(0, 10)
                  : last ? "last passed " + time_text(*last).substr(0, 10)
                         : "never drilled",
                  failed ? Ink::bad : Ink::plain},
                 {standing_of_calendar(drill), pressing ? Ink::warn : Ink::dim}});
  }
  print(out + columns.print(paint));
  return 0;
}

int drill_start(const DrillOptions& options) {
  Client client(options.client);
  Json body = noted(options, Json{{"scenario", options.scenario}});
  if (!options.type.empty()) body["type"] = options.type;
  const Json answer = client.post("/api/v1/drills", body);
  if (client.printed_as_json(answer)) return 0;
  const std::string id = text_at(answer, "id"), verdict = text_at(answer, "verdict");
  if (!verdict.empty()) {
    print(how_it_ended(answer) + durable_words(answer));
    return 0;
  }
  print("DRILL: " + id + " is " + text_at(answer, "state") + " (" + text_at(answer, "type") + "); drwatch incident show " + id +
        " prints what to do, drwatch drill finish " + id + " ends it\n" + durable_words(answer));
  return 0;
}

namespace {
// Ends the drill that is meant, and tells how it ended; of one that had ended before, that none is held.
int end_drill(const DrillOptions& options, const char* how, const Json& body) {
  Client client(options.client);
  bool over = false;
  const std::string id = meant(client, options.id, &over);
  const Json answer = client.post(path_of_drill(id, how), body);
  if (!client.printed_as_json(answer))
    print((over ? "no drill of " + options.id + " is held now; " : "") + how_it_ended(answer) + durable_words(answer));
  return 0;
}
}  // namespace

int drill_finish(const DrillOptions& options) {
  Json body = noted(options, Json{{"failed", options.failed}});
  if (const auto lost = duration_of(options.lost, "--lost")) body["lost_seconds"] = in_seconds(*lost);
  return end_drill(options, "/finish", body);
}

int drill_abort(const DrillOptions& options) { return end_drill(options, "/abort", noted(options)); }

int drill_report(const DrillOptions& options) {
  Client client(options.client);
  const std::string path = path_of_drill(meant(client, options.id), "/report");
  if (options.client.json) {
    client.printed_as_json(client.get(path + "?format=json"));
    return 0;
  }
  const std::string report = client.text(path);
  print(report.ends_with('\n') ? report : report + "\n");
  return 0;
}

int drill_hold(const DrillOptions& options) {
  Client client(options.client);
  const Json answer = client.post("/api/v1/drills/hold", noted(options));
  if (!client.printed_as_json(answer)) print("drills are on hold; drwatch drill release lets them begin again\n" + durable_words(answer));
  return 0;
}

int drill_release(const DrillOptions& options) {
  Client client(options.client);
  const Json answer = client.post("/api/v1/drills/release", noted(options));
  if (!client.printed_as_json(answer)) print("drills may begin again\n" + durable_words(answer));
  return 0;
}

int drill_record(const DrillOptions& options) {
  Json body{{"scenario", options.scenario}};
  if (options.failed) body["failed"] = true;
  if (const auto took = duration_of(options.took, "--took")) body["took_seconds"] = in_seconds(*took);
  if (const auto lost = duration_of(options.lost, "--lost")) body["lost_seconds"] = in_seconds(*lost);
  if (!options.type.empty()) body["type"] = options.type;
  if (!options.note.empty()) body["note"] = options.note;
  if (!options.evidence.empty()) body["evidence"] = evidence_in(options.evidence);
  Client client(options.client);
  const Json answer = client.post("/api/v1/drills/record", body);
  if (client.printed_as_json(answer)) return 0;
  if (answer.contains("recorded") && answer["recorded"].is_object()) print(how_it_ended(answer["recorded"]));
  print(options.scenario + " is " + text_at(answer, "standing") + ": " + one_line(text_at(answer, "message")) + "\n");
  return 0;
}

}  // namespace drwatch::commands
