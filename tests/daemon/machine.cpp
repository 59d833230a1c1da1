// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/machine.hpp"

#include <doctest/doctest.h>
#include <unistd.h>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace drwatch::testing {
namespace {

constexpr const char* main_file = R"(
[server]
listen = "127.0.0.1:9780"
workers = 2
[journal]
path     = "journal.db"
patience = "2s"
[recovery]
rto = "4h"
rpo = "1h"
[alertmanager]
urls   = ["http://127.0.0.1:9093"]
resend = "1m"
[defaults]
interval = "30s"
retry    = "10s"
timeout  = "10s"
[component.database]
[component.api]
[component.cron]
[probe.primary]
component = "database"
kind      = "tcp"
target    = "192.0.2.10:5432"
[probe.app]
component = "api"
kind      = "tcp"
target    = "192.0.2.11:443"
[probe.front]
component = "api"
kind      = "tcp"
target    = "192.0.2.12:443"
[probe.wal-archive]
component = "database"
kind      = "backup"
reads     = "pg_stat_archiver"
dsn       = "postgresql://192.0.2.10/postgres"
protects  = "database"
survives  = ["host", "logical"]
[probe.nightly]
component   = "cron"
kind        = "heartbeat"
period      = "6m"
start_grace = "4m"
key         = { file = "nightly.key" }
[scenarios]
path = "scenarios"
)";

constexpr const char* scenario_file = R"(
title    = "Database outage"
summary  = "The database takes no connections."
severity = "critical"
affects  = ["database"]
[trigger]
any = ["database is down"]
for = "1m"
[exit]
by  = "health"
for = "1m"
[[step]]
id       = "look"
title    = "Look at the server"
critical = true
[[step]]
id      = "restart"
title   = "Restart it"
run     = ["/usr/sbin/restart-database", "--now"]
after   = []
timeout = "5m"
)";

std::string read(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}
void write(const std::filesystem::path& file, const std::string& text) { std::ofstream(file) << text; }

}  // namespace

Configuration::Configuration() {
  static int made = 0;
  folder_ = std::filesystem::temp_directory_path() / ("drwatch-daemon-" + std::to_string(::getpid()) + "-" + std::to_string(++made));
  std::filesystem::create_directories(folder_ / "scenarios");
  write(folder_ / "drwatch.toml", main_file);
  write(folder_ / "nightly.key", "0123456789abcdef\n");
  write(folder_ / "scenarios" / "database-outage.toml", scenario_file);
}

Configuration::~Configuration() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Configuration::edit_file(const std::string& name, const std::string& from, const std::string& to) {
  std::string text = read(folder_ / name);
  auto at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("no '" + from + "' in " + name);
  write(folder_ / name, text.replace(at, from.size(), to));
}

void Configuration::edit(const std::string& from, const std::string& to) { edit_file("drwatch.toml", from, to); }
void Configuration::edit_scenario(const std::string& from, const std::string& to) { edit_file("scenarios/database-outage.toml", from, to); }
void Configuration::append(const std::string& text) { write(folder_ / "drwatch.toml", read(folder_ / "drwatch.toml") + text); }

std::shared_ptr<const Settings> Configuration::load(std::vector<std::string>& errors) const {
  config::Problems problems;
  auto kinds = kind_schemas();
  auto settings = config::load(folder_ / "drwatch.toml", kinds, {.secrets_must_exist = true}, problems);
  for (const config::Problem& p : problems.all())
    if (p.level == config::Problem::Level::error) errors.push_back(config::problem_text(p));
  return settings;
}

std::size_t Told::count(const std::string& kind) const {
  return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [&](const Event& e) { return e.kind == kind; }));
}

const Event* Told::last(const std::string& kind) const {
  auto found = std::find_if(events.rbegin(), events.rend(), [&](const Event& e) { return e.kind == kind; });
  return found == events.rend() ? nullptr : &*found;
}

Task<Result<std::string>> Readable::read(std::string path, std::size_t) {
  if (!std::filesystem::exists(path)) co_return Failure{Reason::internal, "ENOENT", "it is not there"};
  co_return testing::read(path);
}

Task<Result<ExecResult>> Commands::run(ExecRequest request) {
  begun.push_back(request.argv);
  if (request.heard) *request.heard = "stopping the old one";
  std::exception_ptr cancelled;
  try {
    co_await clock.sleep_for(seconds{30});
  } catch (const boost::system::system_error&) {
    cancelled = std::current_exception();
  }
  if (cancelled && !killed) {
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    co_await clock.sleep_for(seconds{5});
  }
  if (cancelled) std::rethrow_exception(cancelled);
  ++ended;
  const auto flag = std::find(request.argv.begin(), request.argv.end(), "--evidence");
  if (flag != request.argv.end()) write(left_at = *std::next(flag), document);
  co_return ExecResult{0, "restarted", ""};
}

Task<Result<HttpResponse>> Ear::fetch(HttpRequest request, Phases& phases) {
  if (request.method == "POST")
    for (const Json& alert : Json::parse(request.body))
      starts[alert.at("labels").at("alertname").get<std::string>() + "/" + alert.at("labels").value("scenario", "")].insert(
          alert.at("startsAt").get<std::string>());
  co_return co_await alertmanager.fetch(std::move(request), phases);
}

void Disk::turn(std::size_t most) {
  for (; most > 0 && !queue_.empty(); --most) {
    inner_.write(std::move(queue_.front().first), std::move(queue_.front().second));
    queue_.pop_front();
  }
  inner_.flush();
}

// ---- the machine

// The simulation's probe, with the moments of its runs noted; some have a bug.
class Machine::Watched : public Probe {
 public:
  Watched(Machine& machine, std::string name, bool backup)
      : machine_(machine), name_(name), inner_(name, backup, machine.truth, machine.chance, machine.runs) {}
  Task<Outcome> run(World& world) override {
    machine_.seen[name_].push_back(world.clock.now());
    if (machine_.throwing.count(name_)) throw std::runtime_error("vector is empty");
    Outcome outcome = co_await inner_.run(world);
    outcome.memory = std::to_string(++run_);
    co_return outcome;
  }
  void recall(const std::string& memory) override {
    run_ = std::stoi(memory);
    machine_.recalled[name_] = run_;
  }

 private:
  Machine& machine_;
  std::string name_;
  sim::SimProbe inner_;
  int run_ = 0;  // over all its lives
};

Machine::Machine() {
  world_.reset(new World{loop.get_executor(), clock, chance, resolver_, net_, ear_, postgres_, commands, files_});
  for (const char* probe : {"primary", "app", "front", "wal-archive"}) truth.targets[probe].last_archived = clock.now();
}

Machine::~Machine() { crash(); }

void Machine::start() {
  std::vector<std::string> errors;
  auto settings = configuration.load(errors);
  if (!settings) throw std::logic_error("the configuration of the test is wrong: " + errors.at(0));
  told = {};
  journal_ = std::make_unique<Disk>(loop.get_executor(), disk, truth);
  JournalContents contents;
  contents.events = disk.events;
  contents.kept = disk.kept;
  contents.last_seq = disk.events.empty() ? 0 : disk.events.back().seq;
  daemon_ = std::make_unique<Daemon>(
      Daemon::Parts{.world = *world_,
                    .journal = *journal_,
                    .log = told,
                    .make_probe = [this](const ProbeSettings& p) { return std::make_unique<Watched>(*this, p.name, p.backup.has_value()); },
                    .load = [this] { return load(); },
                    .reloaded = {},
                    .alive = {},
                    .journal_bound = journal_bound},
      std::move(settings), restore(std::move(contents), {}));
  outside_ = std::make_unique<TaskGroup>(loop.get_executor(),
                                         [this](const std::string&, std::exception_ptr) { told.lines.push_back("outside failed"); });
  outside_->spawn("disk", turn_disk());
  daemon_->start();
}

Task<Daemon::Loaded> Machine::load() {
  if (loading_takes > Duration{0}) co_await clock.sleep_for(loading_takes);
  Daemon::Loaded loaded;
  loaded.settings = configuration.load(loaded.problems);
  co_return loaded;
}

Task<void> Machine::turn_disk() {
  for (;;) {
    co_await clock.sleep_for(disk_turn);
    journal_->turn(writes_a_turn);
  }
}

void Machine::crash() {
  if (!daemon_) return;
  outside_->cancel_all();
  commands.killed = true;
  daemon_->tasks().cancel_all();
  clock.settle();
  daemon_.reset();
  outside_.reset();
  journal_.reset();
  commands.killed = false;
  runs.running.clear();
}

void Machine::stop() {
  outside_->spawn("stop", daemon_->stop("told to"));
  clock.run_for(seconds{11});
  crash();
}

void Machine::pass(Duration d) { clock.run_for(d); }
bool Machine::until(const std::function<bool()>& done, Duration most) { return clock.run_until(done, most); }

namespace {
Task<void> ask(Daemon& daemon, Input input, std::string key, std::shared_ptr<std::optional<Answer>> into) {
  *into = co_await daemon.submit(std::move(input), std::move(key));
}
Task<void> ask_all(Daemon& daemon, std::vector<Input> inputs, std::shared_ptr<std::optional<std::vector<Answer>>> into) {
  *into = co_await daemon.submit_all(std::move(inputs));
}
}  // namespace

Task<void> Machine::reload_into(std::shared_ptr<std::optional<std::vector<std::string>>> into) { *into = co_await daemon_->reload(); }

void Machine::reload_and_leave() {
  outside_->spawn("reload", reload_into(std::make_shared<std::optional<std::vector<std::string>>>()));
  clock.settle();
}

std::vector<std::string> Machine::reload() {
  auto problems = std::make_shared<std::optional<std::vector<std::string>>>();
  outside_->spawn("reload", reload_into(problems));
  clock.run_until([&] { return problems->has_value(); }, seconds{30});
  return problems->value();
}

std::optional<Answer> Machine::submit(Input input, const std::string& key, Duration most) {
  auto answer = std::make_shared<std::optional<Answer>>();
  outside_->spawn("ask", ask(*daemon_, std::move(input), key, answer));
  clock.run_until([&] { return answer->has_value(); }, most);
  return *answer;
}

std::optional<std::vector<Answer>> Machine::submit_all(std::vector<Input> inputs, Duration most) {
  auto answers = std::make_shared<std::optional<std::vector<Answer>>>();
  outside_->spawn("ask all", ask_all(*daemon_, std::move(inputs), answers));
  clock.run_until([&] { return answers->has_value(); }, most);
  return *answers;
}

void Machine::submit_and_leave(Input input, const std::string& key) {
  outside_->spawn("ask", ask(*daemon_, std::move(input), key, std::make_shared<std::optional<Answer>>()));
  clock.settle();
}

const Incident* Machine::incident(const std::string& scenario) const {
  const Incident* newest = nullptr;
  for (const auto& [id, i] : state().record.incidents)
    if (i.scenario == scenario && (!newest || i.opened_at > newest->opened_at)) newest = &i;
  return newest;
}

Health Machine::health(const std::string& component) const {
  auto found = state().record.components.find(component);
  return found == state().record.components.end() ? Health::unknown : found->second.health;
}

bool Machine::alert(const std::string& name) const {
  auto standing = ear_.alertmanager.standing();
  return std::any_of(standing.begin(), standing.end(), [&](const auto& labels) { return labels.at("alertname") == name; });
}

}  // namespace drwatch::testing
