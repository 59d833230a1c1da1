// SPDX-License-Identifier: Apache-2.0
// What a Prometheus answers to an instant query (its HTTP API, `/api/v1/query`), and what is wrong with it.
#pragma once

#include "probes/seams/world.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// One series of an instant vector, or a scalar (without labels).
struct PromqlSample {
  std::map<std::string, std::string> labels;
  double value = 0;    // may be NaN or infinite
  bool number = true;  // false: a native histogram
};

struct PromqlAnswer {
  std::vector<PromqlSample> samples;
  std::string warning;                 // it could not read all of its data
  std::optional<double> evaluated_at;  // Unix time, of the oldest of them; nullopt: there is none
};

// An empty vector is good. Fails with protocol when it is no such answer, with assertion (code: the errorType) when Prometheus refuses or
// can't evaluate the query.
Result<PromqlAnswer> read_promql_answer(const HttpResponse& answer);

std::string labels_text(const std::map<std::string, std::string>& labels);  // `up{job="api"}`
std::string number_text(double value);                                      // "12.5", "NaN", "+Inf"

// Whether the query is a plain selector like `up{job="api"}`. Only for such a query does Prometheus tell when the samples were taken; for
// any other expression it tells when it was evaluated.
bool is_selector(std::string_view query);

}  // namespace drwatch
