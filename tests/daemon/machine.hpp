// SPDX-License-Identifier: Apache-2.0
// A machine in virtual time on which one daemon after another lives: its disk, its platform and its Alertmanager outlive each of them.
#pragma once

#include "daemon/daemon.hpp"
#include "tests/simulation/sim_world.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace drwatch::testing {

// A folder with the configuration of these tests, removed at the end. `edit` replaces a piece of the main file, which must be there.
class Configuration {
 public:
  Configuration();
  ~Configuration();
  void edit(const std::string& from, const std::string& to);
  void edit_scenario(const std::string& from, const std::string& to);
  void append(const std::string& text);
  std::shared_ptr<const Settings> load(std::vector<std::string>& errors) const;

 private:
  void edit_file(const std::string& name, const std::string& from, const std::string& to);
  std::filesystem::path folder_;
};

struct Told : Log {
  std::vector<Event> events;
  std::vector<std::string> lines;
  void event(const Event& e) override { events.push_back(e); }
  void line(Importance, const std::string& message, const std::map<std::string, std::string>&) override { lines.push_back(message); }
  std::size_t count(const std::string& kind) const;
  const Event* last(const std::string& kind) const;
};

// Commands that take a while and end well; a cancelled one takes five seconds to die. A drill's leaves its document behind.
struct Commands : Exec {
  explicit Commands(Clock& c) : clock(c) {}
  Task<Result<ExecResult>> run(ExecRequest request) override;
  Clock& clock;
  std::string document;           // what follows "--evidence" is where it goes
  std::filesystem::path left_at;  // where it went
  std::vector<std::vector<std::string>> begun;
  std::size_t ended = 0;
  bool killed = false;  // at once, with the machine
};

// The machine's own folder, in which a drill's command leaves its document.
struct Readable : sim::NoFiles {
  Task<Result<std::string>> read(std::string path, std::size_t most) override;
};

// What Alertmanager was told, beside what it makes of it: every start that an alert was ever given.
struct Ear : Http {
  explicit Ear(sim::SimHttp& a) : alertmanager(a) {}
  Task<Result<HttpResponse>> fetch(HttpRequest request, Phases& phases) override;
  sim::SimHttp& alertmanager;
  std::map<std::string, std::set<std::string>> starts;  // by alertname and scenario
};

// A disk that may take one write at a time, as a journal with a long queue does: what is in one write is there whole or not at all.
class Disk : public Journal {
 public:
  Disk(boost::asio::any_io_executor loop, sim::SimDisk& disk, sim::Truth& truth) : inner_(std::move(loop), disk, truth) {}
  void write(JournalWrite write, std::function<void()> done) override { queue_.emplace_back(std::move(write), std::move(done)); }
  void snapshot(std::uint64_t, std::string) override {}
  void on_health(std::function<void(std::string)> callback) override { inner_.on_health(std::move(callback)); }
  void on_commit(std::function<void(Duration, std::size_t)> callback) override { inner_.on_commit(std::move(callback)); }
  std::size_t waiting() const override { return queue_.size() + inner_.waiting(); }
  void close() override { turn(queue_.size()); }
  void turn(std::size_t most);

 private:
  sim::SimJournal inner_;
  std::deque<std::pair<JournalWrite, std::function<void()>>> queue_;
};

class Machine {
 public:
  Machine();
  ~Machine();

  void start();  // with what the disk has
  void crash();  // kill -9: what is not on the disk is gone
  void stop();   // in good order
  void pass(Duration d);
  bool until(const std::function<bool()>& done, Duration most);
  // Submits and lets time pass until it is answered; nullopt when that takes more than `most`.
  std::optional<Answer> submit(Input input, const std::string& key = "", Duration most = seconds{10});
  std::optional<std::vector<Answer>> submit_all(std::vector<Input> inputs, Duration most = seconds{10});
  std::vector<std::string> reload();  // and lets time pass until it is over
  void reload_and_leave();
  void submit_and_leave(Input input, const std::string& key = "");

  Daemon& daemon() { return *daemon_; }
  const State& state() const { return daemon_->state(); }
  const Incident* incident(const std::string& scenario = "database-outage") const;  // the newest
  Health health(const std::string& component) const;
  bool alert(const std::string& name) const;  // stands in Alertmanager
  void breaks(const std::string& probe) { truth.targets[probe].health = Health::down; }
  void mends(const std::string& probe) { truth.targets[probe].health = Health::up; }

  boost::asio::io_context loop;
  sim::Chance chance{1};
  VirtualClock clock{loop};
  sim::Truth truth;
  sim::RunLedger runs;
  sim::SimDisk disk;
  Configuration configuration;
  Commands commands{clock};
  Told told;                                      // by the daemon that lives now
  std::set<std::string> throwing;                 // probes with a bug
  std::map<std::string, int> recalled;            // by probe: the run that it was told of when it was made
  std::map<std::string, std::vector<Time>> seen;  // by probe: when its runs began
  Duration loading_takes{0};                      // of the configuration's files
  Duration disk_turn{50};                         // how long a commit takes
  std::size_t writes_a_turn = 1000;
  JournalBound journal_bound;  // in writes: see Disk::waiting()

 private:
  class Watched;
  Task<void> turn_disk();
  Task<Daemon::Loaded> load();
  Task<void> reload_into(std::shared_ptr<std::optional<std::vector<std::string>>> into);

  sim::SimHttp alertmanager_{clock, truth, chance};
  mutable Ear ear_{alertmanager_};
  sim::NoResolver resolver_;
  sim::NoNet net_;
  sim::NoPostgres postgres_;
  Readable files_;
  std::unique_ptr<World> world_;
  std::unique_ptr<Disk> journal_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<TaskGroup> outside_;

 public:
  const std::map<std::string, std::set<std::string>>& starts_told() const { return ear_.starts; }
};

}  // namespace drwatch::testing
