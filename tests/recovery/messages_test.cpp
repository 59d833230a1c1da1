// SPDX-License-Identifier: Apache-2.0
// Messages are drafted anew when what they ask for comes to be known, until somebody has approved them.
#include <doctest/doctest.h>

#include "daemon/recovery/incidents/commands.hpp"
#include "platform.hpp"

#include <algorithm>

namespace messages_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {

Settings with(std::vector<Message> messages) {
  Settings s = platform();
  s.scenarios["database-outage"].messages = std::move(messages);
  return s;
}
Message message(const std::string& id, const std::string& body, Message::When when = Message::When::opened) {
  Message m;
  m.id = id;
  m.audience = "internal";
  m.when = when;
  m.body = body;
  if (when == Message::When::update) m.every = minutes{30};
  return m;
}
const IncidentMessage& drafted(Stage& stage, const std::string& id) {
  const Incident& incident = stage.state.record.incidents.begin()->second;
  const auto found = std::find_if(incident.messages.begin(), incident.messages.end(), [&](const IncidentMessage& m) { return m.id == id; });
  REQUIRE(found != incident.messages.end());
  return *found;
}
std::string opened(Stage& stage) {
  stage.feed(OpenIncident{"database-outage", "lena", ""});
  return stage.state.record.incidents.begin()->first;
}

}  // namespace

TEST_CASE("a message that could not be filled is drafted anew when its names are known") {
  Stage stage(with({message("taken", "{{acknowledged_by}} has it, back to {{recovery_point}}")}));
  const std::string id = opened(stage);
  CHECK(drafted(stage, "taken").state == MessageState::failed);
  const Decision refused = stage.feed(MessageAction{id, "taken", OnMessage::approve, "lena"});
  REQUIRE(refused.refused);
  CHECK(refused.refused->detail.starts_with("acknowledged_by and recovery_point are not known"));
  CHECK(stage.events.back().kind != "message.drafted");

  stage.feed(Acknowledge{id, "lena", ""});
  CHECK(drafted(stage, "taken").missing == std::vector<std::string>{"recovery_point"});
  stage.recovery_point(stage.now - minutes{1});
  stage.pass(minutes{2});
  stage.feed(AddNote{id, "something happens", "lena"});
  CHECK(drafted(stage, "taken").state == MessageState::draft);
  CHECK(drafted(stage, "taken").body.starts_with("lena has it, back to 2026"));
  CHECK_FALSE(stage.feed(MessageAction{id, "taken", OnMessage::approve, "lena"}).refused);
}

TEST_CASE("what a section left out is told in a new draft, but not behind the back of who approved it") {
  const std::string body = "It is slow.{{#acknowledged_by}} {{acknowledged_by}} is on it.{{/acknowledged_by}}";
  Stage stage(with({message("one", body), message("two", body)}));
  const std::string id = opened(stage);
  CHECK(drafted(stage, "one").body == "It is slow.");
  stage.feed(MessageAction{id, "two", OnMessage::approve, "lena"});
  stage.feed(Acknowledge{id, "lena", ""});
  CHECK(drafted(stage, "one").body == "It is slow. lena is on it.");
  CHECK(drafted(stage, "one").unknown.empty());
  CHECK(drafted(stage, "two").body == "It is slow.");
  CHECK(drafted(stage, "two").state == MessageState::approved);
}

TEST_CASE("a name in a section that is left out is not missed") {
  const std::string body = "Stop writes.{{#recovery_point}} To {{recovery_point}}, {{exposure}} lost.{{/recovery_point}}";
  Stage stage(with({message("one", body)}));
  const std::string id = opened(stage);
  CHECK(drafted(stage, "one").state == MessageState::draft);
  CHECK(drafted(stage, "one").body == "Stop writes.");
  stage.recovery_point(stage.now - minutes{1});
  stage.feed(AddNote{id, "something happens", "lena"});
  CHECK(drafted(stage, "one").body.starts_with("Stop writes. To 2026"));
}

TEST_CASE("an update that could not be filled holds up none of the later ones") {
  Stage stage(with({message("update", "{{acknowledged_by}} is on it, {{elapsed}}", Message::When::update)}));
  const std::string id = opened(stage);
  stage.pass(minutes{31});
  CHECK(drafted(stage, "update").state == MessageState::failed);
  stage.pass(minutes{10});
  stage.feed(Acknowledge{id, "lena", ""});
  CHECK(drafted(stage, "update").state == MessageState::draft);
  stage.feed(MessageAction{id, "update", OnMessage::sent, "lena"});
  stage.pass(minutes{29});
  CHECK(drafted(stage, "update").state == MessageState::sent);
  stage.pass(minutes{2});
  CHECK(drafted(stage, "update").state == MessageState::draft);
}

TEST_CASE("a draft that promises news is drafted anew when the time has passed that it names") {
  Stage stage(
      with({message("first", "We look into it. Next news by {{next_update_at}}."), message("news", "it goes on", Message::When::update)}));
  const std::string id = opened(stage);
  const std::string before = drafted(stage, "first").body;
  stage.pass(minutes{29});
  CHECK(drafted(stage, "first").body == before);
  stage.pass(minutes{2});
  CHECK(drafted(stage, "first").body != before);
  stage.feed(MessageAction{id, "first", OnMessage::approve, "lena"});
  const std::string approved = drafted(stage, "first").body;
  stage.pass(minutes{40});
  CHECK(drafted(stage, "first").body == approved);
}

TEST_CASE("a draft of a state that is no more is not approved") {
  Incident incident;
  IncidentMessage m;
  m.when = Message::When::opened;
  CHECK(out_of_date(incident, m).empty());
  incident.state = IncidentState::recovered;
  CHECK(out_of_date(incident, m) == "it was written while the incident was open, and that is recovered now");
  m.when = Message::When::recovered;
  CHECK(out_of_date(incident, m).empty());
  incident.state = IncidentState::open;
  CHECK(!out_of_date(incident, m).empty());
  m.state = MessageState::sent;
  CHECK(out_of_date(incident, m).empty());

  Stage stage(with({message("first", "it began")}));
  const std::string id = opened(stage);
  for (Record* record : {&stage.state.record, &stage.replayed}) record->incidents.edit(id)->state = IncidentState::recovered;
  const Decision refused = stage.feed(MessageAction{id, "first", OnMessage::approve, "lena"});
  REQUIRE(refused.refused);
  CHECK(refused.refused->status == 409);
  CHECK(refused.refused->title == "the message is out of date");
}

TEST_CASE("when the next update is due: so long after the opening, or after the last that was sent; at once while a draft waits") {
  Stage stage(with({message("news", "it goes on", Message::When::update), message("first", "it began")}));
  const std::string id = opened(stage);
  const auto due = [&] { return stage.state.record.incidents.at(id).update_due(); };
  const Time began = stage.now;
  CHECK(due() == began + minutes{30});
  stage.pass(minutes{40});
  CHECK(due() == began + minutes{30});
  CHECK(stage.fires("DrwatchUpdateDue/database-outage"));
  stage.feed(MessageAction{id, "news", OnMessage::sent, "lena"});
  CHECK(due() == began + minutes{70});
  CHECK_FALSE(stage.fires("DrwatchUpdateDue/database-outage"));

  Stage quiet(with({message("first", "it began")}));
  CHECK_FALSE(quiet.state.record.incidents.at(opened(quiet)).update_due());
}

TEST_CASE("a message of an incident that went on in another is drafted anew there") {
  Settings settings = with({message("taken", "{{acknowledged_by}} has it")});
  settings.scenarios["everything"] = scenario(settings, "everything", {}, {"database"});
  settings.scenarios["everything"].trigger.supersedes = {"database-outage"};
  Stage stage(settings);
  opened(stage);
  const std::string wide = stage.feed(OpenIncident{"everything", "lena", ""}).subject;
  REQUIRE(stage.state.record.incidents.at(wide).messages.size() == 1);
  stage.feed(Acknowledge{wide, "lena", ""});
  CHECK(stage.state.record.incidents.at(wide).messages[0].state == MessageState::draft);
}

TEST_CASE("a scenario without data at stake asks for no bad change and restores to nothing") {
  Settings settings =
      with({message("point", "{{#recovery_point}}to {{recovery_point}}{{/recovery_point}}{{^recovery_point}}none{{/recovery_point}}")});
  settings.scenarios["database-outage"].of_class = DisasterClass::logical;
  settings.scenarios["database-outage"].data = false;
  Stage stage(settings);
  stage.recovery_point(stage.now - minutes{1});
  const std::string id = opened(stage);
  CHECK(drafted(stage, "point").body == "none");
  const Decision refused = stage.feed(SayBadChange{id, stage.now - hours{1}, "lena", ""});
  REQUIRE(refused.refused);
  CHECK(refused.refused->title == "no data is at stake in " + id);
}

}  // namespace messages_test
