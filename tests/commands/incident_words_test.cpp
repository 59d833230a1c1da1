// SPDX-License-Identifier: Apache-2.0
// Which incident is meant, by what was typed.
#include "daemon/commands/incident_words.hpp"

#include "tests/commands/documents.hpp"

#include <doctest/doctest.h>

namespace drwatch::commands::tests::incident_words_test {

namespace {

Json incident_of(const std::string& id, const std::string& scenario, const std::string& state) {
  return Json{{"id", id}, {"scenario", scenario}, {"state", state}};
}
const std::string outage = "20260301-0211-database-outage", cron = "20260301-0211-cron-failure", old = "20260214-1200-database-outage",
                  older = "20260102-0100-auth-outage", oldest = "20260101-0100-auth-outage";
Json all() {
  Json list = Json::array();
  list.push_back(incident_of(outage, "database-outage", "open"));
  list.push_back(incident_of(cron, "cron-failure", "recovered"));
  list.push_back(incident_of(old, "database-outage", "resolved"));
  list.push_back(incident_of(older, "auth-outage", "resolved"));
  list.push_back(incident_of(oldest, "auth-outage", "absorbed"));
  return list;
}

template <class Does>
CommandRefused refusal(Does does) {
  try {
    does();
  } catch (const CommandRefused& refused) {
    return refused;
  }
  return CommandRefused("not refused");
}
std::string pick(const std::string& word, const std::vector<std::string>& states = {"open", "recovered"}) {
  return pick_incident(all(), word, states);
}

}  // namespace

TEST_CASE("an incident is meant by its id, by a beginning that only one has, by its scenario, or by being the only open one") {
  CHECK(pick(outage) == outage);
  CHECK(pick(old) == old);
  CHECK(pick("202602") == old);
  CHECK(pick("20260301-0211-d") == outage);
  CHECK(pick("database-outage") == outage);  // the open one of two
  CHECK(pick("cron-failure") == cron);
  CHECK(pick("") == outage);
  CHECK(pick("", {"recovered"}) == cron);
  Json calm = all();
  calm.erase(0);
  CHECK(pick_incident(calm, "", {"open", "recovered"}) == cron);
  CHECK(pick_incident(calm, "database-outage", {"open", "recovered"}) == old);  // the only one of it
}

TEST_CASE("what could be two is refused with both, and what is none with the nearest") {
  const auto same_minute = refusal([] { pick("20260301-0211"); });
  CHECK(std::string(same_minute.what()) ==
        "2 incidents begin with '20260301-0211'; say which one is meant: 20260301-0211-database-outage, 20260301-0211-cron-failure");
  CHECK(Json::parse(same_minute.problem)["list"] == Json::array({outage, cron}));
  CHECK(has(refusal([] { pick("auth-outage"); }).what(), "2 incidents were filed under 'auth-outage'; say which one is meant"));
  Json two = all();
  two.push_back(incident_of("20260301-0300-storage-loss", "storage-loss", "open"));
  const auto open = refusal([&] { pick_incident(two, "", {"open", "recovered"}); });
  CHECK(has(open.what(), "2 incidents are open; say which one is meant: " + outage + ", 20260301-0300-storage-loss"));
  CHECK(has(refusal([] { pick("database-outag"); }).what(), "there is no incident 'database-outag'; did you mean 'database-outage'?"));
  CHECK(has(refusal([] { pick_incident(Json::array(), "", {"open", "recovered"}); }).what(), "no incident is open; name one"));
}

TEST_CASE("which word is the ID is told by their number alone") {
  CHECK(incident_words("step", {"scope", "done"}, {"STEP", "ACTION"}).id == "");
  CHECK(incident_words("step", {"scope", "done"}, {"STEP", "ACTION"}).rest == std::vector<std::string>{"scope", "done"});
  const auto whole = incident_words("step", {outage, "scope", "done"}, {"STEP", "ACTION"});
  CHECK(whole.id == outage);
  CHECK(whole.rest == std::vector<std::string>{"scope", "done"});
  CHECK(incident_words("show", {}, {}).id == "");
  CHECK(incident_words("show", {"2026"}, {}).id == "2026");
  CHECK(has(refusal([] { incident_words("step", {"scope"}, {"STEP", "ACTION"}); }).what(),
            "words are missing; write drwatch incident step [ID] STEP ACTION"));
  CHECK(has(refusal([] { incident_words("ack", {"database-outage", "please"}, {}); }).what(),
            "too many words; write drwatch incident ack [ID];"));
}

TEST_CASE("a note without an ID is in quotes; of several words the first is the incident, and an ID alone is no note") {
  CHECK(incident_words_and_text("note", {"vendor called"}).id == "");
  CHECK(incident_words_and_text("note", {"vendor called"}).rest == std::vector<std::string>{"vendor called"});
  const auto whole = incident_words_and_text("note", {"2026", "vendor", "called"});
  CHECK(whole.id == "2026");
  CHECK(whole.rest == std::vector<std::string>{"vendor called"});
  for (const std::string& id : {outage, std::string("20260301"), std::string("20260301-0211")})
    CHECK(has(refusal([&] { incident_words_and_text("note", {id}); }).what(), "the text is missing; '" + id + "' is an incident"));
  CHECK(has(refusal([] { incident_words_and_text("note", {}); }).what(), "the text is missing"));
}

TEST_CASE("what an id looks like") {
  for (const char* yes : {"20260301-0211-database-outage", "20260301-0211-x", "drill-20260301-0211-x"}) CHECK(looks_like_an_id(yes));
  for (const char* no : {"20260301-0211-", "20260301-0211", "20260301", "database-outage", "", "20260301-02x1-y", "20260301-0211 at night",
                         "drill-20260301-0211", "drill-", "drill-database-outage"})
    CHECK_FALSE(looks_like_an_id(no));
  for (const char* begins : {"20260301", "20260301-", "20260301-02", "20260301-0211-da", "drill-20260301"})
    CHECK(begins_like_an_id(begins));
  for (const char* no : {"2026", "2026030", "20260301x", "20260301 at night", "database-outage", "20260301-2x", "drill", "drill-2026"})
    CHECK_FALSE(begins_like_an_id(no));
}

}  // namespace drwatch::commands::tests::incident_words_test
