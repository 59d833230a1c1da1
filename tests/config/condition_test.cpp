// SPDX-License-Identifier: Apache-2.0
#include "config/condition.hpp"

#include <doctest/doctest.h>

namespace drwatch::condition_test {
namespace {

using Subject = Condition::Subject;
using Holds = Condition::Holds;

struct SomeNames : Names {
  std::optional<Subject> what(std::string_view name) const override {
    if (name == "database" || name == "rpo") return Subject::component;
    if (name == "primary") return Subject::probe;
    if (name == "breach") return Subject::signal;
    if (name == "site") return Subject::place;
    return {};
  }
  std::vector<std::string> all() const override { return {"database", "rpo", "primary", "breach", "site"}; }
};

Condition read(const char* text) {
  std::string error;
  auto condition = parse_condition(text, SomeNames{}, &error);
  REQUIRE_MESSAGE(condition, (text + (": " + error)));
  return *condition;
}

std::string wrong(const char* text) {
  std::string error;
  CHECK_MESSAGE(!parse_condition(text, SomeNames{}, &error), text);
  return error;
}

TEST_CASE("every subject with its states") {
  CHECK(read("database is up").subject == Subject::component);
  CHECK(read("database is up").holds == Holds::up);
  CHECK(read("primary is degraded").subject == Subject::probe);
  CHECK(read("primary is unknown").holds == Holds::unknown);
  CHECK(read("breach is raised").subject == Subject::signal);
  CHECK(read("breach is clear").holds == Holds::clear);
  CHECK(read("database rpo is at-risk").subject == Subject::rpo);
  CHECK(read("database rpo is at-risk").of_class == std::nullopt);
  CHECK(read("database rpo region is breached").of_class == DisasterClass::region);
  CHECK(read("database rto is unproven").subject == Subject::rto);
  CHECK(read("any component is down").subject == Subject::any_component);
  CHECK(read("any component is down").name.empty());
  CHECK(read("any rpo is met").subject == Subject::any_rpo);
  CHECK(read("any rto is breached").subject == Subject::any_rto);
  CHECK(read("rpo is down").subject == Subject::component);  // a component of that name
  CHECK(read("rpo rpo is met").name == "rpo");
}

TEST_CASE("not, and the text that stands for it") {
  const auto condition = read("  database \t is   not\nup ");
  CHECK(condition.negated);
  CHECK(condition.text == "database is not up");
  CHECK(condition == read("database is not up"));
  CHECK_FALSE(condition == read("database is up"));
}

TEST_CASE("places, how many of them, why, and for how long") {
  CHECK(read("site is down").subject == Subject::place);
  CHECK(read("site is not unknown").negated);
  CHECK(read("all of site is degraded").share == Condition::Share::all);
  const auto most = read("most  of site is down for 1m");
  CHECK(most.share == Condition::Share::most);
  CHECK(most.name == "site");
  CHECK(most.lasting == minutes{1});
  CHECK(most.text == "most of site is down for 1m");
  CHECK(read("primary is down by 3D000").by == "3D000");
  const auto both = read("database is degraded by assertion for 90s");
  CHECK(both.by == "assertion");
  CHECK(both.lasting == seconds{90});
  CHECK(wrong("most of database is down") == "'database' is a component; 'most of' is followed by a place or a set");
  CHECK(wrong("all of site is unknown").starts_with("'all of' and 'most of' are followed by up, degraded or down"));
  CHECK(wrong("most of site is not down").starts_with("'all of' and 'most of' are followed by"));
  CHECK(wrong("primary is down by asertion") == "'asertion' is no reason and no code; did you mean 'assertion'?");
  CHECK(wrong("primary is up by assertion").starts_with("'by' says why something is down or degraded"));
  CHECK(wrong("site is down by assertion").starts_with("'by' is not said of a place"));
  CHECK(wrong("primary is down by") == "nothing stands after 'by'; write a reason as 'assertion', or a code as '3D000'");
  CHECK(wrong("primary is down for ever") == "'ever' is no duration; write it like 'for 5m'");
  CHECK(wrong("primary is down for") == "nothing stands after 'for'; write it like 'for 5m'");
  CHECK(wrong("site is met") == "'met' is no state of a place; it is up, degraded, down or unknown");
}

TEST_CASE("what is not understood is told with a suggestion") {
  CHECK(wrong("databse is down") == "nothing is named 'databse'; did you mean 'database'?");
  CHECK(wrong("primary is dwon") == "'dwon' is no state of a probe; did you mean 'down'?");
  CHECK(wrong("database is met") == "'met' is no state of a component; it is up, degraded, down or unknown");
  CHECK(wrong("breach is up") == "'up' is no state of a signal; it is raised or clear");
  CHECK(wrong("database rto is dwon") == "'dwon' is no state of an rto; it is met, at-risk, breached or unproven");
  CHECK(wrong("database rp is met") == "'rp' is not understood after a name; did you mean 'rpo'?");
  CHECK(wrong("primary rpo is met") == "'primary' is a probe; name a component: objectives are theirs");
  CHECK(wrong("database rto host is met") == "'host' is too much; an rto has no class");
  CHECK(wrong("database rpo hosts is met") == "'hosts' is not a class; did you mean 'host'?");
  CHECK(wrong("any componet is down") == "'any' is followed by component, rpo or rto, not by 'componet'; did you mean 'component'?");
  CHECK(wrong("any is down").starts_with("'any' is followed by component, rpo or rto"));
  CHECK(wrong("database down") == "not a condition, the word 'is' is missing; write it like 'database is down'");
  CHECK(wrong("") == "not a condition, the word 'is' is missing; write it like 'database is down'");
  CHECK(wrong("is down") == "nothing stands before 'is'; write it like 'database is down'");
  CHECK(wrong("database is") == "no state stands after 'is'; write it like 'database is down'");
  CHECK(wrong("database is not") == "no state stands after 'is'; write it like 'database is down'");
  CHECK(wrong("database is down up") == "'up' is too much; one state follows 'is'");
  CHECK(wrong("database rpo host logical is met").starts_with("too many words before 'is'"));
  CHECK(wrong("database is Down") == "'Down' is no state of a component; did you mean 'down'?");
  CHECK(wrong("\x1b[31m is down").starts_with("nothing is named '\\x1b[31m'"));  // nothing that a terminal would obey
}

TEST_CASE("classes by name") {
  for (const auto c : all_classes) CHECK(parse_class(class_name(c)) == c);
  CHECK(parse_class("hosts") == std::nullopt);
}

}  // namespace
}  // namespace drwatch::condition_test
