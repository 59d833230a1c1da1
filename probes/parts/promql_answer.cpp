// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/promql_answer.hpp"

#include "probes/parts/bounded_json.hpp"
#include "probes/seams/excerpt.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace drwatch {
namespace {

using Json = nlohmann::json;

// Go's spelling of the special values, as Prometheus' API writes them (HTTP API, Expression query result formats).
std::optional<double> number_in(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf" || text == "Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// [time, "value"]
std::optional<double> value_in(const Json& pair) {
  if (!pair.is_array() || pair.size() != 2 || !pair[1].is_string()) return std::nullopt;
  return number_in(pair[1].get_ref<const std::string&>());
}

// The oldest of all series: a single stale series must show.
void note_time(PromqlAnswer& into, const Json& pair) {
  if (!pair.is_array() || pair.empty() || !pair[0].is_number()) return;
  const double at = pair[0].get<double>();
  into.evaluated_at = std::min(at, into.evaluated_at.value_or(at));
}

std::optional<PromqlSample> sample_in(const Json& series) {
  if (!series.is_object()) return std::nullopt;
  PromqlSample sample;
  if (const auto metric = series.find("metric"); metric != series.end() && metric->is_object())
    for (const auto& [name, value] : metric->items())
      if (value.is_string()) sample.labels[name] = value.get<std::string>();
  if (series.contains("value")) {
    const auto value = value_in(series["value"]);
    if (!value) return std::nullopt;
    sample.value = *value;
  } else if (series.contains("histogram")) {
    sample.number = false;
  } else {
    return std::nullopt;
  }
  return sample;
}

Failure strange(const std::string& what) { return {Reason::protocol, "", "what answered is not Prometheus's API: " + what}; }

}  // namespace

Result<PromqlAnswer> read_promql_answer(const HttpResponse& answer) {
  const std::string status = std::to_string(answer.status);
  const Json document = bounded_json(answer.body);
  if (!document.is_object()) return Failure{Reason::protocol, status, strange(status + " " + quote(answer.body, 80)).message};
  const std::string said = text_at(document, "status");
  if (said == "error")
    return Failure{Reason::assertion, excerpt(text_at(document, "errorType"), 40),
                   "Prometheus says: " + quote(text_at(document, "error"), 200)};
  if (said != "success" || answer.status != 200)
    return Failure{Reason::protocol, status, strange(status + " " + quote(answer.body, 80)).message};
  const auto data = document.find("data");
  if (data == document.end() || !data->is_object() || !data->contains("result")) return strange("no result");
  PromqlAnswer made;
  if (const auto warnings = document.find("warnings"); warnings != document.end() && warnings->is_array() && !warnings->empty())
    made.warning = excerpt(warnings->front().is_string() ? warnings->front().get<std::string>() : "partial data", 200);
  // VictoriaMetrics says it so.
  if (const auto partial = document.find("isPartial"); made.warning.empty() && partial != document.end() && *partial == true)
    made.warning = "isPartial";
  const std::string type = text_at(*data, "resultType");
  const Json& result = (*data)["result"];
  if (type == "scalar") {
    const auto value = value_in(result);
    if (!value) return strange("a scalar without a number");
    note_time(made, result);
    made.samples.push_back({{}, *value, true});
    return made;
  }
  if (type != "vector" || !result.is_array())
    return Failure{Reason::assertion, "result-type", "the query gives a " + quote(type, 20) + ", not numbers of one moment; aggregate it"};
  for (const Json& series : result) {
    auto sample = sample_in(series);
    if (!sample) return strange("a series without a value");
    for (const char* key : {"value", "histogram"})
      if (series.contains(key)) note_time(made, series[key]);
    made.samples.push_back(std::move(*sample));
  }
  return made;
}

std::string labels_text(const std::map<std::string, std::string>& labels) {
  std::string name, inside;
  for (const auto& [label, value] : labels) {
    if (label == "__name__")
      name = value;
    else
      inside += (inside.empty() ? "" : ",") + label + "=\"" + value + "\"";
  }
  return excerpt(inside.empty() && !name.empty() ? name : name + "{" + inside + "}", 160);
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 64> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::string(text.data(), end) : "?";
}

bool is_selector(std::string_view query) {
  static const RE2 selector(
      R"re(\s*([a-zA-Z_:][a-zA-Z0-9_:]*\s*(\{([^"'{}`]|"([^"\\]|\\.)*"|'([^'\\]|\\.)*')*\})?|\{([^"'{}`]|"([^"\\]|\\.)*"|'([^'\\]|\\.)*')+\})\s*)re");
  return RE2::FullMatch(re2::StringPiece(query.data(), query.size()), selector);
}

}  // namespace drwatch
