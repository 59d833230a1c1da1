// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/validate.hpp"

#include "daemon/alerting/utf8.hpp"

#include <boost/url/parse.hpp>

#include <algorithm>
#include <tuple>

namespace drwatch {
namespace {

// The data model of Prometheus: [a-zA-Z_][a-zA-Z0-9_]*, for the names of labels and annotations alike.
bool good_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  return std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

std::optional<std::string> why_unsendable(const Alert& alert) {
  const auto name = alert.labels.find("alertname");
  if (name == alert.labels.end() || name->second.empty()) return "it has no alertname";
  for (const auto& [label, value] : alert.labels) {
    if (!good_name(label)) return "'" + clean_utf8(label, 80) + "' is no label name";
    if (!is_utf8(value)) return "the value of label " + label + " is not UTF-8";
    if (value.size() > max_label_bytes)
      return "the value of label " + label + " is longer than " + std::to_string(max_label_bytes) + " bytes";
  }
  // 1970: nobody filled it in, which is a bug of ours.
  if (alert.starts_at == Time{}) return "it has no start";
  return std::nullopt;
}

Alert tidy(Alert alert) {
  std::erase_if(alert.labels, [](const auto& label) { return label.second.empty(); });
  std::erase_if(alert.annotations, [](const auto& annotation) { return !good_name(annotation.first); });
  for (auto& [name, text] : alert.annotations) text = clean_utf8(text, max_annotation_bytes);
  if (!alert.durable) alert.annotations["durable"] = "false";
  return alert;
}

bool good_generator_url(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(boost::urls::string_view(url.data(), url.size()));
  if (!parsed) return false;
  return (parsed->scheme_id() == boost::urls::scheme::http || parsed->scheme_id() == boost::urls::scheme::https) && !parsed->host().empty();
}

void sort_for_sending(std::vector<Alert>& alerts) {
  // false sorts before true: firing first.
  std::ranges::stable_sort(alerts, {}, [](const Alert& alert) { return std::tuple(alert.resolved_at.has_value(), alert.order); });
}

bool still_sent(const Alert& alert, Time now) { return !alert.resolved_at || now - *alert.resolved_at < resolved_stays; }

}  // namespace drwatch
