// SPDX-License-Identifier: Apache-2.0
// What the text of a message, or an argument of a command, asks for. Mustache over the closed list of config/scenario.hpp.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

struct NamesAsked {
  std::vector<std::string> put_in;    // {{name}}, {{{name}}}, {{&name}}, but for those in a section that is left out
  std::vector<std::string> sections;  // {{#name}}, {{^name}}
};
// With exactly those names known of which `known` says so.
NamesAsked names_asked(std::string_view text, const std::function<bool(const std::string&)>& known);

}  // namespace drwatch
