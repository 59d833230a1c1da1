// SPDX-License-Identifier: Apache-2.0
// What is done to a step, to a message, about a job and to a signal, and the one word for each that people and other systems write: on the
// command line, in the API, in a scenario test.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

enum class OnStep { start, done, skip, undo, run, cancel };
std::string_view action_name(OnStep action);
std::optional<OnStep> parse_step_action(std::string_view word);
std::vector<std::string> step_actions();  // every word, for who wrote another

enum class OnMessage { approve, sent };
std::string_view action_name(OnMessage action);
// "approved", the state that it leads to, is taken for "approve".
std::optional<OnMessage> parse_message_action(std::string_view word);
std::vector<std::string> message_actions();

// A job calls in.
enum class Ping { success, start, fail, log };
std::optional<Ping> parse_ping(std::string_view word);
std::vector<std::string> pings();

std::string_view signal_state(bool raised);
std::optional<bool> parse_signal_state(std::string_view word);
std::vector<std::string> signal_states();

}  // namespace drwatch
