// SPDX-License-Identifier: Apache-2.0
#include "config/condition.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace condition_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

struct Known : Names {
  std::optional<Condition::Subject> what(std::string_view name) const override {
    if (name == "database" || name == "any") return Condition::Subject::component;
    if (name == "primary") return Condition::Subject::probe;
    if (name == "siem") return Condition::Subject::signal;
    if (name == "site" || name == "all") return Condition::Subject::place;
    return std::nullopt;
  }
  std::vector<std::string> all() const override { return {"database", "primary", "siem"}; }
};

}  // namespace

FUZZ_TARGET(condition)(const std::uint8_t* data, std::size_t size) {
  const Known names;
  std::string error;
  const auto condition = parse_condition(text_of(data, size), names, &error);
  must(condition.has_value() == error.empty(), "either a condition or an error");
  if (!condition) {
    must(error.size() < 1000 && !has_control(error), "an error is one line");
    return 0;
  }
  const auto again = parse_condition(condition->text, names, &error);
  must(again && again->text == condition->text && again->subject == condition->subject && again->name == condition->name &&
           again->negated == condition->negated && again->holds == condition->holds && again->share == condition->share &&
           again->by == condition->by && again->lasting == condition->lasting && again->of_class == condition->of_class,
       "a condition means what its text says");
  return 0;
}

}  // namespace condition_target
