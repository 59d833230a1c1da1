// SPDX-License-Identifier: Apache-2.0
// A signal is raised for as long as anybody raises it: a person, and each alert for itself.
#include <doctest/doctest.h>

#include "daemon/recovery/seen/signals.hpp"
#include "platform.hpp"

#include <nlohmann/json.hpp>

namespace signals_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {
Decision alert(Stage& stage, const std::string& fingerprint, bool raised) {
  return stage.feed(SetSignal{"breach", raised, "alertmanager", "Alertmanager: OddLogins", fingerprint});
}
Decision person(Stage& stage, bool raised, bool force = false) { return stage.feed(SetSignal{"breach", raised, "lena", "", "", force}); }
const SignalRecord& signal(Stage& stage) { return stage.state.record.signals.at("breach"); }
bool said(const Decision& d, const std::string& kind) { return !d.events.empty() && d.events.front().kind == kind; }
}  // namespace

TEST_CASE("two alerts raise it, one is resolved: it stands; in whatever order they come") {
  Stage stage(platform());
  CHECK(said(alert(stage, "a", true), "signal.raised"));
  const Time since = signal(stage).since;
  stage.pass(minutes{5});
  CHECK(said(alert(stage, "b", true), "signal.changed"));
  CHECK(alert(stage, "b", true).events.empty());  // an Alertmanager repeats itself
  CHECK(said(alert(stage, "a", false), "signal.changed"));
  CHECK(signal(stage).raised);
  CHECK(signal(stage).since == since);
  CHECK(alert(stage, "never heard of", false).events.empty());
  CHECK(signal(stage).raised);
  CHECK(said(alert(stage, "b", false), "signal.cleared"));
  CHECK_FALSE(signal(stage).raised);
}

TEST_CASE("a person and an alert: clearing one is not clearing the other") {
  Stage stage(platform());
  person(stage, true);
  alert(stage, "a", true);
  CHECK(who_raises(signal(stage)) == "lena and an alert");
  alert(stage, "a", false);
  CHECK(signal(stage).raised);
  alert(stage, "a", true);
  CHECK_FALSE(person(stage, false).refused);
  CHECK(signal(stage).raised);
  CHECK(signal(stage).by == "alertmanager");

  // Nothing of a person's is left to clear: said, with what to do. An alert whose end was missed is cleared by force.
  const Decision refused = person(stage, false);
  REQUIRE(refused.refused);
  CHECK(refused.refused->status == 409);
  CHECK(refused.refused->title == "signal breach is raised by an alert");
  CHECK(said(person(stage, false, true), "signal.cleared"));
  CHECK_FALSE(signal(stage).raised);
  CHECK(signal(stage).raisings.empty());
}

TEST_CASE("each raising expires by itself, and an alert that goes on renews its own") {
  Settings settings = platform();
  settings.signals["breach"].expires = hours{10};
  Stage stage(settings);
  person(stage, true);
  stage.pass(hours{4});
  alert(stage, "a", true);
  stage.pass(minutes{5});
  CHECK(alert(stage, "a", true).events.empty());  // its time has hardly begun
  stage.pass(hours{2});
  CHECK(said(alert(stage, "a", true), "signal.changed"));
  stage.pass(hours{5});
  CHECK(signal(stage).raised);  // the person's is over
  CHECK(who_raises(signal(stage)) == "an alert");
  stage.pass(hours{6});
  CHECK_FALSE(signal(stage).raised);
  CHECK(stage.events.back().kind == "signal.expired");
}

TEST_CASE("an alert that started again is a new one, also when its end never came; the same one repeated is not") {
  Stage stage(platform());
  const auto fires = [&](Time since) { return stage.feed(SetSignal{"breach", true, "alertmanager", "", "a", false, since}); };
  const Time first = stage.now, later = stage.now + hours{1};
  CHECK(said(fires(first), "signal.raised"));
  const Time raised = signal(stage).raised_at;
  stage.pass(hours{2});
  CHECK(fires(first).events.empty());
  CHECK(signal(stage).raised_at == raised);
  CHECK(said(fires(later), "signal.changed"));
  CHECK(signal(stage).raised_at == stage.now);
  CHECK(signal(stage).since == raised);
  CHECK(fires(later).events.empty());
  CHECK(to_json(stage.state.record) == to_json(stage.replayed));
  CHECK(snapshot_text(*record_of_snapshot(snapshot_text(stage.state.record))) == snapshot_text(stage.state.record));
}

TEST_CASE("who raises a signal comes back from a snapshot; of an older one it was a person") {
  Stage stage(platform());
  person(stage, true);
  alert(stage, "a", true);
  const std::string text = snapshot_text(stage.state.record);
  const auto again = record_of_snapshot(text);
  REQUIRE(again);
  CHECK(again->signals.at("breach").raisings.size() == 2);
  CHECK(snapshot_text(*again) == text);
}

}  // namespace signals_test
