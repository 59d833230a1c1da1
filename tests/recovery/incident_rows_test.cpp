// SPDX-License-Identifier: Apache-2.0
// An incident's table of fields: every member has its row, and every row does what it says.
#include "daemon/recovery/record/incident_rows.hpp"

#include <doctest/doctest.h>
#include <boost/preprocessor/repetition/enum.hpp>
#include <boost/preprocessor/repetition/repeat.hpp>

#include <set>

namespace incident_rows_test {

using namespace drwatch;

namespace {

// With how many `{}` the aggregate can be made: one for each member, and not one more.
template <class T>
consteval std::size_t members() {
  std::size_t count = 0;
#define DRWATCH_NOTHING(z, n, unused) \
  {                                   \
  }
#define DRWATCH_TRY(z, n, unused) \
  if constexpr (requires { T{BOOST_PP_ENUM_##z(n, DRWATCH_NOTHING, )}; }) count = n;
  BOOST_PP_REPEAT(80, DRWATCH_TRY, )
#undef DRWATCH_TRY
#undef DRWATCH_NOTHING
  return count;
}

// Something in every field, and something else in each of another `n`.
Incident filled(int n) {
  const std::string word(1, static_cast<char>('a' + n));
  const Time at = Time{hours{24 * 365 * 56}} + hours{n};
  Condition condition;
  condition.text = "database " + word;
  condition.name = word;
  Incident i;
  i.id = i.scenario = i.title = i.summary = i.of_class = word;
  i.severity = n == 1 ? Severity::warning : Severity::critical;
  i.started_by = i.acknowledged_by = i.opened_by = i.reopened_by = i.bad_change_by = i.bad_change_note = i.absorbed_by = i.scenario_hash =
      word;
  i.state = n == 1 ? IncidentState::recovered : IncidentState::absorbed;
  i.affects = i.explains = i.absorbed = {word, "more"};
  i.started_at = i.detected_at = i.opened_at = at;
  i.started_at_found = i.acknowledged_at = i.recovered_at = i.resolved_at = i.bad_change_at = i.absorbed_at = at;
  i.loss = Loss{at, word, at, minutes{n}, minutes{n}, true};
  i.false_alarm = i.recovery_said = n == 1;
  i.by_signal = n == 1;
  i.filed = {{word, at, {word}, {word}, n == 1 ? std::optional(i.trigger) : std::nullopt}};
  i.data = n != 1;
  i.rto = i.ack_within = i.reopen_within = minutes{n};
  i.exit = {n == 1 ? Exit::By::health : Exit::By::steps, {condition}, minutes{n + 5}};
  i.trigger = {{condition}, {condition}, {condition}, minutes{n}, {word}};
  i.because = {{word, at, word}};
  i.second = Second{word, word, {{word, at, word}}, {word}};
  i.projection = Projection{at, 1.0 * n, 2.0 * n, 0.5, at, word, {{word, 1, 2, at}}, {word}, {word}, {word}, {word}, 5.0, "other", word};
  IncidentStep step;
  step.plan.id = word;
  i.steps = {step};
  IncidentMessage message;
  message.id = word;
  i.messages = {message};
  Message plan;
  plan.id = word;
  i.message_plans = {plan};
  i.data_bytes = 1.0 * n;
  i.looked_well = {{at, at + minutes{1}}};
  Event event;
  event.seq = static_cast<std::uint64_t>(n);
  i.timeline = {event};
  i.taken_by = i.handed_to = i.handed_by = i.handover = word;
  i.taken_at = i.handed_at = at;
  i.unwatched = {{at, at + minutes{1}}};
  i.drill = n == 1;
  return i;
}

}  // namespace

TEST_CASE("every member of an incident has a row of its own") {
  const Incident incident;
  std::set<const void*> told;
  std::set<std::string> keys;
  for (const IncidentRow& row : incident_rows()) {
    CHECK_MESSAGE(told.insert(row.member(incident)).second, "two rows of one member: ", row.key);
    CHECK_MESSAGE(keys.insert(row.key).second, "two rows of one key: ", row.key);
  }
  CHECK_MESSAGE(told.size() == members<Incident>(), "a member without a row in incident_rows.cpp is lost with the next restart");
}

TEST_CASE("an incident with something in every field comes back whole") {
  const Incident one = filled(1), other = filled(2), nothing;
  const Incident again = incident_from_json(to_json(one));
  for (const IncidentRow& row : incident_rows()) {
    CAPTURE(row.key);
    CHECK(row.written(one) != row.written(nothing));  // or this test shows nothing of it
    CHECK(row.written(again) == row.written(one));
    CHECK(row.written(one) != row.written(other));
  }
}

TEST_CASE("filed anew, an incident keeps its own and takes what is the scenario's") {
  const Incident was = filled(1), as_new = filled(2), nothing;
  Incident is = was;
  refile(is, as_new);
  for (const IncidentRow& row : incident_rows()) {
    CAPTURE(row.key);
    const Incident& from = row.refiled == Refiled::stays ? was : row.refiled == Refiled::taken ? as_new : nothing;
    CHECK(row.written(is) == row.written(from));
  }
  CHECK(is.id == was.id);
  CHECK(is.started_at == was.started_at);
  CHECK(is.scenario == as_new.scenario);
  CHECK(is.data_bytes == as_new.data_bytes);
  CHECK_FALSE(is.projection);
}

}  // namespace incident_rows_test
