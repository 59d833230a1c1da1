// SPDX-License-Identifier: Apache-2.0
// A world in virtual time with Alertmanagers, receivers and commands that behave, or misbehave, as a test says.
#pragma once

#include "config/settings.hpp"
#include "daemon/log/log.hpp"
#include "daemon/recovery/alerts/alert.hpp"
#include "daemon/tasks/task_group.hpp"
#include "probes/seams/world.hpp"
#include "tests/simulation/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace drwatch::testing {

struct LogLine {
  Importance importance;
  std::string text;
};
class ListLog : public Log {
 public:
  void event(const Event& event) override { lines.push_back({importance(event), event.kind}); }
  void line(Importance i, const std::string& message, const std::map<std::string, std::string>&) override { lines.push_back({i, message}); }
  std::size_t count(const std::string& part) const;

  std::vector<LogLine> lines;
};

// What answers at one address.
struct FakeServer {
  enum class Mood { well, refuses, silent, fails };  // refuses: no connection; silent: never answers; fails: 500
  virtual ~FakeServer() = default;
  virtual HttpResponse answer(const HttpRequest& request, Time now) = 0;
  Mood mood = Mood::well;
  std::vector<HttpRequest> requests;
};

// Alertmanager's rules, as far as a client can see them: one bad alert answers 400 and the others are taken; a bad generatorURL answers 422
// and none is; a future end can't be shortened.
struct FakeAlertmanager : FakeServer {
  struct Held {
    Time starts, ends;
  };
  HttpResponse answer(const HttpRequest& request, Time now) override;
  bool firing(const std::string& name, Time now) const;
  std::vector<nlohmann::json> posts() const;  // the alerts of each POST

  std::map<std::map<std::string, std::string>, Held> alerts;
  std::string hates;          // refuses alerts of this name
  bool takes_none = false;    // 422 for a batch that has a hated one
  bool forgets = false;       // says 200 and keeps nothing
  std::size_t of_others = 0;  // alerts that it lists besides
};

struct FakeReceiver : FakeServer {
  HttpResponse answer(const HttpRequest& request, Time now) override;
  // "firing DrwatchIncident" for each notification taken, in order
  std::vector<std::string> taken;
  int status = 200;
};

class FakeWorld : public Http, public Exec, public Dice, public Resolver, public Net, public Postgres, public Files {
 public:
  FakeWorld();
  ~FakeWorld() override;
  World world();

  Task<Result<HttpResponse>> fetch(HttpRequest request, Phases& phases) override;
  Task<Result<ExecResult>> run(ExecRequest request) override;
  std::uint64_t roll() override { return 4; }
  Task<Result<Resolved>> resolve(std::string, Family, std::vector<std::string>) override;
  Task<Result<Connected>> connect(std::string, std::uint16_t, Family, std::optional<TlsSettings>, Phases&) override;
  Task<Result<std::unique_ptr<PgConnection>>> connect(Secret, Phases&) override;
  Task<Result<std::vector<FileEntry>>> list(std::string) override;
  Task<Result<std::string>> read(std::string, std::size_t) override;

  boost::asio::io_context loop;
  VirtualClock clock{loop};
  TaskGroup tasks;
  ListLog log;
  std::map<std::string, FakeServer*> servers;  // by how a URL begins
  std::vector<ExecRequest> commands;
  int exit_code = 0;
  std::vector<std::string> bugs;  // tasks that ended with an exception
};

Alert firing(const std::string& name, Time since, std::uint64_t order = 1, const std::string& severity = "critical");
Alert resolved(Alert alert, Time at, std::uint64_t order);
std::shared_ptr<Settings> alert_settings(std::vector<std::string> urls, std::vector<std::string> fallback = {});

}  // namespace drwatch::testing
