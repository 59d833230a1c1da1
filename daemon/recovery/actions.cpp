// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/actions.hpp"

namespace drwatch {
namespace {

template <class Action>
struct Word {
  Action action;
  std::string_view word;
};

// The first of an action is its name; others are taken as well.
constexpr Word<OnStep> on_step[] = {{OnStep::start, "start"}, {OnStep::done, "done"}, {OnStep::skip, "skip"},
                                    {OnStep::undo, "undo"},   {OnStep::run, "run"},   {OnStep::cancel, "cancel"}};
constexpr Word<OnMessage> on_message[] = {{OnMessage::approve, "approve"}, {OnMessage::approve, "approved"}, {OnMessage::sent, "sent"}};
constexpr Word<Ping> ping[] = {{Ping::start, "start"}, {Ping::success, "success"}, {Ping::fail, "fail"}, {Ping::log, "log"}};
constexpr Word<bool> of_signal[] = {{true, "raised"}, {false, "clear"}};

template <class Action, std::size_t n>
std::string_view name_in(const Word<Action> (&words)[n], Action action) {
  for (const Word<Action>& each : words)
    if (each.action == action) return each.word;
  return "";
}
template <class Action, std::size_t n>
std::optional<Action> parse_in(const Word<Action> (&words)[n], std::string_view word) {
  for (const Word<Action>& each : words)
    if (each.word == word) return each.action;
  return std::nullopt;
}
template <class Action, std::size_t n>
std::vector<std::string> all_in(const Word<Action> (&words)[n]) {
  std::vector<std::string> all;
  for (const Word<Action>& each : words) all.emplace_back(each.word);
  return all;
}

}  // namespace

std::string_view action_name(OnStep action) { return name_in(on_step, action); }
std::optional<OnStep> parse_step_action(std::string_view word) { return parse_in(on_step, word); }
std::vector<std::string> step_actions() { return all_in(on_step); }

std::string_view action_name(OnMessage action) { return name_in(on_message, action); }
std::optional<OnMessage> parse_message_action(std::string_view word) { return parse_in(on_message, word); }
std::vector<std::string> message_actions() { return all_in(on_message); }

std::optional<Ping> parse_ping(std::string_view word) { return parse_in(ping, word); }
std::vector<std::string> pings() { return all_in(ping); }

std::string_view signal_state(bool raised) { return name_in(of_signal, raised); }
std::optional<bool> parse_signal_state(std::string_view word) { return parse_in(of_signal, word); }
std::vector<std::string> signal_states() { return all_in(of_signal); }

}  // namespace drwatch
