// SPDX-License-Identifier: Apache-2.0
// What probes hand back to be told after a restart.
#include <doctest/doctest.h>

#include "platform.hpp"

namespace memory_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

void hands_back(Stage& stage, std::optional<std::string> memory) {
  Outcome o = outcome_of(Health::up, Reason::none, "", "");
  o.at = stage.now;
  o.memory = std::move(memory);
  stage.feed(Ran{"primary", o});
}

std::string told(const Kept& kept, const Settings& settings) {
  const std::string* memory = memory_of(kept, settings.probes.at("primary"));
  return memory ? *memory : "nothing";
}

}  // namespace

TEST_CASE("a probe's memory is kept beside the other values, and told only to a probe with the same settings") {
  Settings s = platform();
  s.probes["primary"].fingerprint = "0123456789abcdef";
  Stage stage(s);
  CHECK(told(stage.state.kept, s) == "nothing");
  const std::string text = "any \"text\"\nof its own, even \xff bytes";
  hands_back(stage, text);
  CHECK_FALSE(stage.state.sight.probes["primary"].last->memory);  // not with each of the last runs
  CHECK(stage.state.kept.changed.count("memory/primary"));

  Kept again;
  restore_kept(again, "memory/primary", kept_text(stage.state.kept, "memory/primary"));
  CHECK(told(again, s) == "any \"text\"\nof its own, even \xef\xbf\xbd bytes");                        // JSON has no other bytes
  CHECK(kept_text(stage.state.kept, "memory/primary").find("0123456789abcdef") == std::string::npos);  // secrets are part of the whole
  Settings other = s;
  other.probes["primary"].fingerprint = "ffff456789abcdef";
  CHECK(told(again, other) == "nothing");
  restore_kept(again, "memory/primary", "{\"of\":");
  CHECK(told(again, s) != "nothing");  // what can't be read takes the place of nothing

  stage.state.kept.changed.clear();
  hands_back(stage, text);
  hands_back(stage, std::nullopt);  // as before
  CHECK_FALSE(stage.state.kept.changed.count("memory/primary"));
  CHECK(told(stage.state.kept, s) == text);
}

TEST_CASE("a memory that is too long, or of settings that were changed, is dropped") {
  Settings s = platform();
  s.probes["primary"].fingerprint = "0123456789abcdef";
  Stage stage(s);
  hands_back(stage, std::string(Outcome::most_memory, 'x'));
  CHECK(told(stage.state.kept, s).size() == Outcome::most_memory);
  hands_back(stage, std::string(Outcome::most_memory + 1, 'x'));
  CHECK(told(stage.state.kept, s).empty());
  hands_back(stage, "short");
  stage.state.kept.changed.clear();
  stage.feed(ConfigurationLoaded{{"primary"}});
  CHECK(told(stage.state.kept, s) == "nothing");
  CHECK(stage.state.kept.changed.count("memory/primary"));
  CHECK(kept_text(stage.state.kept, "memory/primary").empty());  // deletes it
}

}  // namespace memory_test
