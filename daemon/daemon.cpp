// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.hpp"

#include "daemon/answers.hpp"
#include "daemon/recovery/alerts/wanted.hpp"
#include "daemon/recovery/record/evidence.hpp"
#include "probes/seams/within.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace drwatch {
namespace {

// After how long kept values are written: so much of them is lost when the process dies.
constexpr Duration kept_turn = seconds{2};
constexpr Duration stop_patience = seconds{10};

const std::vector<double> lag_bounds = {0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
const std::vector<double> append_bounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};

// Events after which other alerts stand, or their words have changed.
bool concerns_alerts(const Event& e) {
  return e.kind.starts_with("alert.") || e.kind.starts_with("incident.") || e.kind.starts_with("step.") || e.kind.starts_with("drill.");
}

}  // namespace

Daemon::Daemon(Parts parts, std::shared_ptr<const Settings> settings, Restored restored)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      secrets_now_(secrets_of(*settings_)),
      secrets_(secrets_now_),
      log_(parts_.log),
      tasks_(parts_.world.executor, [this](const std::string& task, std::exception_ptr error) { failed(task, error); }),
      keeping_(parts_.world.executor, parts_.world.clock, parts_.journal),
      alerting_(parts_.world, log_, tasks_),
      scheduler_(parts_.world, tasks_, [this](const ProbeSettings& probe) { return make_probe(probe); },
                 {.now = [this] { return now(); },
                  .ran = [this](const std::string& probe, Outcome outcome, Duration late) { ran(probe, std::move(outcome), late); },
                  .confirming = [this](const std::string& probe) { return confirming(state_, probe); },
                  .due = [this] { return due_; },
                  .tick = [this] { feed(Tick{}); },
                  .failed = [this](const std::string& probe, std::exception_ptr error) { failed("probe " + probe, error); },
                  .late_since = [this](std::chrono::nanoseconds began) { return loop_.late_in(began, parts_.world.clock.boottime()); }}),
      deadman_(parts_.world, log_, tasks_, [this] { return scheduler_.on_schedule(); }),
      reloaded_(parts_.world.executor) {
  log_.keep(secrets_);
  state_.record = std::move(restored.record);
  state_.kept = std::move(restored.kept);
  recent_ = std::move(restored.recent);
  for (const auto& [key, text] : restored.answers)
    if (auto answer = answer_from(text)) answers_[key] = *answer;
  figures_.version = DRWATCH_VERSION;
  figures_.loop_lag.bounds = lag_bounds;
  figures_.loop_lag.counts.resize(lag_bounds.size() + 1);
  figures_.journal_append.bounds = append_bounds;
  figures_.journal_append.counts.resize(append_bounds.size() + 1);
  if (!restored.notice.empty()) log_.line(Importance::error, restored.notice);
}

Daemon::~Daemon() { *exists_ = false; }

void Daemon::start() {
  clock_ = OwnClock(clocks(), state_.record.at, state_.kept.alive_at);
  figures_.started_at = clock_.last();
  figures_.last_reload_at = clock_.last();
  snapshot_seq_ = state_.record.seq;
  parts_.journal.on_health([this, exists = exists_](const std::string& error) {
    if (*exists) journal_error_ = error, watch_journal();
  });
  parts_.journal.on_commit([this, exists = exists_](Duration took, std::size_t) {
    if (*exists) figures_.journal_append.observe(in_seconds(took));
  });
  feed(DaemonStarted{DRWATCH_VERSION});
  if (clock_.turned_back()) {
    nothing_later_than(clock_.last());
    feed(*clock_.turned_back());
  }
  // At once: a life that ends before the first turn of the house must not leave behind that nobody knows how long it lasted.
  state_.kept.alive_at = clock_.last();
  keeping_.write_kept(state_.kept);
  feed(ConfigurationLoaded{});
  alerting_.load(settings_);
  want_alerts(true);
  deadman_.load(settings_->deadman);
  scheduler_.load(settings_);
  scheduler_.start();
  tasks_.spawn("housekeeping", keep_house());
}

Task<void> Daemon::stop(std::string reason) {
  if (stopping_) co_return;
  feed(DaemonStopped{reason});
  resume();
  stopping_ = true;
  deadman_.stop();
  alerting_.stop();
  tasks_.cancel_all();
  co_await within(parts_.world.clock, stop_patience, [](TaskGroup& tasks) -> Task<bool> {
    co_await tasks.join();
    co_return true;
  }(tasks_));
  keeping_.write_kept(state_.kept);
  keeping_.write_gathered();
  if (state_.record.seq != snapshot_seq_) parts_.journal.snapshot(state_.record.seq, snapshot_text(state_.record));
  parts_.journal.close();
}

// ---- time

Time Daemon::now() const { return clock_.now(parts_.world.clock.now()); }

OwnClock::Reading Daemon::clocks() const { return {parts_.world.clock.now(), parts_.world.clock.boottime()}; }

// A jump is decided on before anything else, so that nothing is judged by time that nobody watched. Deciding on it comes back here through
// feed(); `watching_clock_` ends that circle.
void Daemon::watch_clock() {
  if (watching_clock_) return;
  watching_clock_ = true;
  const OwnClock::Seen seen = clock_.look(clocks());
  if (seen.moved != Duration{0}) scheduler_.shift(seen.moved);
  if (seen.moved < Duration{0}) nothing_later_than(clock_.last());
  if (seen.jumped) feed(*seen.jumped);
  watching_clock_ = false;
}

// Own time went back: what lies in the future now would be kept until then.
void Daemon::nothing_later_than(Time now) {
  for (auto& [key, answer] : answers_) answer.first = std::min(answer.first, now);
  figures_.started_at = std::min(figures_.started_at, now);
  if (figures_.last_reload_at) figures_.last_reload_at = std::min(*figures_.last_reload_at, now);
}

// A few times a second: how late the loop is, whether the clock jumped, how the journal is. Every two seconds kept values are written,
// unless the disk is so far behind that they would only add to it. Every 5000 events a snapshot.
Task<void> Daemon::keep_house() {
  auto kept_at = parts_.world.clock.boottime();
  for (;;) {
    auto before = parts_.world.clock.boottime();
    loop_.sleeps_until(before + parts_.house_turn);
    co_await parts_.world.clock.sleep_for(parts_.house_turn);
    auto late = parts_.world.clock.boottime() - before - parts_.house_turn;
    figures_.loop_lag.observe(std::max(0.0, std::chrono::duration<double>(late).count()));
    if (parts_.alive) parts_.alive();
    // A bug in one turn must not end the ones after it: the journal would be watched no more.
    try {
      watch_clock();
      watch_loop();
      watch_journal();
      if (parts_.world.clock.boottime() - kept_at < kept_turn) continue;
      kept_at = parts_.world.clock.boottime();
      write_down();
    } catch (const std::exception&) {
      failed("housekeeping", std::current_exception());
    }
  }
}

// A stretch in which every turn was late is told to the heart when it is long enough, and when it is over.
void Daemon::watch_loop() {
  const auto at = parts_.world.clock.boottime();
  if (loop_.turned(at)) {
    feed(LoopLate{false, {}});
    scheduler_.on_time_again();
  }
  const auto since = loop_.late_since();
  if (since && at - *since > LoopWatch::blind_after) feed(LoopLate{true, now() - std::chrono::ceil<Duration>(at - *since)});
}

// A new probe is told what its last run handed back, if it was made with the same settings.
std::unique_ptr<Probe> Daemon::make_probe(const ProbeSettings& settings) const {
  auto probe = parts_.make_probe(settings);
  const std::string* memory = memory_of(state_.kept, settings);
  if (probe && memory) probe->recall(*memory);
  return probe;
}

// ---- deciding

// The times of other clocks are brought to drwatch's own, which is ahead of the wall clock after that was set back. If the clock was set
// while the run was under way, nobody can say on which side of that its times lie, and a recovery point could come out hours in the future:
// those times are dropped, and the next run brings new ones.
void Daemon::ran(const std::string& probe, Outcome outcome, Duration late) {
  watch_clock();
  const bool was_set = clock_.was_set_since(outcome.at);
  outcome.at = std::min(outcome.at, clock_.last());  // a run that began before own time went back
  if (was_set) {                                     // what begins with the notice begins behind it
    outcome.canary.reset();
    if (outcome.recovery && outcome.recovery->safe) outcome.recovery->time.reset();
    if (outcome.recovery && !outcome.recovery->safe) outcome.recovery.reset();
  }
  Duration ahead = clock_.ahead();
  if (outcome.recovery && outcome.recovery->time) {
    ahead = clock_.ahead_of(*outcome.recovery->time);
    *outcome.recovery->time += ahead;
  }
  if (outcome.canary) outcome.canary->db_time += clock_.ahead();
  feed(Ran{probe, std::move(outcome), ahead, late});
}

// A decision that breaks off (a bug) leaves half of itself in the state and nothing in the journal. To go on with that would be to watch
// and page wrongly, and in silence: the process ends, loudly, and is started again with what was written.
Decision Daemon::decided(const Input& input) {
  std::string what = "unknown";
  try {
    return decide(state_, *settings_, input, clock_.last(), clock_.ahead());
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  log_.line(Importance::error, "deciding broke off: " + what + "; this is a bug in drwatch, which ends now and is to be started again");
  std::terminate();
}

// The events of an action and the answer to it are one write. If they were two and the process died between them, the repeated request
// would do the action again.
Decision Daemon::feed(Input input, const std::string& key, const std::string& of) {
  if (stopping_) return {};
  hide_secrets(input, secrets_);
  watch_clock();
  Decision decision = decided(input);
  bool answers_job = std::holds_alternative<Pinged>(input);
  std::map<std::string, std::string> beside;
  // What was refused because of how things stood is decided anew once they stand otherwise: a form is sent again from the same page.
  const bool for_now = decision.refused && decision.refused->status == 409;
  if (!key.empty() && !for_now)
    beside = remember_answer(key, {decision.refused, decision.subject, true, false, of, makes_its_subject(decision)});
  if (is_full() && !decision.events.empty())
    leave_out(decision, std::move(beside));
  else if (!decision.events.empty() || answers_job || !beside.empty())
    keeping_.write(decision.events, state_.kept, std::move(beside));
  carry_out(decision);
  return decision;
}

void Daemon::carry_out(const Decision& decision) {
  Keeping::Ticket ticket = keeping_.last();
  due_ = decision.due;  // first, because what is fed below decides anew and moves it on
  if (!decision.endless.empty())
    log_.line(Importance::error, "what follows from one input came to no end and was cut off, at last with " + decision.endless +
                                     "; this is a bug in drwatch");
  for (const Event& event : decision.events) tell(event);
  if (std::any_of(decision.events.begin(), decision.events.end(), concerns_alerts)) {
    alerts_ticket_ = ticket;
    if (!alerts_waiting_) {
      alerts_waiting_ = true;
      tasks_.spawn("alerts", want_when_durable(), [this] { alerts_waiting_ = false; });
    }
  }
  for (const std::string& probe : decision.run_now) scheduler_.run_now(probe);
  for (const StartCommand& command : decision.commands) {
    auto key = std::pair{command.incident, command.step};
    // A command that was cancelled may end after the next one of the same step began: only its own entry is removed.
    auto ended = [this, key, ticket] {
      if (auto running = commands_.find(key); running != commands_.end() && running->second.ticket == ticket) commands_.erase(running);
    };
    auto heard = std::make_shared<std::string>();
    heard_.emplace_back(key, heard);
    if (heard_.size() > heard_kept) heard_.pop_front();
    commands_[key] = {ticket, tasks_.spawn("command " + command.step, run_command(command, ticket, heard), ended), heard};
  }
  for (const CancelCommand& cancel : decision.cancels)
    if (auto running = commands_.find({cancel.incident, cancel.step}); running != commands_.end()) {
      const auto heard = running->second.heard;
      tasks_.cancel(running->second.task);
      feed(CommandEnded{cancel.incident, cancel.step, 130, *heard, cancel.by});
    }
  if (!decision.events.empty() || due_) scheduler_.wake();
}

void Daemon::tell(const Event& event) {
  log_.event(event);
  remember(recent_, event);
  for (auto& follower : followers_) follower(*recent_.back());
}

// A task ended with an exception: a bug, which must not go unseen. The others go on.
void Daemon::failed(const std::string& task, std::exception_ptr error) {
  std::string what = "unknown";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  log_.line(Importance::error, task + " ended with an error: " + what + "; this is a bug in drwatch");
}

// ---- what waits for the disk

void Daemon::want_alerts(bool durable) {
  std::vector<Alert> alerts = standing_alerts(state_, *settings_, now());
  for (Alert& alert : alerts) alert.durable = durable;
  alerting_.want(std::move(alerts));
}

// Alerts are sent when their events are on the disk, so that no page is about something a restart knows nothing of. They wait no longer
// than `[journal] patience`: a full disk must not keep people asleep. Events that come meanwhile make another round.
Task<void> Daemon::want_when_durable() {
  Keeping::Ticket told = 0;
  while (told < alerts_ticket_) {
    told = alerts_ticket_;
    bool durable = co_await keeping_.until_durable(told, settings_->journal.patience);
    want_alerts(durable);
  }
}

// A command must not run twice. It starts only when the event that says so is on the disk, however long that takes: otherwise a restart
// would not know that it ran.
Task<void> Daemon::run_command(StartCommand command, Keeping::Ticket ticket, std::shared_ptr<std::string> heard) {
  co_await keeping_.until_durable(ticket);
  ExecRequest request;
  request.argv = command.argv;
  request.heard = heard;
  auto ended = co_await within(parts_.world.clock, command.timeout, parts_.world.exec.run(std::move(request)));
  CommandEnded tells{.incident = command.incident, .step = command.step};
  if (!ended) {
    const std::string words = "ended after its timeout of " + duration_words(command.timeout);
    tells.exit_code = 124;
    tells.output = *heard + (heard->empty() || heard->back() == '\n' ? "" : "\n") + words;
  } else if (!*ended) {
    tells.exit_code = 127;
    tells.output = ended->error().message;
  } else {
    tells.exit_code = (*ended)->exit_code;
    tells.output = (*ended)->output + (*ended)->errors;
  }
  if (!command.evidence.empty()) {
    auto evidence = co_await parts_.world.files.read(command.evidence, DrillEvidence::most_bytes + 1);
    if (evidence)
      tells.evidence = std::move(*evidence);
    else if (evidence.error().code != "ENOENT")
      tells.evidence_wrong = evidence.error().message;
  }
  const Decision decision = feed(std::move(tells));
  // What no event has stays, for people to look at: it was not read or not understood, is of another drill, or drwatch ends meanwhile. What
  // an event has is kept by it from when it is on the disk.
  if (!keeps_document(decision)) co_return;
  co_await keeping_.until_durable(keeping_.last());
  // Not written into the co_await itself: g++ 12 destroys what such a temporary holds twice.
  std::function<void()> remove = [file = command.evidence] {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
  };
  co_await parts_.world.files.beside(command.evidence, std::move(remove));
}

Task<std::vector<std::pair<std::string, bool>>> Daemon::send_test_alert() {
  std::vector<std::pair<std::string, bool>> lines = co_await alerting_.test();
  for (auto& [line, taken] : lines) secrets_.hide(line);
  co_return lines;
}

// ---- for the web room

DaemonFigures Daemon::figures() const {
  DaemonFigures f = figures_;
  f.journal_waiting = parts_.journal.waiting();
  f.journal_waiting_bytes = parts_.journal.waiting_bytes();
  f.journal_not_made_up = left_out_.events + (keeping_.durable(covered_ticket_) ? 0 : covered_);
  f.log_lines_lost = parts_.log.lost();
  AlertingStatus alerts = alerting_.status();
  f.alerts_active = alerts.active;
  f.alerts_undelivered = alerts.undelivered;
  f.alerts_sent = std::move(alerts.sent);
  for (const auto& [name, probe] : settings_->probes) {
    if (probe.calls_in()) continue;
    auto sight = state_.sight.probes.find(name);
    if (sight == state_.sight.probes.end() || !sight->second.last) f.probes_not_seen.push_back(name);
  }
  return f;
}

std::shared_ptr<void> Daemon::follow(std::function<void(const Event&)> each) {
  followers_.push_back(std::move(each));
  auto at = std::prev(followers_.end());
  return std::shared_ptr<void>(nullptr, [this, at, exists = exists_](void*) {
    if (*exists) followers_.erase(at);
  });
}

std::vector<std::shared_ptr<const Event>> Daemon::events_since(std::uint64_t seq, std::size_t most) const {
  // In order, so its place is found by halving: this is asked for each page and by each reader that comes back.
  auto first = std::partition_point(recent_.begin(), recent_.end(), [&](const auto& event) { return event->seq <= seq; });
  const auto there = static_cast<std::size_t>(recent_.end() - first);
  return {first, first + static_cast<std::ptrdiff_t>(std::min(most, there))};
}

}  // namespace drwatch
