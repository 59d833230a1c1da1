// SPDX-License-Identifier: Apache-2.0
#include "daemon/secrets.hpp"

#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace drwatch {

Redaction secrets_of(const Settings& settings) {
  std::vector<Secret> all;
  for (const auto& [name, token] : settings.server.tokens) all.push_back(token.secret);
  for (const auto& [name, channel] : settings.channels) all.push_back(channel.url);
  for (const auto& [url, access] : settings.alertmanager.access) {
    for (const auto& [name, value] : access.headers) all.push_back(value);
    all.push_back(access.bearer);
    if (access.basic) all.push_back(access.basic->password);
  }
  if (settings.deadman) all.push_back(settings.deadman->url);
  for (const auto& [name, probe] : settings.probes) all.insert(all.end(), probe.secrets.begin(), probe.secrets.end());
  return Redaction(all);
}

void hide_secrets(Input& input, const Redaction& secrets) {
  std::visit(
      [&](auto& in) {
        using In = std::remove_reference_t<decltype(in)>;
        if constexpr (requires { in.note; }) secrets.hide(in.note);
        if constexpr (std::is_same_v<In, Pinged>) {
          secrets.hide(in.message);
          secrets.hide(in.rid);
        }
        if constexpr (std::is_same_v<In, JournalHealth>) secrets.hide(in.message);
        if constexpr (std::is_same_v<In, CommandEnded>) {
          secrets.hide(in.output);
          secrets.hide(in.evidence_wrong);
        }
        if constexpr (requires { in.evidence; }) secrets.hide(in.evidence);
        if constexpr (std::is_same_v<In, AddNote>) secrets.hide(in.text);
        if constexpr (std::is_same_v<In, HandOver>) secrets.hide(in.to);
        if constexpr (std::is_same_v<In, ConfigurationRefused>)
          for (std::string& problem : in.problems) secrets.hide(problem);
      },
      input);
}

void DiscreetLog::line(Importance importance, const std::string& message, const std::map<std::string, std::string>& fields) {
  auto without = fields;
  for (auto& [name, value] : without) secrets_.hide(value);
  to_.line(importance, secrets_.hidden(message), without);
}

}  // namespace drwatch
