// SPDX-License-Identifier: Apache-2.0
// What every route can reach, and the routes' own forms. One file a topic fills the table in routes.cpp.
#pragma once

#include "daemon/desk.hpp"
#include "daemon/log/log.hpp"
#include "daemon/tasks/change.hpp"
#include "daemon/tasks/task_group.hpp"
#include "daemon/web/api/ping_keys.hpp"
#include "daemon/web/http/auth.hpp"
#include "daemon/web/http/message.hpp"
#include "daemon/web/http/renderer.hpp"
#include "daemon/web/moment.hpp"
#include "daemon/world/workers.hpp"

#include <map>
#include <memory>
#include <string>
#include <variant>

namespace drwatch::web {

// The answer to a request with an Idempotency-Key, where the daemon does not keep it (keyed.hpp).
struct KeyedAnswer {
  KeyedAnswer(const boost::asio::any_io_executor& loop, std::chrono::nanoseconds began, std::string request)
      : over(loop), at(began), of(std::move(request)) {}
  Change over;                  // it is there, or nobody is at it any more
  std::chrono::nanoseconds at;  // boottime
  std::string of;               // which request had the key
  SharedResponse answer;        // null: under way
};

struct Room {
  World world;
  Desk& desk;
  Log& log;
  ServerSettings server;
  Auth auth;
  PingKeys ping_keys;
  Moments moments;
  // For those who show no token; for those who do; for scrapes without one.
  Renderer open, known, scrapes;
  Workers reading;  // of bodies that take long

  Room(World w, Desk& d, Log& l, const ServerSettings& s)
      : world(w),
        desk(d),
        log(l),
        server(s),
        auth(s, nonce_of(w.dice)),
        moments(d),
        open(w.executor, {}),
        known(w.executor, {}),
        scrapes(w.executor, {8, 32}),
        reading(w.executor, 1) {}
  // What one client behind a trusted proxy reads at once, by its fair share; more is answered 429. Heartbeats, commands, `/healthz` and
  // event streams that are open count for nothing: a hundred jobs may call in at the same second.
  std::map<std::string, std::size_t> reads_under_way;
  std::size_t reads_of_a_client = 64;
  Renderer& renderer_for(const Caller& caller) { return caller.name.empty() ? open : known; }
  // How links begin: public_url, or the address that listens.
  std::string base_url;
  // Counts a request with a wrong token, and writes a line about it: at once, and then one a minute while they go on.
  void note_wrong_token(const Request& request);
  std::uint64_t wrong_tokens = 0;
  std::uint64_t wrong_tokens_told = 0;
  std::optional<std::chrono::nanoseconds> wrong_token_told_at;  // boottime

  // The newest event as the event streams send it.
  std::shared_ptr<const std::string> newest_event;
  std::uint64_t newest_event_seq = 0;
  std::map<std::string, std::shared_ptr<KeyedAnswer>> keyed_answers;
  std::shared_ptr<const Moment> moment() { return moments.now(world.clock.boottime(), base_url, wrong_tokens); }
};

struct Call {
  Request request;
  std::map<std::string, std::string> at;  // what {names} in the pattern matched
  Caller caller;
};

// What is asked often by who must not wait: made on the loop, in microseconds.
using Tells = Response (*)(Room&, const Call&);
// Everything that is read: made from a moment beside the loop, whatever it takes.
using Reads = Response (*)(const Moment&, const Call&);
// May wait: a command, a ping, the metrics.
using Acts = Task<SharedResponse> (*)(Room&, Call);

// Server::Admit: finds the row and admits the caller before the body is read.
std::variant<std::size_t, Response> admit(Room& room, const Request& head);

// Finds the row, admits the caller, answers.
Task<SharedResponse> respond(std::shared_ptr<Room> room, Request request);

// Server::Refuse: the same for people.
Response refused(Room& room, const Request& head, Response refusal);

// The rows of routes.cpp, as they are told of. `methods`: "GET HEAD"; `what`: a sentence in Markdown, which begins with the keys of the
// body.
struct RouteRow {
  std::string_view methods, pattern;
  Needs needs;
  std::string_view what;
};
std::vector<RouteRow> route_rows();
// ---- reference.cpp: docs/http.md, and docs/openapi.json for programs.
std::string http_reference();
std::string openapi_reference();

// For the acts: their own answer, and one that is made beside the loop from the moment after the act.
SharedResponse shared(Response response);
Task<SharedResponse> rendered(Room& room, const Caller& caller, std::function<Response(const Moment&)> make);
// The same for a command that was done: it is never told that drwatch is busy.
Task<SharedResponse> answered(Room& room, const Caller& caller, std::function<Response(const Moment&)> make);

// ---- reading (reading.cpp)
Response tell_health(Room&, const Call&);
Response tell_readiness(Room&, const Call&);
Response read_status(const Moment&, const Call&);
Response read_components(const Moment&, const Call&);
Response read_probes(const Moment&, const Call&);
Response read_probe(const Moment&, const Call&);
Response read_incidents(const Moment&, const Call&);
Response read_incident(const Moment&, const Call&);
Response read_report(const Moment&, const Call&);
Response read_scenarios(const Moment&, const Call&);
Response read_scenario(const Moment&, const Call&);
Response read_drills(const Moment&, const Call&);
Response read_drill(const Moment&, const Call&);
Response read_drill_report(const Moment&, const Call&);
Response read_drill_calendar(const Moment&, const Call&);
Response read_maintenance(const Moment&, const Call&);
Response read_signals(const Moment&, const Call&);
Response read_alerts(const Moment&, const Call&);
// ---- events.cpp
Task<SharedResponse> read_events(Room&, Call);
std::string event_reference();  // a chapter of docs/http.md
// ---- pages.cpp
Response page_overview(const Moment&, const Call&);
Response page_incident(const Moment&, const Call&);
Response page_runbook(const Moment&, const Call&);
Response page_drills(const Moment&, const Call&);
Response page_scenario(const Moment&, const Call&);
Response page_probe(const Moment&, const Call&);
Response page_incidents(const Moment&, const Call&);
Task<SharedResponse> page_events(Room&, Call);
Response page_component(const Moment&, const Call&);
Response page_report(const Moment&, const Call&);
Response page_badge(const Moment&, const Call&);
Response tell_asset(Room&, const Call&);
Response page_login(Room&, const Call&);
Task<SharedResponse> sign_in(Room&, Call);
Task<SharedResponse> sign_out(Room&, Call);
// A form of the page: what the API does with it, and back to the page.
Task<SharedResponse> work_on_incident(Room&, Call);
Task<SharedResponse> work_on_drills(Room&, Call);
// ---- metrics_page.cpp
Task<SharedResponse> metrics_page(Room&, Call);
// ---- ping.cpp
Task<SharedResponse> ping(Room&, Call);
// ---- commands.cpp
Task<SharedResponse> open_incident(Room&, Call);
Task<SharedResponse> acknowledge(Room&, Call);
Task<SharedResponse> act_on_step(Room&, Call);
Task<SharedResponse> add_note(Room&, Call);
Task<SharedResponse> act_on_message(Room&, Call);
Task<SharedResponse> resolve(Room&, Call);
Task<SharedResponse> reopen(Room&, Call);
Task<SharedResponse> hand_over(Room&, Call);
Task<SharedResponse> take_over(Room&, Call);
Task<SharedResponse> refile(Room&, Call);
Task<SharedResponse> correct_start(Room&, Call);
Task<SharedResponse> say_bad_change(Room&, Call);
Task<SharedResponse> set_signal(Room&, Call);
Task<SharedResponse> start_maintenance(Room&, Call);
Task<SharedResponse> end_maintenance(Room&, Call);
// ---- copies.cpp
Task<SharedResponse> export_incident(Room&, Call);
Task<SharedResponse> copy_journal(Room&, Call);
Response tell_output(Room&, const Call&);
// ---- drills.cpp
Task<SharedResponse> start_drill(Room&, Call);
Task<SharedResponse> finish_drill(Room&, Call);
Task<SharedResponse> abort_drill(Room&, Call);
Task<SharedResponse> hold_drills(Room&, Call);
Task<SharedResponse> release_drills(Room&, Call);
Task<SharedResponse> record_drill(Room&, Call);
// ---- deeds.cpp
Task<SharedResponse> run_probe(Room&, Call);
Task<SharedResponse> acknowledge_probe(Room&, Call);
Task<SharedResponse> test_alert(Room&, Call);
Task<SharedResponse> reload(Room&, Call);
Task<SharedResponse> alertmanager_webhook(Room&, Call);

// 404 with the nearest of `known`: "no incident has the id 'x'; did you mean 'y'?".
Response not_found(std::string_view what, const std::string& name, const std::vector<std::string>& known);

}  // namespace drwatch::web
