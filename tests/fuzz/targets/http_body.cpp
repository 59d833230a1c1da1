// SPDX-License-Identifier: Apache-2.0
// A body judged by JSON assertions and regexes: only one that holds what was asked for is good.
#include "probes/parts/bounded_json.hpp"
#include "probes/parts/http_expectation.hpp"
#include "probes/seams/excerpt.hpp"
#include "probes/seams/redaction.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace http_body_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

HttpExpectation expectation() {
  HttpExpectation made;
  JsonCheck status{"/status", std::string("ok"), "", {}, {}, {}}, depth{"/queue/0/depth", {}, "", {}, 0.0, 100.0},
      absent{"/error", {}, "", false, {}, {}};
  made.json = {status, depth, absent};
  made.body_not_matches = "(?i)maintenance";
  return made;
}

// Whether it is all there, by the plainest reading.
bool holds(std::string_view body) {
  const auto json = bounded_json(body);
  if (!json.is_object() || json.contains("error") || json.value("/status"_json_pointer, nlohmann::json()) != "ok") return false;
  const auto depth = json.value("/queue/0/depth"_json_pointer, nlohmann::json());
  return depth.is_number() && depth.get<double>() >= 0 && depth.get<double>() <= 100;
}

}  // namespace

FUZZ_TARGET(http_body)(const std::uint8_t* data, std::size_t size) {
  static const HttpJudge judge(expectation());
  static const Redaction secrets = Redaction().and_also({"hunter22"});
  const std::string_view text = text_of(data, size);
  HttpResponse answer;
  answer.status = 200;
  answer.body = text;
  const auto fault = judge.fault(answer);
  if (!fault) must(holds(text), "a body is good only when it holds what was asked for");
  if (fault) {
    must(fault->size() < 1000, "what is wrong is said, briefly");
    must(secrets.hidden(*fault).find("hunter22") == fault->npos, "what was sent is not repeated");
    must(!has_control(*fault), "what is said has no control characters");
  }
  const std::string cut = excerpt(text);
  must(cut.size() <= 123 && !has_control(cut), "an excerpt is short and clean");
  return 0;
}

}  // namespace http_body_target
