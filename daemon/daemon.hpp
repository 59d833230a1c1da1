// SPDX-License-Identifier: Apache-2.0
// Wires the parts: the schedule runs probes, what they see is decided, what was decided is written, told and done. The simulation starts
// the same one.
#pragma once

#include "daemon/alerting/alerting.hpp"
#include "daemon/alerting/deadman.hpp"
#include "daemon/clock.hpp"
#include "daemon/desk.hpp"
#include "daemon/journal/exporting.hpp"
#include "daemon/journal/keeping.hpp"
#include "daemon/log/log.hpp"
#include "daemon/loop_watch.hpp"
#include "daemon/restore.hpp"
#include "daemon/scheduler.hpp"
#include "daemon/secrets.hpp"
#include "daemon/tasks/change.hpp"

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace drwatch {

class Daemon : public Desk {
 public:
  // Settings, or the problems.
  struct Loaded {
    std::shared_ptr<const Settings> settings;
    std::vector<std::string> problems;
  };
  struct Parts {
    World world;
    Journal& journal;
    Log& log;
    Scheduler::Make make_probe;
    // Reads the configuration again, beside the loop and in bounded time: its files may lie where nobody answers.
    std::function<Task<Loaded>()> load;
    std::function<void(const Settings&)>
        reloaded;                 // told of new settings: for what is not the daemon's (listening socket, TLS contexts); may be empty
    std::function<void()> alive;  // called while the loop turns; may be empty
    // A copy of the journal, or of a part of it, to be given away; may be empty: nobody can have one.
    std::function<Task<Copied>(std::optional<JournalPart>)> copy_journal{};
    // How often the house is kept, and so how short a stall of the loop may be that is noticed (LoopWatch): by as much more than that.
    Duration house_turn{500};
    JournalBound journal_bound{};
  };
  // `restored`: what the journal had. Nothing runs before start().
  Daemon(Parts parts, std::shared_ptr<const Settings> settings, Restored restored);
  ~Daemon() override;

  // Tells the heart that it started, and begins to run probes, to page and to keep house.
  void start();
  // Ends in good order: nothing new begins, tasks are given 10 s, and what was decided is written.
  Task<void> stop(std::string reason);

  const State& state() const override { return state_; }
  std::shared_ptr<const Settings> settings() const override { return settings_; }
  Time now() const override;
  DaemonFigures figures() const override;
  std::optional<Time> next_run(const std::string& probe) const override { return scheduler_.next_run(probe); }
  Task<Answer> submit(Input input, std::string idempotency_key, std::string of = "") override;
  Task<std::vector<Answer>> submit_all(std::vector<Input> inputs) override;
  Task<std::optional<Outcome>> run_probe(std::string name) override { return scheduler_.next_outcome(std::move(name)); }
  Task<std::vector<std::pair<std::string, bool>>> send_test_alert() override;
  Task<std::vector<std::string>> reload() override;
  Task<Copied> copy_journal(std::string incident) override;
  std::optional<std::string> heard(const std::string& incident, const std::string& step) const override;
  std::shared_ptr<void> follow(std::function<void(const Event&)> each) override;
  std::vector<std::shared_ptr<const Event>> events_since(std::uint64_t seq, std::size_t most) const override;
  std::vector<std::shared_ptr<const Event>> newest_events(std::size_t most) const override {
    return {recent_.end() - static_cast<std::ptrdiff_t>(std::min(most, recent_.size())), recent_.end()};
  }
  TaskGroup& tasks() { return tasks_; }
  Log& log() { return log_; }  // without the secrets of the configuration

 private:
  // A probe's run is over: its times are brought to drwatch's clock, then it is decided on.
  void ran(const std::string& probe, Outcome outcome, Duration late);
  // Decides on one input, writes what was decided, and carries it out. With an idempotency key the answer is written with it.
  Decision feed(Input input, const std::string& idempotency_key = "", const std::string& of = "");
  Decision decided(const Input& input);
  // Logs and streams the events, and starts what the decision asks for: alerts, runs, commands.
  void carry_out(const Decision& decision);
  std::unique_ptr<Probe> make_probe(const ProbeSettings& settings) const;  // with what its last run handed back
  void tell(const Event& event);
  // Gives the alerts that stand now to alerting. `durable`: their events are on the disk.
  void want_alerts(bool durable);
  Task<void> want_when_durable();
  Task<void> run_command(StartCommand command, Keeping::Ticket ticket, std::shared_ptr<std::string> heard);
  Task<void> keep_house();
  OwnClock::Reading clocks() const;
  void watch_clock();
  void nothing_later_than(Time now);
  void watch_loop();
  void watch_journal();
  void write_down();  // kept values, and now and then a snapshot
  // The journal takes no more, until resume().
  bool is_full() const;
  // What was decided stays in the record and is not written event by event.
  void leave_out(Decision& decision, std::map<std::string, std::string> beside);
  void resume();  // when events were left out: writes what they led to
  // Remembers the answer under its key; returns the kept values that this changes.
  std::map<std::string, std::string> remember_answer(const std::string& key, const Answer& answer);
  void failed(const std::string& task, std::exception_ptr error);
  std::vector<std::string> take_over(Loaded next);

  Parts parts_;
  std::shared_ptr<const Settings> settings_;
  Redaction secrets_now_, secrets_;  // all that are configured; these, and those of the last few configurations
  std::deque<Redaction> secrets_before_;
  static constexpr std::size_t secrets_kept = 4;
  DiscreetLog log_;
  State state_;
  TaskGroup tasks_;
  Keeping keeping_;
  Alerting alerting_;
  Scheduler scheduler_;
  Deadman deadman_;
  std::optional<Time> due_;
  RecentEvents recent_;
  std::list<std::function<void(const Event&)>> followers_;
  std::map<std::string, std::pair<Time, Answer>> answers_;
  struct Running {
    Keeping::Ticket ticket;
    TaskGroup::Id task;
    std::shared_ptr<std::string> heard;  // what it has printed so far
  };
  std::map<std::pair<std::string, std::string>, Running> commands_;  // by incident and step
  // What commands have printed, of those that ended as well: the newest `heard_kept`, in the order in which they began.
  std::deque<std::pair<std::pair<std::string, std::string>, std::shared_ptr<std::string>>> heard_;
  static constexpr std::size_t heard_kept = 32;
  DaemonFigures figures_;
  std::uint64_t snapshot_seq_ = 0;
  Keeping::Ticket alerts_ticket_ = 0;  // the write that the alerts wait for
  bool alerts_waiting_ = false;
  OwnClock clock_;
  LoopWatch loop_;
  Change reloaded_;  // a reload is over
  bool reloading_ = false;
  bool watching_clock_ = false, stopping_ = false;
  struct {
    std::uint64_t events = 0;
    Time since{};
  } left_out_;                          // since the journal takes no more
  std::uint64_t covered_ = 0;           // events that were left out before the last resume()
  Keeping::Ticket covered_ticket_ = 0;  // of the write that makes up for them
  std::string journal_error_;           // empty: the journal is being written
  // Callbacks that may come after the daemon is gone hold this, and look first.
  std::shared_ptr<bool> exists_ = std::make_shared<bool>(true);
};

}  // namespace drwatch
