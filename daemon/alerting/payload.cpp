// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/payload.hpp"

#include "daemon/alerting/utf8.hpp"
#include "daemon/alerting/validate.hpp"
#include "probes/parts/bounded_json.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

namespace drwatch {
namespace {

using Json = nlohmann::json;

// Compact; bytes that are not UTF-8 are replaced, since dump() would throw otherwise.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// The source link of an alert is the page that explains it. A URL that Alertmanager would refuse is left out: it would take the whole batch
// with it.
std::string generator_url(const Alert& alert) {
  const auto url = alert.annotations.find("runbook_url");
  return url != alert.annotations.end() && good_generator_url(url->second) ? url->second : "";
}

Json alert_json(const Alert& alert, Time now, Duration resend) {
  // After a clock was set back, a start may lie in the future and a resolve's end too. Alertmanager answers 400 to an end before its start,
  // and an end in the future does not resolve. So the end of a resolve is at most `now`, and the start at most the end.
  const Time ends = alert.resolved_at ? std::min(*alert.resolved_at, now) : std::max(now, alert.starts_at) + 4 * resend;
  Json json = {{"labels", alert.labels},
               {"annotations", alert.annotations},
               {"startsAt", time_text(std::min(alert.starts_at, ends))},
               {"endsAt", time_text(ends)}};
  if (std::string url = generator_url(alert); !url.empty()) json["generatorURL"] = std::move(url);
  return json;
}

bool plain_name(const std::string& name) {
  return std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

// {alertname="DrwatchIncident", scenario="database-outage"}, as Alertmanager writes a group.
std::string label_text(const Labels& labels) {
  std::string text = "{";
  for (const auto& [name, value] : labels) text += (text.size() > 1 ? ", " : "") + name + "=" + text_of(Json(value));
  return text + "}";
}

}  // namespace

std::string alerts_body(const std::vector<Alert>& alerts, Time now, Duration resend) {
  Json body = Json::array();
  for (const Alert& alert : alerts) body.push_back(alert_json(alert, now, resend));
  return text_of(body);
}

std::string read_back_path(const std::vector<Alert>& alerts) {
  std::set<std::string> names;
  for (const Alert& alert : alerts) names.insert(alert.labels.at("alertname"));
  // Narrowed by a filter, because a shared Alertmanager may hold thousands of alerts of others. A name that would have to be escaped inside
  // the regex, or too many names for a URL: then all alerts are asked for.
  if (names.size() > 50 || !std::ranges::all_of(names, plain_name)) return "/api/v2/alerts";
  // %7C is "|", and what follows is filter=alertname=~"A|B", percent-encoded.
  std::string any;
  for (const std::string& name : names) any += (any.empty() ? "" : "%7C") + name;
  return "/api/v2/alerts?filter=alertname%3D~%22" + any + "%22";
}

std::optional<std::set<Labels>> listed_alerts(std::string_view body) {
  const Json json = bounded_json(body);
  if (!json.is_array()) return std::nullopt;
  std::set<Labels> listed;
  for (const Json& alert : json) {
    // Something else than an Alertmanager answers: better not to know than to take an empty list for "it has lost all of them".
    if (!alert.is_object() || !alert.contains("labels") || !alert["labels"].is_object()) return std::nullopt;
    Labels labels;
    for (const auto& [name, value] : alert["labels"].items())
      if (value.is_string()) labels[name] = value.get<std::string>();
    listed.insert(std::move(labels));
  }
  return listed;
}

std::string error_text(std::string_view body) {
  // What says what is wrong is short; a page of megabytes is not read to the end while the loop waits.
  constexpr std::size_t longest = 64 * 1024;
  const Json json = body.size() <= longest ? bounded_json(body) : Json();
  std::string text(body.substr(0, longest));
  if (json.is_string()) text = json.get<std::string>();
  if (json.is_object() && json.contains("message") && json["message"].is_string()) text = json["message"].get<std::string>();
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  while (text.ends_with(' ')) text.pop_back();
  return clean_utf8(text, 300);
}

std::string webhook_body(const Alert& alert, const std::string& receiver, const std::string& external_url) {
  const std::string status = alert.resolved_at ? "resolved" : "firing";
  const Json one = {{"status", status},
                    {"labels", alert.labels},
                    {"annotations", alert.annotations},
                    {"startsAt", time_text(alert.starts_at)},
                    // Alertmanager's own way to say that there is no end yet: Go's zero time.
                    {"endsAt", alert.resolved_at ? time_text(*alert.resolved_at) : "0001-01-01T00:00:00Z"},
                    {"generatorURL", generator_url(alert)},
                    {"fingerprint", fingerprint(alert.labels)}};
  Json body = {{"version", "4"},
               {"groupKey", "{}:" + label_text(alert.labels)},
               {"truncatedAlerts", 0},
               {"status", status},
               {"receiver", receiver},
               {"groupLabels", alert.labels},
               {"commonLabels", alert.labels},
               {"commonAnnotations", alert.annotations},
               {"externalURL", external_url}};
  body["alerts"] = Json::array();
  body["alerts"].push_back(one);
  return text_of(body);
}

// FNV-1a with its 64-bit offset basis and prime, as labelSetToFingerprint in Prometheus' common/model.
std::string fingerprint(const Labels& labels) {
  std::uint64_t sum = 14695981039346656037U;
  const auto add = [&sum](unsigned char byte) { sum = (sum ^ byte) * 1099511628211U; };
  for (const auto& [name, value] : labels) {
    for (const std::string* part : {&name, &value}) {
      for (const char c : *part) add(static_cast<unsigned char>(c));
      add(0xFF);
    }
  }
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) text[15 - i] = "0123456789abcdef"[(sum >> (4 * i)) & 0xF];
  return text;
}

}  // namespace drwatch
