// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/render.hpp"

#include <fmt/format.h>

namespace drwatch::commands {

namespace {

std::string took(double seconds_taken) {
  return seconds_taken < 1 ? fmt::format("{:.1f} ms", seconds_taken * 1000) : fmt::format("{:.2f} s", seconds_taken);
}

std::string phases(const Json& outcome) {
  std::string out;
  if (!outcome.contains("phases_seconds") || !outcome["phases_seconds"].is_object()) return out;
  for (const auto& [name, value] : outcome["phases_seconds"].items()) {
    if (value.is_number()) out += (out.empty() ? "" : "  ") + name + " " + took(value.get<double>());
  }
  return out;
}

}  // namespace

std::string outcomes_text(const Json& outcomes, const Paint& paint) {
  std::string out;
  for (const auto& each : outcomes) {
    const Json& outcome = each.contains("outcome") && each["outcome"].is_object() ? each["outcome"] : each;
    const std::string health = text_at(outcome, "outcome"), reason = text_at(outcome, "reason"), code = text_at(outcome, "code");
    out += paint(paint.health(health), health + std::string(health.size() < 9 ? 9 - health.size() : 1, ' ')) +
           paint(Ink::bold, text_at(each, "name"));
    if (!reason.empty()) out += "  " + reason + (code.empty() ? "" : " " + code);
    if (const auto message = one_line(text_at(outcome, "message")); !message.empty()) out += "  " + message;
    out += "\n";
    if (const auto line = phases(outcome); !line.empty()) out += "         " + paint(Ink::dim, line) + "\n";
    if (!outcome.contains("facts") || !outcome["facts"].is_object()) continue;
    for (const auto& [name, value] : outcome["facts"].items()) {
      out += "         " + paint(Ink::dim, name + " " + one_line(value.is_string() ? value.get<std::string>() : value.dump())) + "\n";
    }
  }
  return out;
}

int outcomes_exit_code(const Json& outcomes) {
  for (const auto& each : outcomes) {
    const Json& outcome = each.contains("outcome") && each["outcome"].is_object() ? each["outcome"] : each;
    const auto health = text_at(outcome, "outcome");
    if (health == "down" || health == "unknown") return 1;
  }
  return 0;
}

}  // namespace drwatch::commands
