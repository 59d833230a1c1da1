// SPDX-License-Identifier: Apache-2.0
#include "daemon/answers.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace drwatch {

std::string answer_text(Time at, const Answer& a) {
  Json j{{"at", time_text(at)}, {"subject", a.subject}, {"durable", a.durable}};
  if (a.refused)
    j["refused"] = {{"status", a.refused->status}, {"title", a.refused->title}, {"detail", a.refused->detail}, {"list", a.refused->list}};
  if (!a.of.empty()) j["of"] = a.of;
  if (a.made) j["made"] = true;
  return j.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<std::pair<Time, Answer>> answer_from(const std::string& text) {
  Json j = Json::parse(text, nullptr, false);
  if (!j.is_object()) return std::nullopt;
  auto at = parse_time(j.value("at", ""));
  if (!at) return std::nullopt;
  Answer a;
  a.subject = j.value("subject", "");
  a.durable = j.value("durable", true);
  a.of = j.value("of", "");
  a.made = j.value("made", false);
  if (auto r = j.find("refused"); r != j.end())
    a.refused =
        Refusal{r->value("status", 409), r->value("title", ""), r->value("detail", ""), r->value("list", std::vector<std::string>{})};
  return std::pair{*at, a};
}

bool keeps_document(const Decision& decision) {
  const auto has_document = [](const Event& event) { return event.body.json().contains("document"); };
  return std::any_of(decision.events.begin(), decision.events.end(), has_document);
}

}  // namespace drwatch
