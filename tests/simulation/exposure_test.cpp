// SPDX-License-Identifier: Apache-2.0
// The checker of exposures can fail: what the daemon says is right, and each kind of lie about it is seen.
#include "simulation.hpp"

#include <doctest/doctest.h>

#include <functional>

namespace exposure_test {

using namespace drwatch;
using namespace drwatch::sim;

namespace {

class Exposed {
 public:
  explicit Exposed(std::uint64_t seed = 1) : simulation(seed) { pass(minutes{30}); }
  void pass(Duration d) {
    simulation.pass(d);
    REQUIRE_MESSAGE(simulation.wrong().empty(), simulation.wrong());
  }
  void unreadable(const std::string& probe) { simulation.truth().targets[probe].health = Health::unknown; }
  SimDatabase& database(const std::string& component) { return simulation.platform().databases().at(component); }
  Said said(const std::string& component, DisasterClass c) const {
    for (const Said& s : simulation.said())
      if (s.component == component && s.figure.of_class == c) return s;
    FAIL("no figure");
    return {};
  }
  // Says what is wrong when the figure is as `lie` makes it.
  std::string judged(const std::string& component, DisasterClass c, const std::function<void(Exposure&)>& lie) {
    Said s = said(component, c);
    lie(s.figure);
    return exposure_follows(simulation.platform(), *simulation.daemon().settings(), s, simulation.daemon().now(), false);
  }
  bool caught(const std::string& component, DisasterClass c, const std::function<void(Exposure&)>& lie) {
    return !judged(component, c, lie).empty();
  }
  bool right(const std::string& component, DisasterClass c) {
    return judged(component, c, [](Exposure&) {}).empty();
  }

  Simulation simulation;
};

}  // namespace

TEST_CASE("exposure from a source that does not survive the class is caught") {
  Exposed e;
  e.simulation.truth().targets["wal-archive"].archiving = false;  // only the standby goes on
  e.pass(minutes{10});
  const Exposure host = e.said("database", DisasterClass::host).figure;
  REQUIRE(host.source == "standby");
  for (DisasterClass c : {DisasterClass::logical, DisasterClass::region, DisasterClass::account}) {
    CHECK(e.right("database", c));
    CHECK(e.caught("database", c,
                   [&](Exposure& x) { x.exposure = host.exposure, x.recovery_point = host.recovery_point, x.source = host.source; }));
  }
}

TEST_CASE("a source that cannot be read and counts as fresh is caught") {
  Exposed e;
  for (const char* probe : {"standby", "wal-archive", "repository", "dump"}) e.unreadable(probe);
  e.pass(minutes{10});
  for (DisasterClass c : all_classes) {
    CHECK(e.said("database", c).figure.estimated);
    CHECK(e.right("database", c));
    CHECK(e.caught("database", c, [](Exposure& x) { x.exposure = seconds{20}; }));
    CHECK(e.caught("database", c, [](Exposure& x) { x.estimated = false; }));
  }
}

TEST_CASE("what is known and is not said, and what is not known and is said, are caught") {
  Exposed e;
  CHECK(e.caught("database", DisasterClass::host, [](Exposure& x) { x.exposure.reset(); }));
  CHECK(e.caught("database", DisasterClass::host, [](Exposure& x) { x.no_source = true; }));
  CHECK(e.caught("database", DisasterClass::host, [](Exposure& x) { *x.exposure += minutes{2}; }));
  CHECK(e.caught("database", DisasterClass::host, [](Exposure& x) { x.estimated = true; }));
  CHECK(e.right("quiet", DisasterClass::region));
  CHECK(e.caught("quiet", DisasterClass::region, [](Exposure& x) { x.no_source = false, x.exposure = seconds{20}; }));
  // Its positions mean nothing without a canary.
  CHECK(e.right("reports", DisasterClass::host));
  CHECK(e.caught("reports", DisasterClass::host, [](Exposure& x) { x.estimated = false; }));
}

TEST_CASE("an exposure that grows though nothing is written, or stands still though something is, is caught") {
  Exposed e;
  const Duration before = *e.said("database", DisasterClass::account).figure.exposure;
  e.database("database").writable = false;
  e.pass(minutes{8});
  const Exposure held = e.said("database", DisasterClass::account).figure;
  REQUIRE(held.held_since);
  REQUIRE(*held.exposure < before + minutes{1});
  CHECK(e.right("database", DisasterClass::account));
  CHECK(e.caught("database", DisasterClass::account, [](Exposure& x) { *x.exposure += minutes{8}; }));
  CHECK(e.caught("database", DisasterClass::account, [](Exposure& x) { x.held_since.reset(); }));
  e.database("database").writable = true;
  e.pass(minutes{3});
  CHECK(e.right("database", DisasterClass::account));
  CHECK(e.caught("database", DisasterClass::account, [&](Exposure& x) { x.exposure = held.exposure; }));
  CHECK(e.caught("database", DisasterClass::account, [&](Exposure& x) { x.held_since = held.held_since; }));
}

TEST_CASE("an archiver that is believed though its repository holds nothing of it is caught") {
  Exposed e;
  e.unreadable("dump");
  e.database("database").archive.lies = true;
  e.pass(minutes{12});
  CHECK(e.right("database", DisasterClass::logical));
  CHECK(e.caught("database", DisasterClass::logical, [](Exposure& x) { x.exposure = seconds{40}, x.source = "wal-archive"; }));
}

}  // namespace exposure_test
