// SPDX-License-Identifier: Apache-2.0
#include "config/scenario.hpp"

#include "config/check/contradictions.hpp"
#include "tests/config/loaded.hpp"

#include <doctest/doctest.h>

#include <set>

namespace drwatch::test::scenario_test {
namespace {

const std::string main_file = R"([component.database]
[component.api]
depends_on = ["database"]
[probe.primary]
component = "database"
kind = "tcp"
target = "192.0.2.1:5432"
[probe.home]
component = "api"
kind = "tcp"
target = "192.0.2.1:443"
[signal.breach]
[signal.short]
expires = "5m"
)";
const std::string outage = "title = \"Outage\"\naffects = [\"database\"]\n[trigger]\nany = [\"database is down\"]\n";

struct Runbook {
  Folder folder;
  Runbook() { folder.write("drwatch.toml", main_file); }
  Runbook& with(const std::string& name, const std::string& text) {
    folder.write("scenarios/" + name + ".toml", text);
    return *this;
  }
  Loaded load() const { return test::load(folder); }
  Scenario sound(const std::string& id) const {
    const auto loaded = load();
    for (const auto& error : loaded.errors) FAIL_CHECK(error);
    REQUIRE(loaded.settings);
    return loaded.settings->scenarios.at(id);
  }
};

TEST_CASE("where a scenario's own steps stand among those it includes") {
  const auto ids = [](const std::string& include) {
    const auto step = [](const std::string& id) { return "[[step]]\nid = \"" + id + "\"\ntitle = \"" + id + "\"\n"; };
    const auto s = Runbook()
                       .with("shared/opening", step("take"))
                       .with("shared/checks", step("login"))
                       .with("shared/closing", step("tell"))
                       .with("outage", "include = [" + include + "]\n" + outage + step("own"))
                       .sound("outage");
    std::vector<std::string> found;
    for (const auto& one : s.steps) found.push_back(one.id);
    CHECK(s.steps[1].after == std::vector<std::string>{s.steps[0].id});  // the step before, whoever wrote it
    return found;
  };
  using Ids = std::vector<std::string>;
  CHECK(ids(R"("closing", "opening", "checks")") == Ids{"take", "login", "own", "tell"});
  CHECK(ids(R"("opening", "...", "checks", "closing")") == Ids{"take", "own", "login", "tell"});
  CHECK(ids(R"("...", "checks")") == Ids{"own", "login"});
}

TEST_CASE("one shared file needs no list") {
  const std::string shared = "[[step]]\nid = \"take\"\ntitle = \"Take it\"\n";
  CHECK(Runbook().with("shared/opening", shared).with("outage", "include = \"opening\"\n" + outage).sound("outage").steps.size() == 1);
  CHECK(contains(Runbook().with("shared/opening", shared).with("outage", "include = \"openin\"\n" + outage).load().errors,
                 "scenarios/outage.toml:1:11: error: include: no shared file is named 'openin'; did you mean 'opening'?"));
  CHECK(contains(Runbook().with("outage", "include = 1\n" + outage).load().errors, "include: expected a list of strings"));
}

TEST_CASE("a critical step may ask for what opens it where that ends nothing") {
  const auto refused = [](const std::string& trigger, const std::string& more) {
    return contains(Runbook()
                        .with("s", "title = \"S\"\naffects = [\"api\"]\n[trigger]\nany = [" + trigger + "]\n" + more +
                                       "[[step]]\nid = \"a\"\ntitle = \"A\"\ncritical = true\nverify = \"database is down\"\n")
                        .load()
                        .errors,
                    "asks for what opens it");
  };
  CHECK(refused("\"database is down\"", ""));
  CHECK(refused("\"database is not up\", \"breach is raised\"", ""));
  CHECK_FALSE(refused("\"database is down\"", "[exit]\nby = \"steps\"\n"));
  CHECK_FALSE(refused("\"breach is raised\"", ""));
  CHECK_FALSE(refused("\"database is down\"", "none = [\"home is down\"]\n"));
}

TEST_CASE("what conditions say of each other") {
  const std::string head = "title = \"Outage\"\n[trigger]\n";
  Runbook runbook;
  runbook
      .with("all", head +
                       "all = [\"database is degraded\", \"database is not up\", \"database is down\", \"any component is down\", "
                       "\"any component is not up\", \"breach is raised\"]\n")
      .with("any", head + "any = [\"database is unknown\", \"api is down\", \"breach is not clear\"]\n");
  const auto all = runbook.sound("all").trigger.all, any = runbook.sound("any").trigger.any;
  CHECK(config::implies(all[2], all[0]));  // worse includes
  CHECK_FALSE(config::implies(all[0], all[2]));
  CHECK(config::implies(all[0], all[1]));
  CHECK(config::implies(all[1], all[0]));
  CHECK_FALSE(config::implies(all[2], any[1]));  // of another component
  CHECK_FALSE(config::implies(all[3], all[2]));  // any component: perhaps another one
  CHECK(config::implies(all[3], all[3]));
  CHECK(config::implies(all[5], any[2]));
  CHECK(config::exclude_each_other(any[0], all[2]));  // unknown is none of the others
  CHECK(config::exclude_each_other(any[0], all[1]));  // ... nor their opposite
  CHECK_FALSE(config::exclude_each_other(all[2], all[0]));
  CHECK_FALSE(config::exclude_each_other(all[3], all[4]));
}

TEST_CASE("what a scenario says nothing about") {
  const auto s = Runbook().with("outage", outage).sound("outage");
  CHECK(s.id == "outage");
  CHECK(s.severity == Severity::critical);
  CHECK(s.of_class == DisasterClass::host);
  CHECK(s.rto == hours{4});
  CHECK(s.ack_within == minutes{15});
  CHECK(s.reopen_within == hours{1});
  CHECK(s.exit.by == Exit::By::automatic);
  CHECK(s.exit.hold_for == minutes{1});
  CHECK(s.trigger.hold_for == Duration{0});
  CHECK_FALSE(s.drill);
}

TEST_CASE("all of it, read") {
  const auto s = Runbook()
                     .with("full", R"(title = "Full"
summary = "All keys."
severity = "warning"
class = "region"
affects = ["database", "api"]
rto = "90m"
ack_within = "5m"
reopen_within = "2h"
[trigger]
any = ["primary is down", "any rpo is breached"]
all = ["database is not up"]
none = ["breach is raised"]
for = "2m"
[exit]
by = "steps"
all = ["api is up"]
for = "3m"
[[step]]
id = "restore"
title = "Restore"
critical = true
owner = "dba"
expect = "20m"
guide = "Do it."
run = ["restore", "--target", "{{recovery_point}}"]
auto = true
timeout = "2h"
[[step]]
id = "check"
title = "Check"
verify = "database is up"
hold = "30s"
[[message]]
id = "news"
audience = "customers"
when = "update"
every = "30m"
subject = "{{title}}"
body = "{{#recovered_at}}Back since {{recovered_at}}.{{/recovered_at}}"
[drill]
schedule = "0 10 1 1 *"
timezone = "Europe/Berlin"
grace = "7d"
type = "full"
run = ["../bin/drill", "--into", "{{evidence}}", "--claim", "{{recovery_point}}"]
auto = true
timeout = "90m"
step = "restore"
)")
                     .sound("full");
  CHECK(s.severity == Severity::warning);
  CHECK(s.of_class == DisasterClass::region);
  CHECK(s.rto == minutes{90});
  CHECK(s.trigger.any.size() == 2);
  CHECK(s.trigger.all.at(0).negated);
  CHECK(s.trigger.none.at(0).subject == Condition::Subject::signal);
  CHECK(s.exit.by == Exit::By::steps);
  CHECK(s.exit.hold_for == minutes{3});
  CHECK(s.steps.at(0).run.at(0) == "restore");  // found in PATH
  CHECK(s.steps[0].automatic);
  CHECK(s.steps[0].owner == "dba");
  CHECK(s.steps[0].expect == minutes{20});
  CHECK(s.steps.at(1).hold == seconds{30});
  CHECK(s.messages.at(0).every == minutes{30});
  CHECK(s.drill->schedule->zone() == "Europe/Berlin");
  CHECK(s.drill->grace == hours{24 * 7});
  CHECK(s.drill->run.at(0).ends_with("/bin/drill"));  // beside the runbook
  CHECK(s.drill->automatic);
  CHECK(s.drill->timeout == minutes{90});
  CHECK(s.drill->step == "restore");
}

TEST_CASE("a program beside the runbook is found from there") {
  const Runbook book;
  book.folder.write("scenarios/outage.toml", outage + "[[step]]\nid = \"a\"\ntitle = \"A\"\nrun = [\"../bin/restore\"]\n");
  CHECK(book.sound("outage").steps.at(0).run.at(0) == book.folder.path("bin/restore"));
}

TEST_CASE("the step before: within an option its own, behind options the last of each") {
  const auto step = [](const std::string& id, const std::string& option) {
    return "[[step]]\nid = \"" + id + "\"\ntitle = \"A\"\n" + (option.empty() ? "" : "option = \"" + option + "\"\n");
  };
  const auto s = Runbook()
                     .with("outage", outage + step("look", "") + step("wait", "waiting") + step("copy", "fail-over") +
                                         step("switch", "fail-over") + step("check", "") + step("tell", ""))
                     .sound("outage");
  const auto after = [&](std::size_t n) { return s.steps.at(n).after; };
  CHECK(after(0).empty());
  CHECK(after(1) == std::vector<std::string>{"look"});
  CHECK(after(2) == std::vector<std::string>{"look"});
  CHECK(after(3) == std::vector<std::string>{"copy"});
  CHECK(after(4) == std::vector<std::string>{"wait", "switch"});
  CHECK(after(5) == std::vector<std::string>{"check"});
  CHECK(s.steps.at(2).option == "fail-over");
}

TEST_CASE("a hash changes with the scenario, and with the steps it includes") {
  Runbook book;
  book.with("outage", outage + "[[step]]\nid = \"a\"\ntitle = \"A\"\n");
  const auto before = book.sound("outage").hash;
  CHECK(book.sound("outage").hash == before);
  CHECK(book.with("outage", "# a comment\n" + outage + "[[step]]\nid = \"a\"\ntitle = \"A\"\n").sound("outage").hash == before);
  CHECK(book.with("outage", outage + "[[step]]\nid = \"a\"\ntitle = \"B\"\n").sound("outage").hash != before);
  CHECK(book.with("outage", "data = false\n" + outage + "[[step]]\nid = \"a\"\ntitle = \"A\"\n").sound("outage").hash != before);
  book.with("outage", "include = [\"opening\"]\n" + outage).with("shared/opening", "[[step]]\nid = \"a\"\ntitle = \"A\"\n");
  const auto with_shared = book.sound("outage").hash;
  CHECK(book.with("shared/opening", "[[step]]\nid = \"a\"\ntitle = \"C\"\n").sound("outage").hash != with_shared);
}

TEST_CASE("the file's name is the id and must be one; other files are left alone") {
  Runbook book;
  book.with("outage", outage);
  book.folder.write("scenarios/README.md", "not TOML [");
  book.folder.write("scenarios/.outage.toml", "not TOML [");
  book.folder.write("scenarios/outage.toml~", "not TOML [");
  CHECK(book.load().settings->scenarios.size() == 1);
  CHECK(contains(book.with("My Outage", outage).load().errors,
                 "scenarios/My Outage.toml:1:1: error: the file's name 'My Outage' cannot be a scenario's id"));
}

TEST_CASE("warnings: it runs, but not as one may think") {
  const auto warns = [](const std::string& text, const char* what) {
    const auto loaded = Runbook().with("s", text).load();
    for (const auto& error : loaded.errors) FAIL_CHECK(error);
    return contains(loaded.warnings, what);
  };
  CHECK(warns("title = \"S\"\naffects = [\"api\"]\n", "scenarios/s.toml:1:1: warning: trigger: nothing opens this scenario but a person"));
  CHECK_FALSE(warns(outage, "nothing opens this scenario"));
  CHECK(warns("title = \"S\"\n[trigger]\nany = [\"api is down\"]\n", "it affects nothing"));
  CHECK(warns(outage, "it has no steps"));
  CHECK(warns(outage + "[[step]]\nid = \"a\"\ntitle = \"A\"\ncritical = true\n", "no critical step is verified"));
  CHECK_FALSE(warns(outage + "[[step]]\nid = \"a\"\ntitle = \"A\"\ncritical = true\nverify = \"database is up\"\n",
                    "no critical step is verified"));
  CHECK_FALSE(warns(
      "title = \"S\"\naffects = [\"api\"]\n[trigger]\nany = [\"breach is raised\"]\n[[step]]\nid = \"a\"\ntitle = \"A\"\ncritical = true\n",
      "no critical step is verified"));
  CHECK(warns(outage + "[exit]\nby = \"steps\"\n[[step]]\nid = \"a\"\ntitle = \"A\"\n", "no step is critical"));
  CHECK(warns("title = \"S\"\naffects = [\"api\"]\n[trigger]\nany = [\"database rpo region is breached\"]\n",
              "'database rpo region is breached' never holds"));

  // What would open again is resolved by then.
  const auto again = [](const std::string& within, const std::string& exit) {
    return "title = \"S\"\naffects = [\"api\"]\nreopen_within = \"" + within + "\"\n[trigger]\nany = [\"api is down\"]\n" + exit;
  };
  CHECK(warns(
      again("20m", "[exit]\nfor = \"20m\"\n"),
      "scenarios/s.toml:3:17: warning: reopen_within: it opens nothing again: it counts from when the exit began to hold, and is over "
      "when that has held for 20m"));
  CHECK_FALSE(warns(again("21m", "[exit]\nfor = \"20m\"\n"), "it opens nothing again"));
  CHECK(warns(again("1m", ""), "it opens nothing again"));
  CHECK_FALSE(warns(again("2m", ""), "it opens nothing again"));

  // What expires before the `for` is over.
  const auto lasting = [&](const std::string& condition, const std::string& time) {
    return "title = \"S\"\naffects = [\"api\"]\n[trigger]\nall = [\"" + condition + "\"]\nfor = \"" + time + "\"\n";
  };
  CHECK(warns(lasting("short is raised", "6m"),
              "scenarios/s.toml:5:7: warning: trigger.for: 'short is raised' never holds for 6m: the signal expires after 5m"));
  CHECK(warns(lasting("short is not clear", "5m"), "trigger.for: 'short is not clear' never holds for 5m"));
  CHECK_FALSE(warns(lasting("short is raised", "4m"), "never holds for"));
  CHECK_FALSE(warns(lasting("short is not raised", "6m"), "never holds for"));
  CHECK_FALSE(warns(lasting("breach is raised", "6m"), "never holds for"));

  auto two = Runbook().with("a", outage).with("b", outage).load();
  CHECK(contains(two.warnings, "scenarios/b.toml:3:1: warning: trigger: opens on the same conditions as 'a'"));
}

TEST_CASE("every name that a message may use is one, and none is there twice") {
  std::set<std::string_view> seen;
  for (const auto& name : message_names()) {
    CHECK(seen.insert(name.name).second);
    CHECK_FALSE(name.doc.empty());
  }
  CHECK(seen.contains("recovery_point"));
}

}  // namespace
}  // namespace drwatch::test::scenario_test
