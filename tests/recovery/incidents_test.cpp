// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/incidents.hpp"

#include <doctest/doctest.h>

using namespace drwatch;

namespace {

Incident made(const std::string& id, IncidentState state) {
  Incident incident;
  incident.id = id;
  incident.state = state;
  incident.title = "as it was";
  return incident;
}

}  // namespace

TEST_CASE("a copy of the incidents shares those that are over, and shows what was when it was made") {
  Incidents all;
  all.put(made("live", IncidentState::open));
  all.put(made("looked-well", IncidentState::recovered));
  all.put(made("over", IncidentState::resolved));
  all.put(made("taken-over", IncidentState::absorbed));

  const Incidents copy = all;
  CHECK(copy.size() == 4);
  CHECK(&copy.at("over") == &all.at("over"));
  CHECK(&copy.at("taken-over") == &all.at("taken-over"));
  CHECK(&copy.at("live") != &all.at("live"));
  CHECK(&copy.at("looked-well") != &all.at("looked-well"));

  for (const char* id : {"live", "looked-well", "over", "taken-over"}) {
    const Incident& before = copy.at(id);
    all.edit(id)->title = "as it is";
    CHECK(all.at(id).title == "as it is");
    CHECK(before.title == "as it was");
    all.edit(id)->title = "as it is now";  // its own by now
    CHECK(all.at(id).title == "as it is now");
  }
  all.erase("over");
  CHECK(copy.count("over") == 1);
  CHECK(all.count("over") == 0);

  // A copy is changed like any other, and says nothing to the one that it was made from.
  Incidents second = all;
  second.edit("taken-over")->title = "filed anew";
  CHECK(all.at("taken-over").title == "as it is now");
  second = copy;
  CHECK(second.at("taken-over").title == "as it was");
}

TEST_CASE("an incident is put in the place of the one with its id, and what is not there is not edited") {
  Incidents all;
  CHECK(all.edit("nobody") == nullptr);
  all.erase("nobody");
  all.put(made("one", IncidentState::open));
  all.put(made("one", IncidentState::resolved));
  CHECK(all.size() == 1);
  CHECK(all.begin()->second.state == IncidentState::resolved);
  CHECK(all.find("two") == all.end());
}
