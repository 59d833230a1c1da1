// SPDX-License-Identifier: Apache-2.0
// What a monitoring plugin prints (Monitoring Plugins Development Guidelines 2): a line of text, perhaps longer text, performance data
// behind '|'.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

struct PluginValue {
  std::string label;
  std::optional<double> value;  // nullopt: 'U', the plugin couldn't determine it
  std::string unit;             // s ms us % B KB MB GB TB c, or empty
};
struct PluginOutput {
  std::string text;  // the first line, without performance data
  std::vector<PluginValue> measured;
};

// Never fails: what is no performance data is left out. At most `most` values.
PluginOutput read_plugin_output(std::string_view output, std::size_t most = 50);

}  // namespace drwatch
