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

constexpr const char* margin = "         ";

// What was asked, what came back, and by what it was judged.
std::string trace_text(const Json& outcome, const Json& configured, const Paint& paint) {
  std::string out;
  const auto line = [&](const char* label, Ink ink, const std::string& text) {
    out += margin + paint(Ink::dim, fmt::format("{:<7}", label)) + paint(ink, text) + "\n";
  };
  const Json trace = outcome.value("trace", Json());
  const Json& exchanges = list_at(trace, "exchanges");
  const auto left_off = number_at(trace, "left_off").value_or(0);
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    const Json& exchange = exchanges[i];
    if (left_off > 0 && i == exchanges.size() / 2) line("", Ink::dim, fmt::format("({:.0f} more were left off)", left_off));
    line("asked", Ink::plain, one_line(text_at(exchange, "asked")));
    const std::string answered = one_line(text_at(exchange, "answered"));
    const auto seconds_taken = number_at(exchange, "took_seconds");
    const std::string when = seconds_taken ? " (" + took(*seconds_taken) + ")" : "";
    line("got", flag_at(exchange, "failed") || !seconds_taken ? Ink::bad : Ink::plain,
         (answered.empty() ? "nothing" : answered) + when + (seconds_taken ? "" : ", and no more until the run ended"));
  }
  std::string written;
  if (configured.is_object())
    for (const auto& [key, value] : configured.items())
      written += (written.empty() ? "" : "; ") + key + " = " +
                 one_line(value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!written.empty()) line("by", Ink::dim, written);
  return out;
}

}  // namespace

std::string outcomes_text(const Json& outcomes, bool whole, const Paint& paint) {
  std::string out;
  for (const auto& each : outcomes) {
    const Json& outcome = each.contains("outcome") && each["outcome"].is_object() ? each["outcome"] : each;
    const std::string health = text_at(outcome, "outcome"), reason = text_at(outcome, "reason"), code = text_at(outcome, "code");
    out += paint(paint.health(health), health + std::string(health.size() < 9 ? 9 - health.size() : 1, ' ')) +
           paint(Ink::bold, text_at(each, "name"));
    if (!reason.empty()) out += "  " + reason + (code.empty() ? "" : " " + code);
    if (const auto message = one_line(text_at(outcome, "message")); !message.empty()) out += "  " + message;
    out += "\n";
    if (const auto line = phases(outcome); !line.empty()) out += margin + paint(Ink::dim, line) + "\n";
    if (whole || health != "up") out += trace_text(outcome, each.value("configured", Json()), paint);
    if (!outcome.contains("facts") || !outcome["facts"].is_object()) continue;
    for (const auto& [name, value] : outcome["facts"].items()) {
      out += margin +
             paint(Ink::dim, name + " " +
                                 one_line(value.is_string() ? value.get<std::string>()
                                                            : value.dump(-1, ' ', false, Json::error_handler_t::replace))) +
             "\n";
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
