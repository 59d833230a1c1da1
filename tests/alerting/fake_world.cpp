// SPDX-License-Identifier: Apache-2.0
#include "tests/alerting/fake_world.hpp"

#include "daemon/alerting/validate.hpp"

#include <algorithm>

// The simulation's clock; each test binary compiles what it uses of the others.
#include "tests/simulation/virtual_clock.cpp"  // NOLINT

namespace drwatch::testing {

using nlohmann::json;

std::size_t ListLog::count(const std::string& part) const {
  return static_cast<std::size_t>(std::ranges::count_if(lines, [&](const LogLine& l) { return l.text.find(part) != std::string::npos; }));
}

HttpResponse FakeAlertmanager::answer(const HttpRequest& request, Time now) {
  HttpResponse response;
  response.status = 200;
  if (request.method == "GET") {
    json listed = json::array();
    for (const auto& [labels, held] : alerts)
      if (held.ends > now) listed.push_back({{"labels", labels}, {"startsAt", time_text(held.starts)}});
    for (std::size_t i = 0; i < of_others; ++i)
      listed.push_back({{"labels", {{"alertname", "Other"}, {"n", std::to_string(i)}}}, {"startsAt", time_text(now)}});
    response.body = listed.dump();
    return response;
  }
  const json batch = json::parse(request.body);
  const auto bad = [&](const json& alert) {
    const bool link = alert.contains("generatorURL") && !good_generator_url(alert["generatorURL"].get<std::string>());
    return link || alert["labels"]["alertname"] == hates;
  };
  const bool any_bad = std::ranges::any_of(batch, bad);
  if (any_bad) response.status = takes_none ? 422 : 400;
  if (any_bad) response.body = takes_none ? R"({"code":601,"message":"validation failure list"})" : R"("invalid label set")";
  for (const json& alert : batch) {
    if (forgets || bad(alert) || (any_bad && takes_none)) continue;
    const auto labels = alert["labels"].get<std::map<std::string, std::string>>();
    Held held{*parse_time(alert["startsAt"].get<std::string>()), *parse_time(alert["endsAt"].get<std::string>())};
    const auto old = alerts.find(labels);
    if (old != alerts.end() && old->second.ends > held.starts && held.ends > now) held.ends = std::max(held.ends, old->second.ends);
    alerts[labels] = held;
  }
  return response;
}

bool FakeAlertmanager::firing(const std::string& name, Time now) const {
  return std::ranges::any_of(alerts, [&](const auto& entry) { return entry.first.at("alertname") == name && entry.second.ends > now; });
}

std::vector<json> FakeAlertmanager::posts() const {
  std::vector<json> bodies;
  for (const HttpRequest& request : requests)
    if (request.method == "POST") bodies.push_back(json::parse(request.body));
  return bodies;
}

HttpResponse FakeReceiver::answer(const HttpRequest& request, Time) {
  HttpResponse response;
  response.status = status;
  if (status == 200 && !request.body.empty()) {
    const json body = json::parse(request.body);
    taken.push_back(body["status"].get<std::string>() + " " + body["commonLabels"]["alertname"].get<std::string>());
  }
  return response;
}

FakeWorld::FakeWorld()
    : tasks(loop.get_executor(), [this](const std::string& name, std::exception_ptr error) {
        try {
          std::rethrow_exception(error);
        } catch (const std::exception& e) {
          bugs.push_back(name + ": " + e.what());
        }
      }) {}

FakeWorld::~FakeWorld() {
  tasks.cancel_all();
  clock.settle();
}

World FakeWorld::world() { return World{loop.get_executor(), clock, *this, *this, *this, *this, *this, *this, *this}; }

Task<Result<HttpResponse>> FakeWorld::fetch(HttpRequest request, Phases&) {
  const auto server = std::ranges::find_if(servers, [&](const auto& entry) { return request.url.starts_with(entry.first); });
  co_await clock.sleep_for(milliseconds(2));
  if (server == servers.end()) co_return Failure{Reason::dns, "NXDOMAIN", "no such name"};
  FakeServer& there = *server->second;
  if (there.mood == FakeServer::Mood::refuses) co_return Failure{Reason::connect, "ECONNREFUSED", "connection refused"};
  there.requests.push_back(request);
  if (there.mood == FakeServer::Mood::silent) co_await clock.sleep_for(hours(24));
  HttpResponse response;
  response.status = 500;
  if (there.mood == FakeServer::Mood::well) response = there.answer(request, clock.now());
  co_return response;
}

Task<Result<ExecResult>> FakeWorld::run(ExecRequest request) {
  commands.push_back(request);
  co_return ExecResult{exit_code, "", exit_code == 0 ? "" : "no modem\n"};
}

Failure not_here() { return Failure{Reason::internal, "", "not in this world"}; }
Task<Result<Resolved>> FakeWorld::resolve(std::string, Family, std::vector<std::string>) { co_return not_here(); }
Task<Result<Connected>> FakeWorld::connect(std::string, std::uint16_t, Family, std::optional<TlsSettings>, Phases&) {
  co_return not_here();
}
Task<Result<std::unique_ptr<PgConnection>>> FakeWorld::connect(Secret, Phases&) { co_return not_here(); }
Task<Result<std::vector<FileEntry>>> FakeWorld::list(std::string) { co_return not_here(); }
Task<Result<std::string>> FakeWorld::read(std::string, std::size_t) { co_return not_here(); }

Alert firing(const std::string& name, Time since, std::uint64_t order, const std::string& severity) {
  Alert alert;
  alert.labels = {{"alertname", name}, {"severity", severity}, {"scenario", "database-outage"}};
  alert.annotations = {{"summary", "The database is down"}, {"runbook_url", "https://drwatch.example.org/incidents/1"}};
  alert.starts_at = since;
  alert.order = order;
  return alert;
}

Alert resolved(Alert alert, Time at, std::uint64_t order) {
  alert.resolved_at = at;
  alert.order = order;
  return alert;
}

std::shared_ptr<Settings> alert_settings(std::vector<std::string> urls, std::vector<std::string> fallback) {
  auto settings = std::make_shared<Settings>();
  settings->server.public_url = "https://drwatch.example.org";
  settings->alertmanager.urls = std::move(urls);
  settings->alertmanager.fallback = std::move(fallback);
  ChannelSettings pager;
  pager.kind = "webhook";
  pager.url = Secret(Secret::From::plain, "", "http://pager.example/s3cret");
  settings->channels["pager"] = pager;
  ChannelSettings modem;
  modem.kind = "command";
  modem.command = {"/usr/bin/send-page", "--json"};
  settings->channels["modem"] = modem;
  return settings;
}

}  // namespace drwatch::testing
