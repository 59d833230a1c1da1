// SPDX-License-Identifier: Apache-2.0
// The daemon under a virtual clock in a seeded world with faults: probes failing, stalling, lying; Alertmanager away; crashes at any moment; clock
// jumps and pauses; a full disk. A failure prints its seed; DRWATCH_SEED=N runs that one, DRWATCH_SEEDS=N that many.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "invariants.hpp"

using namespace drwatch;
using namespace drwatch::sim;

namespace {

struct Silent : Log {
  std::vector<Event>* told = nullptr;
  std::string bug;
  void event(const Event& e) override {
    if (told) told->push_back(e);
  }
  void line(Importance importance, const std::string& message, const std::map<std::string, std::string>&) override {
    if (importance == Importance::error && message.find("bug in drwatch") != std::string::npos) bug = message;
  }
};

std::shared_ptr<const Settings> platform() {
  static const std::shared_ptr<const Settings> settings = [] {
    config::Problems problems;
    auto kinds = kind_schemas();
    auto loaded = config::load(std::string(DRWATCH_SOURCE_DIR) + "/tests/simulation/drwatch.toml", kinds, {}, problems);
    for (const config::Problem& p : problems.all())
      if (p.level == config::Problem::Level::error) MESSAGE(config::problem_text(p));
    return loaded;
  }();
  REQUIRE(settings);
  return settings;
}

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : chance_(seed), clock_(loop_), http_(clock_, truth_, chance_) {
    world_.reset(new World{loop_.get_executor(), clock_, chance_, resolver_, net_, http_, postgres_, exec_, files_});
    for (const auto& [name, probe] : platform()->probes)
      if (!probe.job) truth_.targets[name].last_archived = clock_.now();
    live();
  }
  ~Simulation() { die(); }

  // `hours_` of ordinary trouble, checked all along; then everything is mended and must come to rest.
  std::string run(int steps) {
    for (int step = 0; step < steps; ++step) {
      trouble();
      pass(chance_.between(seconds{1}, minutes{4}));
      if (std::string wrong = check(); !wrong.empty()) return wrong;
    }
    mend();
    // An alert that Alertmanager got before its clock was set back, and whose resolve it was away for, stands until its end comes.
    pass(minutes{20} + set_back_);
    if (std::string wrong = check(); !wrong.empty()) return wrong;
    Scene s = scene();
    if (std::string wrong = no_probe_starved(s); !wrong.empty()) return wrong;
    if (std::string wrong = alerts_match(s); !wrong.empty()) return wrong;
    for (const auto& [id, incident] : daemon_->state().record.incidents)
      if (incident.state == IncidentState::open && incident.exit.by == Exit::By::health) return id + " is open although all is well again" + why_open(incident);
    return "";
  }

  std::uint64_t fingerprint() const { return stable_hash(to_json(daemon_->state().record).dump()); }

 private:
  std::string why_open(const Incident& incident) const {
    std::string why;
    for (const auto& [name, component] : daemon_->state().record.components)
      if (component.health != Health::up) why += "; " + name + " is " + std::string(health_name(component.health)) + " (" + component.message + ")";
    for (const IncidentStep& step : incident.steps)
      if (step.plan.critical && step.plan.verify && !step.closed()) why += "; step " + step.plan.id + " (" + step.plan.verify->text + ") is open";
    for (const auto& [key, objective] : daemon_->state().record.objectives) why += "; " + key + " " + std::string(standing_name(objective.standing));
    return why;
  }

  void live() {
    told_.clear();
    log_.told = &told_;
    journal_ = std::make_unique<SimJournal>(loop_.get_executor(), disk_, truth_);
    JournalContents contents;
    contents.events = disk_.events;
    contents.kept = disk_.kept;
    contents.last_seq = disk_.events.empty() ? 0 : disk_.events.back().seq;
    Restored restored = restore(std::move(contents), {});
    at_start_ = replayed_ = restored.record;
    replayed_events_ = 0;
    daemon_ = std::make_unique<Daemon>(
        Daemon::Parts{.world = *world_,
                      .journal = *journal_,
                      .log = log_,
                      .make_probe = [this](const ProbeSettings& p) { return std::make_unique<SimProbe>(p.name, p.backup.has_value(), truth_, chance_, runs_); },
                      .load = [](std::vector<std::string>&) { return platform(); },
                      .reloaded = {},
                      .alive = {}},
        platform(), std::move(restored));
    daemon_->start();
    driver_ = std::make_unique<TaskGroup>(loop_.get_executor(), [](const std::string&, std::exception_ptr) {});
    driver_->spawn("disk", turn_disk(*this));
  }

  static Task<void> turn_disk(Simulation& s) {
    for (;;) {
      co_await s.clock_.sleep_for(s.chance_.between(milliseconds{50}, milliseconds{900}));
      s.journal_->flush();
    }
  }

  // kill -9: what is not on the disk is gone.
  void die() {
    if (!daemon_) return;
    log_.told = nullptr;
    driver_->cancel_all();
    daemon_->tasks().cancel_all();
    clock_.settle();
    daemon_.reset();
    driver_.reset();
    journal_.reset();
    runs_.running.clear();
  }

  void pass(Duration d) { clock_.run_for(d); }

  void trouble() {
    auto target = truth_.targets.begin();
    std::advance(target, static_cast<std::ptrdiff_t>(chance_.roll() % truth_.targets.size()));
    switch (chance_.roll() % 16) {
      case 0: case 1: target->second.health = Health::down; break;
      case 2: target->second.health = Health::degraded; break;
      case 3: target->second.health = Health::unknown; break;
      case 4: target->second.stalls = !target->second.stalls; break;
      case 5: target->second.lies = !target->second.lies; break;
      case 6: case 7: case 8: target->second = {Health::up, false, false, target->second.last_archived, true}; break;
      case 9: target->second.archiving = !target->second.archiving; break;
      case 10: truth_.alertmanager_away = !truth_.alertmanager_away; break;
      case 11: http_.forget(); break;
      case 12: truth_.disk_full = chance_.one_in(2); break;
      case 13: die(); live(); break;
      case 14: jump(chance_.between(-hours{2}, hours{2})); break;
      case 15: if (chance_.one_in(2)) clock_.pause(chance_.between(seconds{1}, minutes{20})); else work(); break;
    }
    if (chance_.one_in(3)) work();
  }

  void jump(Duration by) {
    clock_.set_wall(clock_.now() + by);
    if (by < Duration{0}) set_back_ -= by;
  }

  // A person opens, acknowledges, notes.
  void work() {
    const Record& record = daemon_->state().record;
    if (record.incidents.empty() || chance_.one_in(6)) driver_->spawn("open", submit(*this, OpenIncident{"security-breach", "oncall", ""}, ""));
    if (record.incidents.empty()) return;
    auto incident = record.incidents.begin();
    std::advance(incident, static_cast<std::ptrdiff_t>(chance_.roll() % record.incidents.size()));
    std::string note = "note " + std::to_string(chance_.roll());
    driver_->spawn("note", submit(*this, AddNote{incident->first, note, "oncall"}, note));
    if (incident->second.live() && chance_.one_in(3)) driver_->spawn("resolve", submit(*this, Resolve{incident->first, true, false, "oncall", "enough"}, ""));
    for (const IncidentStep& step : incident->second.steps)
      if (chance_.one_in(4)) driver_->spawn("step", submit(*this, StepAction{incident->first, step.plan.id, "done", "oncall", ""}, ""));
  }
  static Task<void> submit(Simulation& s, Input input, std::string note) {
    std::string incident;
    if (auto* n = std::get_if<AddNote>(&input)) incident = n->incident;
    Answer answer = co_await s.daemon_->submit(std::move(input), "");
    if (!answer.refused && answer.durable && !note.empty()) s.acknowledged_.push_back({incident, note});
  }

  void mend() {
    for (auto& [name, target] : truth_.targets) target = {Health::up, false, false, target.last_archived, true};
    truth_.alertmanager_away = truth_.disk_full = false;
  }

  Scene scene() { return {*daemon_, told_, at_start_, replayed_, replayed_events_, disk_, runs_, acknowledged_, http_, clock_}; }
  std::string check() {
    Scene s = scene();
    if (!log_.bug.empty()) return log_.bug;
    for (auto invariant : {replay_equals_live, nothing_acknowledged_lost, one_open_incident_a_scenario, clocks_run_forward, no_overlap, incidents_have_causes})
      if (std::string wrong = invariant(s); !wrong.empty()) return wrong;
    return "";
  }

  boost::asio::io_context loop_;
  Chance chance_;
  VirtualClock clock_;
  Truth truth_;
  RunLedger runs_;
  SimHttp http_;
  NoResolver resolver_;
  NoNet net_;
  NoPostgres postgres_;
  NoExec exec_;
  NoFiles files_;
  SimDisk disk_;
  Silent log_;
  std::unique_ptr<World> world_;
  std::vector<Event> told_;
  Record at_start_, replayed_;
  std::size_t replayed_events_ = 0;
  std::vector<Acknowledged> acknowledged_;
  Duration set_back_{0};
  std::unique_ptr<SimJournal> journal_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<TaskGroup> driver_;
};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("whatever happens, the invariants hold") {
  std::uint64_t first = number_from("DRWATCH_SEED", 1), count = std::getenv("DRWATCH_SEED") ? 1 : number_from("DRWATCH_SEEDS", 10);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    std::string wrong = Simulation(seed).run(60);
    CHECK_MESSAGE(wrong.empty(), "seed " << seed << ": " << wrong);
  }
}

TEST_CASE("the same seed, the same history") {
  auto history = [] {
    Simulation s(7);
    s.run(20);
    return s.fingerprint();
  };
  CHECK(history() == history());
}
