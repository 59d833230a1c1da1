// SPDX-License-Identifier: Apache-2.0
#include "simulation.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>

namespace drwatch::sim {

std::shared_ptr<const Settings> simulated_settings() {
  static const std::shared_ptr<const Settings> settings = [] {
    config::Problems problems;
    auto kinds = kind_schemas();
    auto loaded = config::load(drwatch::testing::source_dir("/tests/simulation/drwatch.toml"), kinds, {}, problems);
    for (const config::Problem& p : problems.all())
      if (p.level == config::Problem::Level::error) MESSAGE(config::problem_text(p));
    return loaded;
  }();
  REQUIRE(settings);
  return settings;
}

Simulation::Simulation(std::uint64_t seed)
    : chance_(seed),
      clock_(loop_),
      platform_(clock_, truth_, [this] { return daemon_ ? daemon_->now() : clock_.now(); }),
      http_(clock_, truth_, chance_) {
  world_.reset(new World{loop_.get_executor(), clock_, chance_, resolver_, net_, http_, postgres_, exec_, files_});
  for (const auto& [name, probe] : simulated_settings()->probes)
    if (!probe.job) truth_.targets[name].last_archived = clock_.now();
  live();
}

std::string Simulation::run(int steps) {
  for (int step = 0; step < steps; ++step) {
    trouble();
    pass(chance_.between(seconds{1}, minutes{4}));
    if (std::string wrong = check(); !wrong.empty()) return wrong;
  }
  mend();
  // An alert that Alertmanager got before its clock was set back, and whose resolve it was away for, stands until its end comes.
  pass(minutes{30} + set_back_);
  if (std::string wrong = check(); !wrong.empty()) return wrong;
  Scene s = scene();
  if (std::string wrong = no_probe_starved(s); !wrong.empty()) return wrong;
  if (std::string wrong = alerts_match(s); !wrong.empty()) return wrong;
  for (const auto& [id, incident] : daemon_->state().record.incidents)
    if (incident.state == IncidentState::open && incident.exit.by == Exit::By::health)
      return id + " is open although all is well again" + why_open(incident);
  return "";
}

std::string Simulation::why_open(const Incident& incident) const {
  std::string why;
  for (const auto& [name, component] : daemon_->state().record.components)
    if (component.health != Health::up)
      why += "; " + name + " is " + std::string(health_name(component.health)) + " (" + component.message + ")";
  for (const IncidentStep& step : incident.steps)
    if (step.plan.critical && step.plan.verify && !step.counts())
      why += "; step " + step.plan.id + " (" + step.plan.verify->text + ") is open";
  for (const auto& [key, objective] : daemon_->state().record.objectives)
    why += "; " + key + " " + std::string(standing_name(objective.standing));
  return why;
}

namespace {
Task<Daemon::Loaded> simulated_load() {
  Daemon::Loaded loaded;
  loaded.settings = simulated_settings();
  co_return loaded;
}
}  // namespace

void Simulation::live() {
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
  daemon_ = std::make_unique<Daemon>(Daemon::Parts{.world = *world_,
                                                   .journal = *journal_,
                                                   .log = log_,
                                                   .make_probe = [this](const ProbeSettings& p) { return probe(p); },
                                                   .load = [] { return simulated_load(); },
                                                   .reloaded = {},
                                                   .alive = {}},
                                     simulated_settings(), std::move(restored));
  daemon_->start();
  platform_.daemon_began(disk_.kept);
  driver_ = std::make_unique<TaskGroup>(loop_.get_executor(), [](const std::string&, std::exception_ptr) {});
  driver_->spawn("disk", turn_disk(*this));
}

Task<void> Simulation::turn_disk(Simulation& s) {
  for (;;) {
    co_await s.clock_.sleep_for(s.chance_.between(milliseconds{50}, milliseconds{900}));
    s.journal_->flush();
  }
}

// kill -9: what is not on the disk is gone.
void Simulation::die() {
  if (!daemon_) return;
  platform_.advance();
  platform_.daemon_died();
  log_.told = nullptr;
  driver_->cancel_all();
  daemon_->tasks().cancel_all();
  clock_.settle();
  daemon_.reset();
  driver_.reset();
  journal_.reset();
  runs_.running.clear();
}

std::unique_ptr<Probe> Simulation::probe(const ProbeSettings& settings) {
  auto said = [this] { return daemon_ ? daemon_->now() : clock_.now(); };
  if (platform_.knows(settings.name)) return std::make_unique<PlatformProbe>(settings.name, platform_, truth_, chance_, runs_, said);
  return std::make_unique<SimProbe>(settings.name, false, truth_, chance_, runs_);
}

// A figure may be looked at at any time.
void Simulation::pass(Duration d) {
  constexpr auto often = seconds{1};
  clock_.run_for(d, [&] {
    if (clock_.boottime() - exposures_at_ < often) return false;
    exposures_at_ = clock_.boottime();
    platform_.advance();
    wrong_ = check_exposures();
    return !wrong_.empty();
  });
}

std::vector<Said> Simulation::said() const {
  std::vector<Said> all;
  const State& state = daemon_->state();
  for (const auto& [component, database] : platform_.databases()) {
    auto record = state.record.components.find(component);
    // Before it was ever judged nothing speaks against the figure.
    const Health health = record == state.record.components.end() ? Health::up : record->second.health;
    for (const Exposure& figure : exposures(state, *daemon_->settings(), component, daemon_->now()))
      all.push_back({component, figure, health});
  }
  return all;
}

std::string Simulation::check_exposures() {
  for (const Said& each : said()) {
    ++figures_checked_;
    if (std::string wrong = exposure_follows(platform_, *daemon_->settings(), each, daemon_->now(), set_back_ > Duration{0});
        !wrong.empty())
      return time_text(daemon_->now()) + ": " + wrong;
  }
  return "";
}

void Simulation::trouble() {
  auto target = truth_.targets.begin();
  std::advance(target, static_cast<std::ptrdiff_t>(chance_.roll() % truth_.targets.size()));
  switch (chance_.roll() % 20) {
    case 0:
    case 1:
      target->second.health = Health::down;
      break;
    case 2:
      target->second.health = Health::degraded;
      break;
    case 3:
      target->second.health = Health::unknown;
      break;
    case 4:
      target->second.stalls = !target->second.stalls;
      break;
    case 5:
      target->second.lies = !target->second.lies;
      break;
    case 6:
    case 7:
    case 8:
      target->second = {Health::up, false, false, target->second.last_archived, true};
      break;
    case 9:
      target->second.archiving = !target->second.archiving;
      break;
    case 10:
      truth_.alertmanager_away = !truth_.alertmanager_away;
      break;
    case 11:
      http_.forget();
      break;
    case 12:
      truth_.disk_full = chance_.one_in(2);
      break;
    case 13:
      die();
      live();
      break;
    case 14:
      jump(chance_.between(-hours{2}, hours{2}));
      break;
    case 15:
      if (chance_.one_in(2))
        clock_.pause(chance_.between(seconds{1}, minutes{20}));
      else
        work();
      break;
    default:
      platform_.trouble(chance_);
      break;
  }
  if (chance_.one_in(3)) work();
}

// Back by no more than drwatch catches up with: what else the clocks of this world would have to tell twice is another test's (start_test).
void Simulation::jump(Duration by) {
  if (!daemon_ && by < Duration{0}) return;
  if (daemon_) by = std::max(by, daemon_->now() - clock_.now() - hours{1} + seconds{10});
  platform_.clock_set();
  clock_.set_wall(clock_.now() + by);
  if (by < Duration{0}) set_back_ -= by;
}

// A person opens, acknowledges, notes.
void Simulation::work() {
  const Record& record = daemon_->state().record;
  if (record.incidents.empty() || chance_.one_in(6))
    driver_->spawn("open", submit(*this, OpenIncident{"security-breach", "oncall", ""}, ""));
  if (record.incidents.empty()) return;
  auto incident = record.incidents.begin();
  std::advance(incident, static_cast<std::ptrdiff_t>(chance_.roll() % record.incidents.size()));
  std::string note = "note " + std::to_string(chance_.roll());
  driver_->spawn("note", submit(*this, AddNote{incident->first, note, "oncall"}, note));
  if (incident->second.live() && chance_.one_in(3))
    driver_->spawn("resolve", submit(*this, Resolve{incident->first, true, false, "oncall", "enough"}, ""));
  for (const IncidentStep& step : incident->second.steps)
    if (chance_.one_in(4))
      driver_->spawn("step", submit(*this, StepAction{incident->first, step.plan.id, OnStep::done, "oncall", "I looked", true}, ""));
}
Task<void> Simulation::submit(Simulation& s, Input input, std::string note) {
  std::string incident;
  if (auto* n = std::get_if<AddNote>(&input)) incident = n->incident;
  Answer answer = co_await s.daemon_->submit(std::move(input), "");
  if (!answer.refused && answer.durable && !note.empty()) s.acknowledged_.push_back({incident, note});
}

void Simulation::mend() {
  for (auto& [name, target] : truth_.targets) target = {Health::up, false, false, target.last_archived, true};
  platform_.mend();
  truth_.alertmanager_away = truth_.disk_full = false;
}

std::string Simulation::check() {
  Scene s = scene();
  if (!log_.bug.empty()) return log_.bug;
  if (!wrong_.empty()) return wrong_;
  for (auto invariant :
       {replay_equals_live, nothing_acknowledged_lost, one_open_incident_a_scenario, clocks_run_forward, no_overlap, incidents_have_causes})
    if (std::string wrong = invariant(s); !wrong.empty()) return wrong;
  return "";
}

}  // namespace drwatch::sim
