// SPDX-License-Identifier: Apache-2.0
// Jobs whose runs are read: rows as pg_cron 1.4 wrote them, against the clock.
#include <doctest/doctest.h>

#include "platform.hpp"

namespace read_jobs_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

using RunState = JobRunSeen::State;

Time at(const std::string& clock) { return *parse_time("2026-03-01T" + clock + "Z"); }

JobRunSeen run(std::int64_t id, RunState state, const std::string& started, const std::string& ended = "", std::string message = "") {
  JobRunSeen r;
  r.id = id;
  r.state = state;
  if (!started.empty()) r.started = at(started);
  if (!ended.empty()) r.ended = at(ended);
  r.message = std::move(message);
  return r;
}

// A job of every minute that has 3 minutes to start and 10 to run.
struct Scheduled {
  Scheduled() : stage(settings()) {}

  static Settings settings() {
    Settings s = platform();
    ProbeSettings& p = s.probes["nightly"];
    p.kind = "pg_cron";
    p.traits = {.reads_jobs = true};
    p.job->read = true;
    p.job->schedule.reset();
    p.job->start_grace = minutes{3};
    p.job->max_runtime = minutes{10};
    return s;
  }

  // What a look at `now` reads.
  void look(const std::string& clock, std::vector<JobRunSeen> runs) {
    stage.pass(at(clock) - stage.now);
    Outcome o = outcome_of(Health::up, Reason::none, "", "read");
    o.at = stage.now;
    o.job = JobReading{job, stage.now, started, schedule, "UTC", std::move(runs), complete};
    stage.feed(Ran{"nightly", o});
  }
  void unlooked(const std::string& clock) {
    stage.pass(at(clock) - stage.now);
    Outcome o = outcome_of(Health::unknown, Reason::connect, "ECONNREFUSED", "refused");
    o.at = stage.now;
    stage.feed(Ran{"nightly", o});
  }
  std::string is() { return std::string(health_name(stage.probe("nightly"))); }
  std::string says() { return stage.state.sight.probes["nightly"].last->message; }
  const JobKept& kept() { return stage.state.kept.jobs["nightly"]; }

  Stage stage;
  std::int64_t job = 7;
  Time started = at("00:00:00");
  std::string schedule = "* * * * *";
  bool complete = true;
};

}  // namespace

TEST_CASE("a read job: in time, late, missed, and up again with the next success") {
  Scheduled s;
  s.look("02:00:10", {run(1, RunState::succeeded, "02:00:00", "02:00:01")});
  CHECK(s.is() == "up");
  s.look("02:01:10", {});
  CHECK(s.is() == "up");
  s.look("02:01:30", {});
  CHECK(s.is() == "degraded");
  s.look("02:04:05", {});
  CHECK(s.is() == "down");
  CHECK(s.says().find("missed its run due at") != std::string::npos);
  s.look("02:05:05", {run(2, RunState::running, "02:05:00")});
  CHECK(s.is() == "down");
  s.look("02:05:20", {run(2, RunState::succeeded, "02:05:00", "02:05:10")});
  CHECK(s.is() == "up");
  s.look("02:06:05", {run(3, RunState::succeeded, "02:06:00", "02:06:01")});
  CHECK(s.kept().accounted == at("02:06:00"));
}

TEST_CASE("a read job: what is due while it runs is queued, and the burst afterwards answers it, in order") {
  Scheduled s;
  s.schedule = "* * * * *";
  s.look("02:09:05", {run(42, RunState::running, "02:09:00.009")});
  CHECK(s.is() == "unknown");  // nothing is proven yet
  s.look("02:11:05", {run(42, RunState::running, "02:09:00.009")});
  CHECK(s.stage.state.sight.probes["nightly"].last->facts.at("queued") == "2");
  s.look("02:11:20",
         {run(42, RunState::succeeded, "02:09:00.009", "02:11:10.080"), run(43, RunState::succeeded, "02:11:10.094", "02:11:10.098"),
          run(44, RunState::succeeded, "02:11:10.104", "02:11:10.105")});
  CHECK(s.is() == "up");
  CHECK(s.kept().accounted == at("02:11:00"));
  CHECK_FALSE(s.kept().missed_at);
  s.look("02:12:05", {run(45, RunState::succeeded, "02:12:00", "02:12:01")});
  CHECK(s.kept().accounted == at("02:12:00"));
}

TEST_CASE("a read job: a queue that the server took with it is missed, and later runs answer their own time") {
  Scheduled s;
  s.look("02:39:10", {run(10, RunState::succeeded, "02:39:00", "02:39:01")});
  s.look("02:41:30", {run(11, RunState::running, "02:40:00")});
  s.started = at("02:41:50");
  s.look("02:42:10",
         {run(11, RunState::failed, "02:40:00", "", "server restarted"), run(12, RunState::failed, "02:42:00.1", "02:42:00.2", "x")});
  CHECK(s.is() == "down");
  CHECK(s.kept().missed_at == at("02:41:00"));
  CHECK(s.kept().accounted == at("02:42:00"));
  s.look("02:43:10", {run(13, RunState::succeeded, "02:43:00", "02:43:01")});
  CHECK(s.is() == "up");
}

TEST_CASE("a read job: rows without times, a failure until the next success, a row that only says that it runs") {
  Scheduled s;
  s.look("02:00:10", {run(1, RunState::succeeded, "02:00:00", "02:00:01")});
  s.look("02:01:10", {run(2, RunState::failed, "", "", "connection failed")});
  CHECK(s.is() == "down");
  CHECK(s.says().find("connection failed") != std::string::npos);
  CHECK(s.kept().accounted == at("02:01:00"));
  s.look("02:02:10", {run(3, RunState::succeeded, "02:02:00", "02:02:01")});
  CHECK(s.is() == "up");
  s.look("02:03:10", {run(4, RunState::running, "")});
  CHECK(s.is() == "up");
  s.started = at("02:03:30");  // and the row was never mended
  s.look("02:03:40", {run(4, RunState::running, "")});
  CHECK(s.is() == "down");
  CHECK(s.says().find("restarted") != std::string::npos);
}

TEST_CASE("a read job: running over, and twice over") {
  Scheduled s;
  s.look("02:00:10", {run(1, RunState::succeeded, "02:00:00", "02:00:01")});
  s.look("02:11:05", {run(2, RunState::running, "02:01:00")});
  CHECK(s.is() == "degraded");
  s.look("02:21:05", {run(2, RunState::running, "02:01:00")});
  CHECK(s.is() == "down");
  s.look("02:21:11", {run(2, RunState::succeeded, "02:01:00", "02:21:10"), run(3, RunState::succeeded, "02:21:10.1", "02:21:10.2")});
  CHECK(s.is() == "up");  // in the middle of the burst: nineteen more are waiting
  s.look("02:25:30", {});
  CHECK(s.is() == "down");
}

TEST_CASE("a read job: while the database is away nothing is called missed; afterwards what it did not run is") {
  Scheduled s;
  s.look("02:00:10", {run(1, RunState::succeeded, "02:00:00", "02:00:01")});
  s.unlooked("02:10:00");
  CHECK(s.is() == "unknown");
  s.started = at("02:09:50");
  s.look("02:10:20", {});
  CHECK(s.is() == "down");
  CHECK(s.kept().missed_at == at("02:01:00"));

  Scheduled fine;  // it was only drwatch that could not reach it
  fine.look("02:00:10", {run(1, RunState::succeeded, "02:00:00", "02:00:01")});
  fine.unlooked("02:02:30");
  fine.look("02:02:40", {run(2, RunState::succeeded, "02:01:00", "02:01:01"), run(3, RunState::succeeded, "02:02:00", "02:02:01")});
  CHECK(fine.is() == "up");
}

TEST_CASE("a read job: more runs than were read, a job made anew, a history that begins anew") {
  Scheduled s;
  s.look("02:00:10", {run(1, RunState::succeeded, "02:00:00", "02:00:01")});
  s.complete = false;
  s.look("02:30:10", {run(30, RunState::succeeded, "02:29:00", "02:29:01"), run(31, RunState::succeeded, "02:30:00", "02:30:01")});
  CHECK(s.is() == "up");
  CHECK_FALSE(s.kept().missed_at);
  s.complete = true;
  s.job = 8;
  s.look("02:35:10", {run(40, RunState::succeeded, "02:35:00", "02:35:01")});
  CHECK(s.is() == "up");
  s.look("02:36:10", {run(1, RunState::failed, "02:36:00", "02:36:01", "no")});
  CHECK(s.is() == "down");
  s.look("02:37:10", {run(2, RunState::succeeded, "02:37:00", "02:37:01")});
  CHECK(s.is() == "up");
  s.look("02:38:10",
         {run(2, RunState::succeeded, "02:37:00", "02:37:01"), run(3, RunState::succeeded, "02:38:00", "02:38:01")});  // told twice
  CHECK(s.kept().last_run == 3);
}

TEST_CASE("a read job: every schedule that pg_cron has, and one that nobody understands") {
  Scheduled s;
  s.schedule = "@reboot";
  s.look("02:00:10", {run(1, RunState::succeeded, "02:00:00", "02:00:01")});
  s.look("12:00:00", {});
  CHECK(s.is() == "up");
  Scheduled often;
  often.schedule = "30 seconds";
  often.look("02:00:10", {run(1, RunState::succeeded, "02:00:00", "02:00:01")});
  often.look("02:03:40", {});
  CHECK(often.is() == "down");
  Scheduled odd;
  odd.schedule = "whenever";
  odd.look("02:00:10", {run(1, RunState::succeeded, "02:00:00", "02:00:01")});
  CHECK(odd.is() == "unknown");
}

TEST_CASE("a read job: what is kept of it survives a restart of drwatch") {
  Scheduled s;
  s.look("02:00:10", {run(1, RunState::succeeded, "02:00:00", "02:00:01"), run(2, RunState::running, "02:00:05")});
  Kept again;
  restore_kept(again, "job/nightly", kept_text(s.stage.state.kept, "job/nightly"));
  const JobKept& k = again.jobs.at("nightly");
  CHECK(k.job_id == 7);
  CHECK(k.last_run == 2);
  CHECK(k.accounted == s.kept().accounted);
  CHECK(k.free_since == s.kept().free_since);
  CHECK(k.running.size() == 1);
  restore_kept(again, "job/nightly",
               R"({"last_ping_at":null,"running":[],"last_ended_well":null,"last_message":""})");  // of an older release
  CHECK(again.jobs.at("nightly").last_run == 0);
}

}  // namespace read_jobs_test
