// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/promql_answer.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <cmath>

namespace promql_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(promql)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  is_selector(text);
  HttpResponse answer;
  answer.body = text;
  answer.status = 503;
  must(!read_promql_answer(answer), "an answer that failed has no samples");
  answer.status = 200;
  const auto read = read_promql_answer(answer);
  if (!read) {
    must(read.error().message.size() < 1000 && !has_control(read.error().message), "what is wrong is said, briefly");
    return 0;
  }
  must(text.find("success") != text.npos || text.find('\\') != text.npos, "only a success has samples");
  for (const PromqlSample& sample : read->samples) {
    must(labels_text(sample.labels).size() <= 170, "labels are shown, bounded");
    must(sample.number || sample.value == 0, "a histogram has no value");
    must(number_text(sample.value) != "?", "each number can be shown");
  }
  return 0;
}

}  // namespace promql_target
