// SPDX-License-Identifier: Apache-2.0
// What every route can reach, and the routes' own forms. One file a topic fills the table in routes.cpp.
#pragma once

#include "daemon/desk.hpp"
#include "daemon/log/log.hpp"
#include "daemon/tasks/task_group.hpp"
#include "daemon/web/api/ping_keys.hpp"
#include "daemon/web/http/auth.hpp"
#include "daemon/web/http/message.hpp"
#include "daemon/web/http/worker.hpp"

#include <map>
#include <memory>
#include <string>

namespace drwatch::web {

struct Room {
  World world;
  Desk& desk;
  Log& log;
  ServerSettings server;
  Auth auth;
  PingKeys ping_keys;
  Worker worker;  // beside the loop

  Room(World w, Desk& d, Log& l, const ServerSettings& s) : world(w), desk(d), log(l), server(s), auth(s), worker(w.executor) {}
  // How links begin: public_url, or the address that listens.
  std::string base_url;
};

struct Call {
  Request request;
  std::map<std::string, std::string> at;  // what {names} in the pattern matched
  Caller caller;
};

using Reads = Response (*)(Room&, const Call&);
using Acts = Task<Response> (*)(Room&, Call);  // may wait: a command, a ping, the metrics

// Finds the row, admits the caller, answers.
Task<Response> respond(std::shared_ptr<Room> room, Request request);

// ---- reading (reading.cpp)
Response read_healthz(Room&, const Call&);
Response read_readyz(Room&, const Call&);
Response read_status(Room&, const Call&);
Response read_components(Room&, const Call&);
Response read_probes(Room&, const Call&);
Response read_probe(Room&, const Call&);
Response read_incidents(Room&, const Call&);
Response read_incident(Room&, const Call&);
Response read_report(Room&, const Call&);
Response read_scenarios(Room&, const Call&);
Response read_scenario(Room&, const Call&);
Response read_drills(Room&, const Call&);
Response read_maintenance(Room&, const Call&);
Response read_signals(Room&, const Call&);
Response read_alerts(Room&, const Call&);
// ---- events.cpp
Response read_events(Room&, const Call&);
// ---- pages.cpp
Response page_overview(Room&, const Call&);
Response page_incident(Room&, const Call&);
Response page_runbook(Room&, const Call&);
Response page_drills(Room&, const Call&);
Response page_scenario(Room&, const Call&);
Response page_probe(Room&, const Call&);
// ---- metrics_page.cpp
Task<Response> metrics_page(Room&, Call);
// ---- ping.cpp
Task<Response> ping(Room&, Call);
// ---- commands.cpp
Task<Response> open_incident(Room&, Call);
Task<Response> acknowledge(Room&, Call);
Task<Response> act_on_step(Room&, Call);
Task<Response> add_note(Room&, Call);
Task<Response> act_on_message(Room&, Call);
Task<Response> resolve(Room&, Call);
Task<Response> reopen(Room&, Call);
Task<Response> refile(Room&, Call);
Task<Response> correct_start(Room&, Call);
Task<Response> say_bad_change(Room&, Call);
Task<Response> set_signal(Room&, Call);
Task<Response> start_maintenance(Room&, Call);
Task<Response> record_drill(Room&, Call);
Task<Response> end_maintenance(Room&, Call);
// ---- deeds.cpp
Task<Response> run_probe(Room&, Call);
Task<Response> acknowledge_probe(Room&, Call);
Task<Response> test_alert(Room&, Call);
Task<Response> reload(Room&, Call);
Task<Response> alertmanager_webhook(Room&, Call);

// 404 with the nearest of `known`: "no incident has the id 'x'; did you mean 'y'?".
Response not_found(std::string_view what, const std::string& name, const std::vector<std::string>& known);

}  // namespace drwatch::web
