// SPDX-License-Identifier: Apache-2.0
#include "probes/command/plugin_output.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <cmath>

namespace plugin_output_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(plugin_output)(const std::uint8_t* data, std::size_t size) {
  const PluginOutput output = read_plugin_output(text_of(data, size), 50);
  must(output.measured.size() <= 50, "performance data are bounded");
  must(output.text.find('\n') == output.text.npos && output.text.find('|') == output.text.npos, "the text is one line without its data");
  for (const PluginValue& one : output.measured) {
    must(!one.label.empty(), "what is measured has a name");
    must(!one.value || std::isfinite(*one.value), "what is measured is a number");
    must(one.unit.size() <= 8, "a unit is short");
  }
  return 0;
}

}  // namespace plugin_output_target
