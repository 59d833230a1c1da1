// SPDX-License-Identifier: Apache-2.0
// A seeded world: a platform that breaks and mends, an Alertmanager that comes and goes, a disk that fails. Everything random comes from
// one seed.
#pragma once

#include "chance.hpp"
#include "daemon/journal/journal.hpp"
#include "probes/probe.hpp"
#include "probes/seams/world.hpp"
#include "virtual_clock.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>

namespace drwatch::sim {

// What is true of the simulated platform, and what the probes were allowed to see of it.
struct Truth {
  struct Target {
    Health health = Health::up;
    bool stalls = false;  // never answers
    bool lies = false;    // now so, now so
    Time last_archived{};
    bool archiving = true;
  };
  std::map<std::string, Target> targets;  // by probe
  bool alertmanager_away = false;
  bool disk_full = false;
};

// Counts runs: no probe overlaps itself or is starved.
struct RunLedger {
  std::map<std::string, int> running;
  std::map<std::string, std::chrono::nanoseconds> last_begun;  // by BOOTTIME: the wall clock jumps
  bool overlapped = false;
};

class SimProbe : public Probe {
 public:
  SimProbe(std::string name, bool backup, Truth& truth, Chance& chance, RunLedger& runs)
      : name_(std::move(name)), backup_(backup), truth_(truth), chance_(chance), runs_(runs) {}
  Task<Outcome> run(World& world) override;

 private:
  std::string name_;
  bool backup_;
  Truth& truth_;
  Chance& chance_;
  RunLedger& runs_;
};

// Alertmanager as far as a client sees it: identity is the label set, an alert stands until its endsAt.
class SimHttp : public Http {
 public:
  SimHttp(Clock& clock, Truth& truth, Chance& chance) : clock_(clock), truth_(truth), chance_(chance) {}
  Task<Result<HttpResponse>> fetch(HttpRequest request, Phases& phases) override;
  std::set<std::map<std::string, std::string>> standing();
  void forget() { alerts_.clear(); }  // it restarted

 private:
  struct Kept {
    Time starts_at, ends_at;
  };
  HttpResponse take(const std::string& body);
  HttpResponse list();

  Clock& clock_;
  Truth& truth_;
  Chance& chance_;
  std::map<std::map<std::string, std::string>, Kept> alerts_;
};

// Commits what was written after a while, or not at all while the disk is full. What was not committed is gone with a crash.
class SimDisk {
 public:
  std::vector<Event> events;
  std::map<std::string, std::string> kept;
};
class SimJournal : public Journal {
 public:
  SimJournal(boost::asio::any_io_executor loop, SimDisk& disk, Truth& truth) : loop_(std::move(loop)), disk_(disk), truth_(truth) {}
  ~SimJournal() override { *alive_ = false; }
  void write(JournalWrite write, std::function<void()> done) override;
  void snapshot(std::uint64_t, std::string) override {}
  void on_health(std::function<void(std::string)> callback) override { health_ = std::move(callback); }
  void on_commit(std::function<void(Duration, std::size_t)> callback) override { commit_ = std::move(callback); }
  std::size_t waiting() const override { return queue_.size(); }
  void close() override { flush(); }
  // The disk's turn: commits what waits, or fails.
  void flush();

 private:
  boost::asio::any_io_executor loop_;
  SimDisk& disk_;
  Truth& truth_;
  std::deque<std::pair<JournalWrite, std::function<void()>>> queue_;
  std::function<void(std::string)> health_;
  std::function<void(Duration, std::size_t)> commit_;
  bool failing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// What the simulated platform has no use for.
struct NoResolver : Resolver {
  Task<Result<Resolved>> resolve(std::string, Family, std::vector<std::string>) override;
};
struct NoNet : Net {
  Task<Result<Connected>> connect(std::string, std::uint16_t, Family, std::optional<TlsSettings>, Phases&) override;
};
struct NoPostgres : Postgres {
  Task<Result<std::unique_ptr<PgConnection>>> connect(Secret, Phases&) override;
};
struct NoExec : Exec {
  Task<Result<ExecResult>> run(ExecRequest) override;
};
struct NoFiles : Files {
  Task<Result<Listed>> list(std::string, std::function<void(std::vector<FileEntry>)>) override;
  Task<Result<std::string>> read(std::string, std::size_t) override;
};

}  // namespace drwatch::sim
