// SPDX-License-Identifier: Apache-2.0
// What was learned, as the snapshot holds it.
#include "daemon/recovery/outlook/measured.hpp"
#include "daemon/recovery/record/json.hpp"

namespace drwatch {
namespace {
constexpr int learned_by = 2;  // the way in which samples are taken
}

Json to_json(const Measured& m) {
  Json samples = Json::object(), scores = Json::array();
  for (const auto& [step, list] : m.samples) {
    Json& of_step = samples[step] = Json::array();
    for (const Sample& s : list) of_step.push_back({json::of(s.at), s.seconds, s.scenario, s.title, s.bytes});
  }
  for (const Score& s : m.scores) scores.push_back({s.incident, s.scenario, s.p50_seconds, s.p90_seconds, s.actual_seconds});
  return {{"learned_by", learned_by},   {"samples", samples},         {"scores", scores},    {"scored", m.scored},
          {"within_p50", m.within_p50}, {"within_p90", m.within_p90}, {"version", m.version}};
}

Measured measured_from_json(const Json& j) {
  Measured m;
  (void)j.at("learned_by");  // without it: a snapshot of a release that learned less; it does not fit, and the events are folded anew
  for (const auto& [step, list] : j.at("samples").items())
    for (const Json& s : list)
      m.samples[step].push_back({parse_time(s.at(0).get<std::string>()).value_or(Time{}), s.at(1).get<double>(), s.at(2).get<std::string>(),
                                 s.at(3).get<std::string>(), s.size() > 4 ? s.at(4).get<double>() : 0});  // later releases know the size
  for (const Json& s : j.at("scores"))
    m.scores.push_back(
        {s.at(0).get<std::string>(), s.at(1).get<std::string>(), s.at(2).get<double>(), s.at(3).get<double>(), s.at(4).get<double>()});
  m.scored = j.at("scored").get<std::uint64_t>();
  m.within_p50 = j.at("within_p50").get<std::uint64_t>();
  m.within_p90 = j.at("within_p90").get<std::uint64_t>();
  m.version = j.at("version").get<std::uint64_t>();
  return m;
}

}  // namespace drwatch
