// SPDX-License-Identifier: Apache-2.0
// Alertmanager's matchers: severity="critical", alertname=~"Drwatch.*". Read and judged as Alertmanager 0.25 does.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace re2 {
class RE2;
}

namespace drwatch::routing {

using Labels = std::map<std::string, std::string>;

struct Matcher {
  std::string name, value;
  bool regex = false, negative = false;
  std::shared_ptr<const re2::RE2> pattern;  // of a regex: all of the value has to match

  // A label that is not there is an empty one.
  bool matches(const Labels& labels) const;
  std::string text() const;  // alertname=~"Drwatch.*"
};
using Matchers = std::vector<Matcher>;

// Throws std::invalid_argument: "what; what to do".
Matcher make_matcher(std::string name, std::string value, bool regex, bool negative);
// One line of `matchers`: one or more with commas between them, with or without braces around them.
Matchers parse_matchers(const std::string& text);

bool all_match(const Matchers& matchers, const Labels& labels);
std::string matchers_text(const Matchers& matchers);  // {alertname="DrwatchRtoBreached", severity="critical"}

}  // namespace drwatch::routing
