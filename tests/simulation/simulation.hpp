// SPDX-License-Identifier: Apache-2.0
// The daemon under a virtual clock in a seeded world with faults: probes failing, stalling, lying; databases that take no writes, archives
// that lie or have gaps, failovers; Alertmanager away; crashes at any moment; clock jumps and pauses; a full disk.
#pragma once

#include "exposure_invariant.hpp"
#include "invariants.hpp"
#include "platform.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace drwatch::sim {

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

// tests/simulation/drwatch.toml
std::shared_ptr<const Settings> simulated_settings();

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed);
  ~Simulation() { die(); }

  // `steps` of ordinary trouble, checked all along; then everything is mended and must come to rest. What was found wrong; empty: nothing.
  std::string run(int steps);
  std::uint64_t fingerprint() const { return stable_hash(to_json(daemon_->state().record).dump()); }

  void pass(Duration d);  // checks the exposures all along
  std::string wrong() const { return wrong_; }
  SimPlatform& platform() { return platform_; }
  Truth& truth() { return truth_; }
  const Daemon& daemon() const { return *daemon_; }
  std::vector<Said> said() const;  // of every component and class
  std::size_t figures_checked() const { return figures_checked_; }

 private:
  std::string why_open(const Incident& incident) const;
  void live();
  void die();
  static Task<void> turn_disk(Simulation& s);
  std::unique_ptr<Probe> probe(const ProbeSettings& settings);
  void trouble();
  void jump(Duration by);
  void work();
  static Task<void> submit(Simulation& s, Input input, std::string note);
  void mend();
  Scene scene() { return {*daemon_, told_, at_start_, replayed_, replayed_events_, disk_, runs_, acknowledged_, http_, clock_}; }
  std::string check();
  std::string check_exposures();

  boost::asio::io_context loop_;
  Chance chance_;
  VirtualClock clock_;
  Truth truth_;
  SimPlatform platform_;
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
  std::string wrong_;
  std::chrono::nanoseconds exposures_at_{0};
  std::size_t figures_checked_ = 0;
  std::unique_ptr<SimJournal> journal_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<TaskGroup> driver_;
};

}  // namespace drwatch::sim
