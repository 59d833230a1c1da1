// SPDX-License-Identifier: Apache-2.0
// The visible table: a route is a row.
#include "config/rows/document.hpp"
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
  std::variant<Reads, Acts> does;
};

constexpr std::string_view get = "GET HEAD", post = "POST", any = "GET HEAD POST";

const Row table[] = {
    {get, "/metrics", Needs::figures, metrics_page},
    {get, "/healthz", Needs::nothing, read_healthz},
    {get, "/readyz", Needs::nothing, read_readyz},
    {any, "/ping/{key}", Needs::nothing, ping},
    {any, "/ping/{key}/{what}", Needs::nothing, ping},

    {get, "/", Needs::reading, page_overview},
    {get, "/incidents/{id}", Needs::reading, page_incident},
    {get, "/runbook", Needs::reading, page_runbook},
    {get, "/drills", Needs::reading, page_drills},
    {get, "/runbook/{scenario}", Needs::reading, page_scenario},
    {get, "/probes/{name}", Needs::reading, page_probe},

    {get, "/api/v1/status", Needs::reading, read_status},
    {get, "/api/v1/components", Needs::reading, read_components},
    {get, "/api/v1/probes", Needs::reading, read_probes},
    {get, "/api/v1/probes/{name}", Needs::reading, read_probe},
    {post, "/api/v1/probes/{name}/run", Needs::responder, run_probe},
    {post, "/api/v1/probes/{name}/acknowledge", Needs::responder, acknowledge_probe},
    {get, "/api/v1/incidents", Needs::reading, read_incidents},
    {post, "/api/v1/incidents", Needs::responder, open_incident},
    {get, "/api/v1/incidents/{id}", Needs::reading, read_incident},
    {get, "/api/v1/incidents/{id}/report", Needs::reading, read_report},
    {post, "/api/v1/incidents/{id}/ack", Needs::responder, acknowledge},
    {post, "/api/v1/incidents/{id}/steps/{step}", Needs::responder, act_on_step},
    {post, "/api/v1/incidents/{id}/notes", Needs::responder, add_note},
    {post, "/api/v1/incidents/{id}/messages/{message}", Needs::responder, act_on_message},
    {post, "/api/v1/incidents/{id}/resolve", Needs::responder, resolve},
    {post, "/api/v1/incidents/{id}/reopen", Needs::responder, reopen},
    {post, "/api/v1/incidents/{id}/refile", Needs::responder, refile},
    {post, "/api/v1/incidents/{id}/bad-change", Needs::responder, say_bad_change},
    {post, "/api/v1/incidents/{id}/start-time", Needs::responder, correct_start},
    {get, "/api/v1/scenarios", Needs::reading, read_scenarios},
    {get, "/api/v1/scenarios/{scenario}", Needs::reading, read_scenario},
    {get, "/api/v1/drills", Needs::reading, read_drills},
    {post, "/api/v1/drills/record", Needs::responder, record_drill},
    {get, "/api/v1/signals", Needs::reading, read_signals},
    {post, "/api/v1/signals/{name}", Needs::responder, set_signal},
    {get, "/api/v1/maintenance", Needs::reading, read_maintenance},
    {post, "/api/v1/maintenance", Needs::responder, start_maintenance},
    {post, "/api/v1/maintenance/{id}/end", Needs::responder, end_maintenance},
    {get, "/api/v1/alerts", Needs::reading, read_alerts},
    {post, "/api/v1/alerts/test", Needs::responder, test_alert},
    {post, "/api/v1/alertmanager", Needs::responder, alertmanager_webhook},
    {get, "/api/v1/events", Needs::reading, read_events},
    {post, "/api/v1/reload", Needs::admin, reload},
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

Task<Response> respond(std::shared_ptr<Room> room, Request request) {
  Call call;
  std::set<std::string_view> allowed;
  const Row* row = nullptr;
  for (const auto& each : table) {
    if (!matches(each.pattern, request.segments, call.at)) continue;
    if (takes(each, request.method)) {
      row = &each;
      break;
    }
    allowed.insert(each.methods);
  }
  if (!row && !allowed.empty()) co_return wrong_method(request.method, allowed);
  if (!row) co_return no_such_path(request);

  auto admitted = room->auth.admit(request, row->needs);
  if (auto* refusal = std::get_if<Response>(&admitted)) co_return std::move(*refusal);
  call.caller = std::get<Caller>(admitted);
  call.request = std::move(request);

  // A bug in one answer is that answer's 500; cancellation goes on.
  try {
    if (const auto* reads = std::get_if<Reads>(&row->does)) co_return (*reads)(*room, call);
    co_return co_await std::get<Acts>(row->does)(*room, std::move(call));
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    room->log.line(Importance::error, "answering " + std::string(row->pattern) + " failed: " + error.what());
  } catch (const std::exception& error) {
    room->log.line(Importance::error, "answering " + std::string(row->pattern) + " failed: " + error.what());
  }
  co_return problem(500, "drwatch failed", "this is a bug in drwatch; its log says more");
}

}  // namespace drwatch::web
