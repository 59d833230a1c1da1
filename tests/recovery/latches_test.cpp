// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "platform.hpp"

namespace latches_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

Time at(const std::string& clock) { return *parse_time("2026-03-01T" + clock + "Z"); }

struct Watched : Stage {
  Watched() : Stage(platform()) {}
  void run(std::vector<Latch> latches, Health seen = Health::up) {
    pass(seconds{30});
    Outcome o = outcome_of(seen, seen == Health::up ? Reason::none : Reason::connect, "", seen == Health::up ? "fine" : "refused");
    o.at = now;
    o.latches = std::move(latches);
    feed(Ran{"primary", o});
  }
  void runs(int times, std::vector<Latch> latches) {
    for (int i = 0; i < times; ++i) run(latches);
  }
  std::string is() { return std::string(health_name(probe("primary"))); }
  std::size_t told() {
    return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [](const Event& e) { return e.kind == "probe.latched"; }));
  }
};

const Latch corrupt{"checksums", at("01:30:00"), "1 checksum failure"};

}  // namespace

TEST_CASE("a latch: one run is enough, later good runs don't undo it, and it is told once") {
  Watched w;
  w.runs(2, {});
  CHECK(w.is() == "up");
  w.run({corrupt});
  w.runs(4, {});  // the counter was lost with a crash of the server
  CHECK(w.is() == "down");
  CHECK(w.told() == 1);
  CHECK(w.state.record.probes["primary"].message.find("latched until acknowledged") != std::string::npos);
  w.run({}, Health::unknown);
  w.run({}, Health::unknown);
  w.run({}, Health::unknown);
  CHECK(w.is() == "down");  // what is known stays known while it can't be asked
}

TEST_CASE("a latch: acknowledged it is as its runs are, until something newer happens") {
  Watched w;
  w.runs(4, {corrupt});
  Latch more = corrupt;
  more.at = at("01:40:00");
  w.run({more});  // it went on
  CHECK(w.told() == 1);
  const Decision done = w.feed(AcknowledgeProbe{"primary", "anna", "restored from backup"});
  CHECK_FALSE(done.refused);
  CHECK(done.run_now == std::vector<std::string>{"primary"});
  w.runs(3, {more});  // still in the counters
  CHECK(w.is() == "up");
  CHECK(w.feed(AcknowledgeProbe{"primary", "anna", ""}).refused->status == 409);
  CHECK(w.feed(AcknowledgeProbe{"none", "anna", ""}).refused->status == 404);
  more.at = at("02:10:00");
  w.runs(3, {more});
  CHECK(w.is() == "down");
  CHECK(w.told() == 2);
  CHECK(to_json(w.state.record) == to_json(w.replayed));  // the journal alone gives it back
  CHECK(record_from_json(to_json(w.state.record)).probes["primary"].latches.at("checksums").at == more.at);
}

TEST_CASE("a latch: it survives a restart and a reload, and goes with its probe") {
  Watched w;
  w.runs(4, {corrupt});
  w.feed(DaemonStarted{"test"});
  w.feed(ConfigurationLoaded{{"primary"}});
  w.runs(4, {});
  CHECK(w.is() == "down");
  Settings without = w.settings;
  without.probes.erase("primary");
  without.components["database"].probes.clear();
  w.settings = without;
  w.feed(ConfigurationLoaded{});
  CHECK_FALSE(w.state.record.probes.contains("primary"));
}

}  // namespace latches_test
