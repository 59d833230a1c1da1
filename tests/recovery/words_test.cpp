// SPDX-License-Identifier: Apache-2.0
// The closed lists of words that others write or read: each means one thing, and no other word means anything.
#include "daemon/recovery/actions.hpp"
#include "daemon/recovery/alerts/names.hpp"

#include <doctest/doctest.h>

#include <set>

namespace words_test {

using namespace drwatch;

TEST_CASE("an action is known by its word, and a wrong word is none") {
  for (const std::string& word : step_actions()) {
    REQUIRE(parse_step_action(word));
    CHECK(action_name(*parse_step_action(word)) == word);
  }
  CHECK(step_actions() == std::vector<std::string>{"start", "done", "skip", "undo", "run", "cancel"});
  CHECK(message_actions() == std::vector<std::string>{"approve", "approved", "sent"});
  CHECK(parse_message_action("approved") == OnMessage::approve);
  CHECK(action_name(OnMessage::approve) == "approve");
  for (const std::string& word : pings()) CHECK(parse_ping(word));
  CHECK(parse_signal_state(signal_state(true)) == true);
  CHECK(parse_signal_state(signal_state(false)) == false);
  for (const char* wrong : {"", "dance", "Start", "show"}) {
    CHECK_FALSE(parse_step_action(wrong));
    CHECK_FALSE(parse_message_action(wrong));
    CHECK_FALSE(parse_ping(wrong));
    CHECK_FALSE(parse_signal_state(wrong));
  }
}

TEST_CASE("an alert is known by its name") {
  std::set<std::string_view> texts;
  for (const AlertKind& kind : alert_kinds) {
    CHECK(texts.insert(kind.text).second);
    CHECK(alert_text(kind.name) == kind.text);
    REQUIRE(alert_kind(kind.text));
    CHECK(alert_kind(kind.text)->name == kind.name);
  }
  CHECK(alert_kind("DrwatchIncdent") == nullptr);
  CHECK(alert_kind("DrwatchRpoAtRisk")->about == AlertAbout::objective);
}

}  // namespace words_test
