// SPDX-License-Identifier: Apache-2.0
// Runs a story: the production schedule and heart, under a clock that jumps from one moment at which something happens to the next. Order
// within one instant: deeds, then runs (each sees the changes that hold), then decisions, then expectations.
#include "daemon/clock.hpp"
#include "daemon/loop_watch.hpp"
#include "daemon/recovery/alerts/names.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/recovery/seen/schedule.hpp"
#include "daemon/restore.hpp"
#include "daemon/story/story.hpp"
#include "daemon/story/words.hpp"

#include <algorithm>
#include <set>

namespace drwatch {
namespace {

constexpr int most_rounds = 1000;  // of runs at one instant: a bug that asks for runs without end must not hang the test

class Stage {
 public:
  Stage(const Story& story, const Settings& settings) : story_(story), settings_(settings), now_(story.start), schedule_(false) {
    clock_ = OwnClock(clocks(), state_.record.at, state_.kept.alive_at);
    for (const StoryChange& change : story_.changes)
      for (const std::string& probe : change.probes) skies_[probe].coming.push_back(&change);
    for (auto& [probe, sky] : skies_)
      std::stable_sort(sky.coming.begin(), sky.coming.end(), [](auto* a, auto* b) { return a->at > b->at; });
  }

  StoryResult play() {
    begin();
    std::set<Time> moments;
    for (const StoryExpectation& e : story_.expectations) moments.insert(story_.start + e.at);
    for (const StoryDeed& deed : story_.deeds) plan(deed, moments);
    Time end = *moments.rbegin();
    while (now_ <= end) {
      instant();
      Time next = Time::max();
      if (auto run = schedule_.next()) next = std::min(next, *run);
      if (due_) next = std::min(next, *due_);
      if (auto moment = moments.upper_bound(now_); moment != moments.end()) next = std::min(next, *moment);
      if (next == Time::max()) break;
      now_ = std::max(next, now_ + Duration{1});
    }
    return std::move(result_);
  }

 private:
  // A story begins with all well: every probe has just been seen up, every recovery point is `lag` old, every drill has just passed. What
  // this first instant decides is left out of the result.
  void begin() {
    feed(DaemonStarted{"test"});
    feed(ConfigurationLoaded{});
    for (const auto& [name, probe] : settings_.probes) {
      if (probe.calls_in())
        feed(Pinged{name, Pinged::What::success, "", 0, ""});
      else
        feed(Ran{name, seen(name, probe, false)}, true);
    }
    for (const auto& [id, scenario] : settings_.scenarios) {
      Event drill{state_.record.seq + 1, now_, "drill.passed", 1, "story", "", id, "", "", "", {}};
      apply(state_.record, drill);
    }
    feed(Tick{});
    schedule_.load(settings_, now_);
    result_.events.clear();
  }

  // Spreads a repeated deed over its moments, up to its `until` and to the last expectation.
  void plan(const StoryDeed& deed, std::set<Time>& moments) {
    Time last = *moments.rbegin();
    for (Duration at = deed.at; story_.start + at <= last; at += *deed.every) {
      deeds_.emplace(story_.start + at, &deed);
      moments.insert(story_.start + at);
      if (deed.late)
        for (Duration turn : {LoopWatch::blind_after + Duration{1}, *deed.late})
          if (story_.start + at + turn <= last) moments.insert(story_.start + at + turn);
      if (!deed.every || (deed.until && at + *deed.every > *deed.until)) break;
    }
  }

  // Everything that happens at `now_`.
  void instant() {
    auto [from, to] = deeds_.equal_range(now_);
    for (auto deed = from; deed != to; ++deed) act(*deed->second);
    turn_late();
    for (int round = 0; round < most_rounds; ++round) {
      std::vector<std::string> due = schedule_.take_due(now_);
      if (due.empty()) break;
      for (const std::string& probe : due) run(probe);
    }
    settle();
    // A decision may ask for runs at once (witnesses, parents), and what these see may lead to another decision at the same instant.
    for (int round = 0; round < most_rounds; ++round) {
      std::vector<std::string> due = schedule_.take_due(now_);
      if (due.empty()) break;
      for (const std::string& probe : due) run(probe);
      settle();
    }
    for (const StoryExpectation& e : story_.expectations)
      if (story_.start + e.at == now_) judge(e);
  }

  void run(const std::string& name) {
    ++result_.runs;
    Outcome outcome = seen(name, settings_.probes.at(name), true);
    const LeftAlone alone = left_alone(outcome);
    // A run takes no time here; it is as late as the loop has been so far.
    const Duration late = late_ ? std::max(now_ - late_->from, LoopWatch::tolerated + Duration{1}) : Duration{0};
    if (late_ && outcome.bad()) late_->again.insert(name);
    feed(Ran{name, std::move(outcome), Duration{0}, late}, true);
    schedule_.finished(name, now_, confirming(state_, name), alone);
  }

  // A story may set the wall clock. Its own moments (`at`) are not moved by that.
  OwnClock::Reading clocks() const { return {now_ + set_, now_ - story_.start}; }
  Time own() const { return clock_.now(now_ + set_); }
  void wake_at(std::optional<Time> due) { due_ = due ? std::optional(clock_.wall_at(*due) - set_) : std::nullopt; }
  Duration ahead() const { return own() - (now_ + set_); }

  // Decides when the runs of this instant, or the time itself, have made something due. Otherwise nothing can have changed.
  void settle() {
    if (due_ && *due_ <= now_) feed(Tick{});
  }

  // Gives the heart one input and takes over what it decided. `more`: other inputs of this instant follow, and decisions wait for the Tick
  // after them.
  Decision feed(const Input& input, bool more = false) {
    Decision decision = more ? decide_later(state_, settings_, input, own(), ahead()) : decide(state_, settings_, input, own(), ahead());
    for (const std::string& probe : decision.run_now) schedule_.run_now(probe, now_);
    result_.events.insert(result_.events.end(), decision.events.begin(), decision.events.end());
    if (!decision.endless.empty()) fail({now_ - story_.start, 0, "what follows", "comes to an end", "never: " + decision.endless});
    wake_at(decision.due);
    // A story runs no commands: each counts as ended well, at once.
    for (const StartCommand& command : decision.commands)
      feed(CommandEnded{command.incident, command.step, 0, "not run in a scenario test"}, more);
    return decision;
  }

  // ---- what a run sees

  // The changes that hold for the probe now, in the order of the file: a later one wins. Kept up to date and not searched anew, because a
  // story of a month has many changes and every run asks.
  const std::vector<const StoryChange*>& changes_now(const std::string& probe) {
    Sky& sky = skies_[probe];
    std::erase_if(sky.holding, [&](const StoryChange* c) { return c->until && story_.start + *c->until <= now_; });
    for (; !sky.coming.empty() && story_.start + sky.coming.back()->at <= now_; sky.coming.pop_back()) {
      const StoryChange* c = sky.coming.back();
      if (!c->until || now_ < story_.start + *c->until) sky.holding.insert(std::upper_bound(sky.holding.begin(), sky.holding.end(), c), c);
    }
    return sky.holding;
  }

  // What a run sees: all is well, then every change that holds is laid over it.
  Outcome seen(const std::string& name, const ProbeSettings& probe, bool with_changes) {
    Outcome o = outcome_of(Health::up, Reason::none, "", "");
    Duration lag = story_lag;
    std::optional<Time> point;
    std::optional<double> data_gib;
    bool stalls = false;
    static const std::vector<const StoryChange*> none;
    for (const StoryChange* change : with_changes ? changes_now(name) : none) {
      const StoryChange& c = *change;
      if (c.share && !in_share(*c.share, skies_[name].runs[change]++)) continue;
      if (c.outcome) o = story_outcome(c, probe.traits.answers_queries);
      // A source that fails brings no new points, unless the story says so.
      const auto newest = [&] { return probe.backup ? story_reading(story_, probe, story_.start + c.at, lag).time : std::nullopt; };
      if (c.outcome && *c.outcome != "up" && *c.outcome != "degraded") stalls = true, point = newest();
      if (c.recovery_point) lag = c.lag.value_or(story_lag), read_point(c, newest(), stalls, point);
      if (c.data_gib && o.outcome != Health::down) data_gib = c.data_gib;
    }
    if (data_gib) o.data_bytes = *data_gib * 1024 * 1024 * 1024;
    o.at = own();
    if (probe.backup && o.outcome != Health::unknown) {
      RecoveryReading reading = story_reading(story_, probe, own(), lag);
      if (stalls) reading.time = point;  // nullopt: the store is empty
      reading.failing = o.outcome == Health::down;
      o.recovery = reading;
    }
    return o;
  }

  // What a change says about the source's recovery point. `newest`: the source's point when the change began. Afterwards `stalls` says
  // whether the point stands still, and `point` where; nullopt: the store is empty.
  void read_point(const StoryChange& c, const std::optional<Time>& newest, bool& stalls, std::optional<Time>& point) const {
    stalls = *c.recovery_point != "follows";
    if (*c.recovery_point == "stalls")
      point = newest;
    else if (*c.recovery_point == "none")
      point.reset();
    else if (stalls)
      point = parse_time(*c.recovery_point).value_or(story_.start);
  }

  // ---- deeds

  void set_clock(Duration by) {
    clock_.look(clocks());  // the daemon reads its clocks all the time; without this reading, a minute in which the story has nothing to do
                            // would look like a pause
    set_ += by;
    if (auto jumped = clock_.look(clocks()).jumped) feed(*jumped);
  }

  // What a journal that commits all the time would have on the disk now. Kept values are written as they change.
  JournalContents disk() {
    for (const std::string& key : state_.kept.changed) kept_on_disk_[key] = kept_text(state_.kept, key);
    std::erase_if(kept_on_disk_, [](const auto& value) { return value.second.empty(); });
    JournalContents contents;
    contents.last_seq = state_.record.seq;
    contents.snapshot = {state_.record.seq, snapshot_text(state_.record)};
    contents.kept = kept_on_disk_;
    return contents;
  }

  // The process ends and starts again: what was only seen is lost, the record and the kept values come back through the journal's own
  // texts.
  void restart() {
    state_.kept.alive_at = own();
    state_.kept.changed.insert("alive_at");
    Restored restored = restore(disk(), {});
    state_ = State{std::move(restored.record), std::move(restored.kept), {}};
    clock_ = OwnClock(clocks(), state_.record.at, state_.kept.alive_at);
    feed(DaemonStarted{"test"});
    if (clock_.turned_back()) feed(*clock_.turned_back());
    feed(ConfigurationLoaded{});
    for (const auto& [name, probe] : settings_.probes) schedule_.run_now(name, now_);
  }

  // Whether the loop has been late for so long that drwatch is blind, or is on time again: then the runs that looked bad are repeated.
  void turn_late() {
    if (!late_) return;
    if (now_ < late_->until) {
      if (now_ - late_->from > LoopWatch::blind_after) feed(LoopLate{true, own() - (now_ - late_->from)}, true);
      return;
    }
    feed(LoopLate{false, {}}, true);
    for (const std::string& name : late_->again) schedule_.run_now(name, now_);
    late_.reset();
  }

  // Carries out a deed. What people and other systems do is decided together with the runs of this instant. A restart and a jump of the
  // clock are decided at once, before anything has run, as in the daemon.
  void act(const StoryDeed& deed) {
    if (deed.clock) set_clock(*deed.clock);
    if (deed.restart) restart();
    if (deed.late) late_ = Late{now_, now_ + *deed.late, {}};
    for (Input input : deed.inputs) {
      name_incident(input);
      Decision decision = feed(input, true);
      if (decision.refused.has_value() == deed.refused) continue;
      fail({now_ - story_.start, deed.line, "a deed", deed.refused ? "refused" : "accepted",
            decision.refused ? "refused: " + decision.refused->title + "; " + decision.refused->detail : "accepted"});
    }
  }

  // A story names an incident by its scenario, because its id holds a time; the newest one is meant.
  void name_incident(Input& input) const {
    auto name = [&](std::string& incident) {
      if (const Incident* found = worked_on(state_.record, incident)) incident = found->id;
    };
    const auto name_drill = [&](std::string& drill) {
      if (const HeldDrill* found = newest_drill(state_.record, drill)) drill = found->work.id;
    };
    if (auto* i = std::get_if<FinishDrill>(&input)) name_drill(i->drill);
    if (auto* i = std::get_if<AbortDrill>(&input)) name_drill(i->drill);
    if (auto* i = std::get_if<Acknowledge>(&input)) name(i->incident);
    if (auto* i = std::get_if<StepAction>(&input)) name(i->incident);
    if (auto* i = std::get_if<AddNote>(&input)) name(i->incident);
    if (auto* i = std::get_if<Refile>(&input)) name(i->incident);
    if (auto* i = std::get_if<Resolve>(&input)) name(i->incident);
    if (auto* i = std::get_if<Reopen>(&input)) name(i->incident);
    if (auto* i = std::get_if<SayBadChange>(&input)) name(i->incident), i->at = story_.start + i->at.time_since_epoch();
  }

  const Incident* newest(const std::string& scenario) const { return newest_incident(state_.record, scenario); }

  // ---- expectations

  void fail(StoryFailure failure) { result_.failures.push_back(std::move(failure)); }
  void equal(const StoryExpectation& e, const std::string& what, const std::string& expected, const std::string& actual) {
    if (expected != actual) fail({e.at, e.line, what, expected, actual});
  }
  void same_set(const StoryExpectation& e, const std::string& what, std::vector<std::string> expected, std::vector<std::string> actual) {
    std::sort(expected.begin(), expected.end());
    std::sort(actual.begin(), actual.end());
    equal(e, what, as_list(expected), as_list(actual));
  }

  std::string health_of(const std::string& name) const {
    if (auto c = state_.record.components.find(name); c != state_.record.components.end())
      return std::string(health_name(c->second.health));
    if (auto p = state_.record.probes.find(name); p != state_.record.probes.end()) return std::string(health_name(p->second.health));
    return "unknown";
  }

  std::string standing_of(const std::string& objective) const {
    auto space = objective.find(' ');
    std::string name = objective.substr(0, space), rest = space == std::string::npos ? "" : objective.substr(space + 1);
    if (rest == "rto") {
      if (settings_.components.count(name)) return std::string(standing_name(component_rto(state_, settings_, name, own())));
      if (const Incident* open = newest(name); open && open->state == IncidentState::open)
        return std::string(standing_name(judge_rto(*open, own()).standing));
      auto scenario = settings_.scenarios.find(name);
      return scenario == settings_.scenarios.end() ? "no such component or scenario"
                                                   : std::string(standing_name(scenario_standing(state_, scenario->second)));
    }
    std::optional<Standing> worst;
    for (DisasterClass c : all_classes) {
      if (rest != "rpo" && rest != "rpo " + std::string(class_name(c))) continue;
      auto found = state_.record.objectives.find(objective_key(name, c));
      if (found != state_.record.objectives.end() && (!worst || rank(found->second.standing) > rank(*worst)))
        worst = found->second.standing;
    }
    return worst ? std::string(standing_name(*worst)) : "no such objective";
  }

  std::vector<std::string> open_scenarios() const {
    std::vector<std::string> open;
    for (const auto& [id, incident] : state_.record.incidents)
      if (incident.state == IncidentState::open) open.push_back(incident.scenario);
    return open;
  }

  void judge_alerts(const StoryExpectation& e) {
    std::vector<std::string> firing;
    for (const auto& [key, alert] : state_.record.alerts)
      if (!alert.resolved_at && key != alert_text(AlertName::watchdog)) firing.push_back(key);
    if (!same_keys(*e.alerts, firing)) fail({e.at, e.line, "alerts", as_list(*e.alerts), as_list(firing)});
  }

  void judge(const StoryExpectation& e) {
    for (const auto& [name, health] : e.health) equal(e, "health of " + name, health, health_of(name));
    if (e.incidents) same_set(e, "open incidents", *e.incidents, open_scenarios());
    if (e.alerts) judge_alerts(e);
    if (e.blind) equal(e, "blind", *e.blind ? "yes" : "no", state_.record.blind_since ? "yes" : "no");
    if (e.pending) {
      std::vector<std::string> pending;
      for (const auto& [scenario, record] : state_.record.pending) pending.push_back(scenario);
      same_set(e, "pending scenarios", *e.pending, pending);
    }
    for (const auto& [name, standing] : e.standing) equal(e, "standing of " + name, standing, standing_of(name));
    for (const auto& [scenario, state] : e.states) {
      const Incident* i = newest(scenario);
      equal(e, "state of " + scenario, state, i ? std::string(state_name(i->state)) : "none");
    }
    for (const auto& [scenario, state] : e.drills) equal(e, "drill of " + scenario, state, drill_words(state_.record, scenario));
    for (const auto& [scenario, at] : e.started) {
      const Incident* i = newest(scenario);
      equal(e, "start of " + scenario, duration_text(at), i ? duration_text(i->started_at - story_.start) : "none");
    }
    for (const auto& [scenario, at] : e.recovered) {
      const Incident* i = newest(scenario);
      equal(e, "recovery of " + scenario, duration_text(at),
            i && i->recovered_at ? duration_text(*i->recovered_at - story_.start) : "none");
    }
    for (StoryFailure& failure : judge_points(e, story_, state_, settings_, own())) fail(std::move(failure));
    for (const auto& [scenario, steps] : e.steps)
      for (const auto& [id, state] : steps) {
        const Incident* i = worked_on(state_.record, scenario);
        const IncidentStep* step = i ? i->step(id) : nullptr;
        equal(e, "step " + id + " of " + scenario, state, step ? std::string(state_name(step->state)) : "none");
      }
  }

  const Story& story_;
  const Settings& settings_;
  Time now_;
  OwnClock clock_;   // drwatch's
  Duration set_{0};  // what the wall's clock was set by, all in all
  Schedule schedule_;
  State state_;
  std::optional<Time> due_;
  struct Late {
    Time from{}, until{};
    std::set<std::string> again;  // probes whose runs looked bad meanwhile
  };
  std::optional<Late> late_;  // drwatch's own loop is
  std::multimap<Time, const StoryDeed*> deeds_;
  struct Sky {
    std::vector<const StoryChange*> coming;            // the next one last
    std::vector<const StoryChange*> holding;           // in the order of the file
    std::map<const StoryChange*, std::uint64_t> runs;  // so far, of those with a share
  };
  std::map<std::string, Sky> skies_;  // by probe
  std::map<std::string, std::string> kept_on_disk_;
  StoryResult result_;
};

}  // namespace

StoryResult run_story(const Story& story, const Settings& settings) { return Stage(story, settings).play(); }

}  // namespace drwatch
