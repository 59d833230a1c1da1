// SPDX-License-Identifier: Apache-2.0
// A message's template, and a step's guide: what was accepted can be filled, and a page never gets a script out of a guide.
#include "config/load/template.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace template_text_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(template_text)(const std::uint8_t* data, std::size_t size) {
  const std::string text(text_of(data, size));
  static const State state;
  static const Settings settings;
  static const Incident incident;
  const auto misfits = config::template_misfits(text);
  std::vector<std::string> missing;
  const std::string made = fill(state, settings, incident, text, Time{}, missing);
  must(!misfits.empty() || made.size() <= text.size() * 100 + 10'000, "what is filled is bounded");
  const std::string html = web::markdown_html(text);
  must(html.find("<script") == std::string::npos && html.find("<iframe") == std::string::npos, "a guide brings no script into a page");
  return 0;
}

}  // namespace template_text_target
