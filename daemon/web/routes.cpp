// SPDX-License-Identifier: Apache-2.0
// The visible table: a route is a row.
#include "config/rows/document.hpp"
#include "daemon/web/http/peers.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/room.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <set>
#include <string_view>
#include <variant>

namespace drwatch::web {
namespace {

struct Row {
  std::string_view methods;  // "GET HEAD"
  std::string_view pattern;  // {name}: one path element, kept under that name
  Needs needs;
  std::variant<Tells, Reads, Acts> does;
  std::string_view what;  // in docs/http.md
  std::size_t body = 0;   // bytes that its body may have; 0: as usual (Limits)
  bool form = false;      // of a page: a browser's session may send it
};

constexpr std::string_view get = "GET HEAD", post = "POST", any = "GET HEAD POST";

const Row table[] = {
    {get, "/metrics", Needs::figures, metrics_page, "metrics, in Prometheus' text format (`docs/metrics.md`)"},
    {get, "/healthz", Needs::nothing, tell_health, "200: the loop turns"},
    {get, "/readyz", Needs::nothing, tell_readiness,
     "200 when every active probe has run since the start; 503 with the names of the others"},
    {any, "/ping/{key}", Needs::nothing, ping, "a job calls in: it succeeded"},
    {any, "/ping/{key}/{what}", Needs::nothing, ping, "`start`, `fail`, `log` or an exit code"},

    {get, "/login", Needs::nothing, page_login, "page: signing in with a token; `?next=` is where it leads, a path of drwatch's"},
    {post, "/login", Needs::nothing, sign_in, "its form: a session of 12 hours, in a cookie; a wrong token is answered a second later"},
    {post, "/logout", Needs::nothing, sign_out, "a form: ends the session in this browser"},
    {get, "/assets/{file}", Needs::nothing, tell_asset, "the style, the script and the icons of the pages, named by their content"},
    {get, "/", Needs::reading, page_overview,
     "page: how things stand; `?find=WORDS` and `?health=` (`up`, `degraded`, `down`, `unknown`, `not-up`): those components alone"},
    {get, "/incidents/{id}", Needs::reading, page_incident, "page: an incident, its clock and its checklist"},
    {post, "/incidents/{id}", Needs::responder, work_on_incident,
     "its forms: what the API's commands do, for a session (with the form's token) or a bearer token; 303 back to the page", 256 << 10,
     true},
    {get, "/incidents/{id}/report", Needs::reading, page_report, "page: the report of an incident or a drill, to print"},
    {get, "/incidents", Needs::reading, page_incidents, "page: every incident, by month; `?before=` an id: older ones"},
    {get, "/events", Needs::reading, page_events, "page: the record; `?kind=`, `?incident=`, `?component=`"},
    {get, "/components/{component}", Needs::reading, page_component, "page: one component"},
    {get, "/badges/{badge}", Needs::reading, page_badge,
     "`COMPONENT.svg`: its health as a picture; unknown when nobody has looked for three rounds"},
    {get, "/runbook", Needs::reading, page_runbook, "page: every scenario"},
    {get, "/drills", Needs::reading, page_drills, "page: what drills have shown, and which are due"},
    {post, "/drills", Needs::responder, work_on_drills, "its form: begins a drill, as the API does; 303 to its page", 0, true},
    {get, "/drills/{id}", Needs::reading, page_incident, "page: a drill and its checklist"},
    {post, "/drills/{id}", Needs::responder, work_on_incident, "its forms: as those of an incident, and its end", 256 << 10, true},
    {get, "/drills/{id}/report", Needs::reading, page_report, "page: the record of a drill, to print"},
    {get, "/runbook/{scenario}", Needs::reading, page_scenario, "page: one scenario"},
    {get, "/probes/{name}", Needs::reading, page_probe, "page: one probe and its newest runs"},

    {get, "/api/v1/status", Needs::reading, read_status, "all that `/` shows"},
    {get, "/api/v1/components", Needs::reading, read_components, "the components, their health, exposures and objectives"},
    {get, "/api/v1/probes", Needs::reading, read_probes, "the probes and their last outcomes"},
    {get, "/api/v1/probes/{name}", Needs::reading, read_probe, "one probe with its newest runs and failures"},
    {post, "/api/v1/probes/{name}/run", Needs::responder, run_probe,
     "runs it now and answers with the outcome; takes no `Idempotency-Key`: each request is answered with a run that began after it"},
    {post, "/api/v1/probes/{name}/acknowledge", Needs::responder, acknowledge_probe,
     "`{note}`: somebody has looked at what it has latched"},
    {get, "/api/v1/incidents", Needs::reading, read_incidents,
     "the incidents: those that are not over, the worst and newest first, then the others, newest first; `?state=`"},
    {post, "/api/v1/incidents", Needs::responder, open_incident, "`{scenario, note}`: opens one by hand"},
    {get, "/api/v1/incidents/{id}", Needs::reading, read_incident, "one incident, whole"},
    {get, "/api/v1/incidents/{id}/report", Needs::reading, read_report,
     "the draft of its post-mortem, in Markdown; `?format=json`: its facts"},
    {"GET", "/api/v1/incidents/{id}/export", Needs::responder, export_incident,
     "its events, and all between them, with their chain: a file for `drwatch journal verify` and `show`"},
    {"GET", "/api/v1/incidents/{id}/steps/{step}/output", Needs::reading, tell_output,
     "what the step's command has printed; `?after=BYTES`: what came since"},
    {"GET", "/api/v1/journal", Needs::admin, copy_journal, "a consistent copy of the whole journal: a file"},
    {post, "/api/v1/incidents/{id}/ack", Needs::responder, acknowledge, "`{note}`: somebody has taken it"},
    {post, "/api/v1/incidents/{id}/steps/{step}", Needs::responder, act_on_step,
     "`{action, note, force}`: works on a step; against what drwatch sees only with both"},
    {post, "/api/v1/incidents/{id}/notes", Needs::responder, add_note, "`{text}`: a line for the timeline"},
    {post, "/api/v1/incidents/{id}/messages/{message}", Needs::responder, act_on_message,
     "`{action}`: approves a message, or says that it was sent"},
    {post, "/api/v1/incidents/{id}/resolve", Needs::responder, resolve, "`{force, false_alarm, note}`: the work is done"},
    {post, "/api/v1/incidents/{id}/reopen", Needs::responder, reopen, "`{note}`: it was not over"},
    {post, "/api/v1/incidents/{id}/handover", Needs::responder, hand_over,
     "`{to, note}`: hands it to another person, with a summary of what is open; theirs when they take it"},
    {post, "/api/v1/incidents/{id}/take", Needs::responder, take_over, "`{note}`: takes what was handed over, or what somebody else has"},
    {post, "/api/v1/incidents/{id}/refile", Needs::responder, refile, "`{scenario, note}`: files it under another scenario"},
    {post, "/api/v1/incidents/{id}/bad-change", Needs::responder, say_bad_change,
     "`{at, note}`: when the change was made that has to be undone"},
    {post, "/api/v1/incidents/{id}/start-time", Needs::responder, correct_start, "`{at, note}`: corrects when it began"},
    {get, "/api/v1/scenarios", Needs::reading, read_scenarios, "the scenarios and how they stand"},
    {get, "/api/v1/scenarios/{scenario}", Needs::reading, read_scenario, "one scenario, whole"},
    {get, "/api/v1/drills", Needs::reading, read_drills,
     "the drills: those that are held, those that are due or planned, then those that were, newest first; `?state=`, `?scenario=`"},
    {post, "/api/v1/drills", Needs::responder, start_drill, "`{scenario, type, note}`: begins one"},
    {post, "/api/v1/drills/record", Needs::responder, record_drill,
     "`{scenario, took, lost, failed, type, note}`: a drill that took place; with `evidence`, the document that a restore drill left, that "
     "decides"},
    {post, "/api/v1/drills/hold", Needs::responder, hold_drills, "`{note}`: aborts those that are held, and lets none begin"},
    {post, "/api/v1/drills/release", Needs::responder, release_drills, "`{note}`: lets them begin again"},
    {get, "/api/v1/drills/{id}", Needs::reading, read_drill, "one drill, whole"},
    {get, "/api/v1/drills/{id}/report", Needs::reading, read_drill_report, "its record, in Markdown; `?format=json` as facts"},
    {post, "/api/v1/drills/{id}/ack", Needs::responder, acknowledge, "`{note}`: somebody leads it"},
    {post, "/api/v1/drills/{id}/steps/{step}", Needs::responder, act_on_step, "`{action, note}`: works on a step; a person ticks freely"},
    {post, "/api/v1/drills/{id}/notes", Needs::responder, add_note, "`{text}`: a line for the timeline"},
    {post, "/api/v1/drills/{id}/messages/{message}", Needs::responder, act_on_message,
     "`{action}`: as for an incident; what is for people outside is refused"},
    {post, "/api/v1/drills/{id}/finish", Needs::responder, finish_drill,
     "`{failed, lost, note}`: it is over; what it took is measured from its beginning to its last critical step"},
    {post, "/api/v1/drills/{id}/abort", Needs::responder, abort_drill, "`{note}`: ends it at once; it proves nothing"},
    {get, "/drills.ics", Needs::reading, read_drill_calendar, "when drills are due, as a calendar to subscribe to (iCalendar)"},
    {get, "/api/v1/signals", Needs::reading, read_signals, "the declared signals"},
    {post, "/api/v1/signals/{name}", Needs::responder, set_signal,
     "`{state, note, force}`: `raised` or `clear`; with `force` also what alerts raise"},
    {get, "/api/v1/maintenance", Needs::reading, read_maintenance, "what runs now"},
    {post, "/api/v1/maintenance", Needs::responder, start_maintenance,
     "`{components, for, note}`: begins one; places and sets stand for all components in them"},
    {post, "/api/v1/maintenance/{id}/end", Needs::responder, end_maintenance, "ends it now"},
    {get, "/api/v1/alerts", Needs::reading, read_alerts, "the alerts as they should stand"},
    {post, "/api/v1/alerts/test", Needs::responder, test_alert, "sends a test alert everywhere and reads it back"},
    {post, "/api/v1/alertmanager", Needs::responder, alertmanager_webhook,
     "an Alertmanager's webhook: alerts with a label `drwatch_signal` become signals; a body of 4 MiB, 1000 alerts; takes no "
     "`Idempotency-Key`: the "
     "same again changes nothing",
     4 << 20},
    {get, "/api/v1/events", Needs::reading, read_events,
     "the newest events; `?after=`; with `Accept: text/event-stream` all that come, `Last-Event-ID` resumes"},
    {post, "/api/v1/reload", Needs::reloading, reload,
     "reads the configuration again; takes no `Idempotency-Key`: again, it reads what the files say then"},
};

// Element by element; fills `at`.
bool matches(std::string_view pattern, const std::vector<std::string>& segments, std::map<std::string, std::string>& at) {
  at.clear();
  std::string_view rest = pattern.substr(1);
  for (const auto& segment : segments) {
    const auto end = rest.find('/');
    const auto part = rest.substr(0, end);
    if (part.empty()) return false;
    if (part.front() == '{') {
      if (segment.empty()) return false;
      at[std::string(part.substr(1, part.size() - 2))] = segment;
    } else if (part != segment) {
      return false;
    }
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return rest.empty();
}

bool takes(const Row& row, std::string_view method) {
  std::string_view rest = row.methods;
  while (!rest.empty()) {
    const auto end = rest.find(' ');
    if (rest.substr(0, end) == method) return true;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return false;
}

std::string plain_path(const Request& request) {
  std::string path;
  for (const auto& segment : request.segments) path += "/" + segment;
  return path.empty() ? "/" : path;
}

Response no_such_path(const Request& request) {
  std::vector<std::string> known;
  for (const auto& row : table) known.emplace_back(row.pattern);
  return not_found("path", plain_path(request).substr(0, 200), known);
}

Response wrong_method(const std::string& method, const std::set<std::string_view>& allowed) {
  std::string allow;
  for (const auto methods : allowed) {
    std::string list(methods);
    for (std::size_t space = 0; (space = list.find(' ', space)) != std::string::npos; space += 2) list.replace(space, 1, ", ");
    allow += (allow.empty() ? "" : ", ") + list;
  }
  Response response = problem(405, "wrong method", method.substr(0, 32) + " is not done here; use " + allow);
  response.headers.emplace_back("Allow", allow);
  return response;
}

}  // namespace

Response not_found(std::string_view what, const std::string& name, const std::vector<std::string>& known) {
  std::string detail = "there is no " + std::string(what) + " '" + name + "'";
  const auto near = config::nearest(name, known);
  if (near) detail += "; did you mean '" + *near + "'?";
  return problem(404, "not found", detail, near ? std::vector<std::string>{*near} : std::vector<std::string>{});
}

std::vector<RouteRow> route_rows() {
  std::vector<RouteRow> rows;
  for (const Row& row : table) rows.push_back({row.methods, row.pattern, row.needs, row.what});
  return rows;
}

SharedResponse shared(Response response) { return std::make_shared<const Response>(std::move(response)); }

namespace {

Task<SharedResponse> read(Room& room, Reads reads, Call call) {
  Renderer& renderer = room.renderer_for(call.caller);
  // What is read depends on nothing else of the request; a page says to whom it is shown.
  std::string key = call.request.target + "\n" + call.caller.session;
  Renderer::Prepare prepare = [&room, reads, call = std::make_shared<const Call>(std::move(call))] {
    return [moment = room.moment(), reads, call] { return reads(*moment, *call); };
  };
  co_return co_await renderer.make(std::move(key), std::move(prepare));
}

}  // namespace

namespace {

Renderer::Prepare from_moment(Room& room, std::function<Response(const Moment&)> make) {
  return [&room, make = std::move(make)] { return [moment = room.moment(), make] { return make(*moment); }; };
}

}  // namespace

Task<SharedResponse> rendered(Room& room, const Caller& caller, std::function<Response(const Moment&)> make) {
  co_return co_await room.renderer_for(caller).make("", from_moment(room, std::move(make)));
}
Task<SharedResponse> answered(Room& room, const Caller& caller, std::function<Response(const Moment&)> make) {
  co_return co_await room.renderer_for(caller).make_at_once(from_moment(room, std::move(make)));
}

void Room::note_wrong_token(const Request& request) {
  ++wrong_tokens;
  const auto now = world.clock.boottime();
  if (wrong_token_told_at && now - *wrong_token_told_at < minutes{1}) return;
  const std::uint64_t since = wrong_tokens - wrong_tokens_told;
  log.line(Importance::warning,
           (since == 1 ? "a request with a wrong token" : std::to_string(since) + " requests with a wrong token, the newest") +
               std::string(" from ") + (request.client.empty() ? request.peer : request.client + " (by way of " + request.peer + ")") +
               " for " + request.method.substr(0, 16) + " " + plain_path(request).substr(0, 200) +
               "; look for who has an old one, or for who guesses");
  wrong_tokens_told = wrong_tokens;
  wrong_token_told_at = now;
}

namespace {

// nullptr: there is none; `allowed` has the methods of those with that path.
const Row* route_of(const Request& request, std::map<std::string, std::string>& at, std::set<std::string_view>& allowed) {
  for (const auto& each : table) {
    if (!matches(each.pattern, request.segments, at)) continue;
    if (takes(each, request.method)) return &each;
    allowed.insert(each.methods);
  }
  return nullptr;
}

}  // namespace

namespace {

// The same answer for people: a problem is a page, and who is missing a token is asked for one.
Response for_people(Room& room, const Request& request, const Response& wrong) {
  if (wrong.status == 401 && !request.header("authorization")) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    return see_other(login_path(reads ? request.target : plain_path(request), !reads));
  }
  Frame frame;
  frame.here = request.target;
  if (const auto who = room.auth.in_session(request, room.world.clock.now())) frame.caller = *who;
  return problem_page(frame, request, wrong);
}

bool is_problem(const Response& response) { return response.status >= 400 && response.type == "application/problem+json"; }

}  // namespace

Response refused(Room& room, const Request& head, Response refusal) {
  return is_problem(refusal) && wants_page(head) ? for_people(room, head, refusal) : std::move(refusal);
}

std::variant<std::size_t, Response> admit(Room& room, const Request& head) {
  std::map<std::string, std::string> at;
  std::set<std::string_view> allowed;
  const Row* row = route_of(head, at, allowed);
  if (!row) return std::size_t{0};
  auto admitted = room.auth.admit(head, row->needs, room.world.clock.now(), row->form);
  auto* refusal = std::get_if<Response>(&admitted);
  if (!refusal) return row->body;
  if (refusal->held > Duration{0}) room.note_wrong_token(head);
  return wants_page(head) ? for_people(room, head, *refusal) : std::move(*refusal);
}

namespace {

// One of a client's reads, for as long as it lives.
struct UnderWay {
  std::map<std::string, std::size_t>& all;
  std::string client;
  UnderWay(std::map<std::string, std::size_t>& a, std::string c) : all(a), client(std::move(c)) {
    if (!client.empty()) ++all[client];
  }
  ~UnderWay() {
    if (const auto its = all.find(client); its != all.end() && --its->second == 0) all.erase(its);
  }
  UnderWay(const UnderWay&) = delete;
  std::size_t count() const { return client.empty() ? 0 : all.at(client); }
};

Response too_many() {
  Response refused = problem(429, "too many requests", "this client reads as much at once as it may; ask again when an answer has come");
  refused.headers.emplace_back("Retry-After", "1");
  return refused;
}

}  // namespace

namespace {

Task<SharedResponse> answer(std::shared_ptr<Room> room, Request request) {
  Call call;
  std::set<std::string_view> allowed;
  const Row* row = route_of(request, call.at, allowed);
  if (!row && !allowed.empty()) co_return shared(wrong_method(request.method, allowed));
  if (!row) co_return shared(no_such_path(request));

  auto admitted = room->auth.admit(request, row->needs, room->world.clock.now(), row->form);
  if (auto* refusal = std::get_if<Response>(&admitted)) {
    if (refusal->held > Duration{0}) room->note_wrong_token(request);
    co_return shared(std::move(*refusal));
  }
  call.caller = std::get<Caller>(admitted);
  call.request = std::move(request);
  const bool only_reads = row->methods == get && !std::holds_alternative<Tells>(row->does);
  const UnderWay under_way(room->reads_under_way, only_reads ? fair_share_of_client(call.request) : "");
  if (under_way.count() > room->reads_of_a_client) co_return shared(too_many());

  // A bug in one answer is that answer's 500; cancellation goes on.
  try {
    if (const auto* tells = std::get_if<Tells>(&row->does)) co_return shared((*tells)(*room, call));
    if (const auto* reads = std::get_if<Reads>(&row->does)) co_return co_await read(*room, *reads, std::move(call));
    SharedResponse done = co_await std::get<Acts>(row->does)(*room, std::move(call));
    // A run or a ping may change what is shown without an event.
    if (row->methods != get) room->moments.forget();
    co_return done;
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    room->log.line(Importance::error, "answering " + std::string(row->pattern) + " failed: " + error.what());
  } catch (const std::exception& error) {
    room->log.line(Importance::error, "answering " + std::string(row->pattern) + " failed: " + error.what());
  }
  co_return shared(problem(500, "drwatch failed", "this is a bug in drwatch; its log says more"));
}

}  // namespace

Task<SharedResponse> respond(std::shared_ptr<Room> room, Request request) {
  if (!wants_page(request)) co_return co_await answer(std::move(room), std::move(request));
  // What a page about a problem is made of.
  Request head = request;
  head.body.clear();
  SharedResponse made = co_await answer(room, std::move(request));
  if (is_problem(*made)) made = shared(for_people(*room, head, *made));
  co_return made;
}

}  // namespace drwatch::web
