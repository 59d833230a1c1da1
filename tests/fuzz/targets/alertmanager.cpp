// SPDX-License-Identifier: Apache-2.0
// What an Alertmanager answers.
#include "daemon/alerting/payload.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace alertmanager_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(alertmanager)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  if (const auto listed = listed_alerts(text))
    for (const Labels& labels : *listed) must(fingerprint(labels).size() == 16, "a fingerprint has sixteen digits");
  const std::string error = error_text(text);
  must(error.size() <= 310 && !has_control(error.substr(0, 300)), "an error is short and clean");
  return 0;
}

}  // namespace alertmanager_target
