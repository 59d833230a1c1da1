// SPDX-License-Identifier: Apache-2.0
// What follows from a signal that is raised: so that whoever raises it learns at once what it opens, or why it opens nothing.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

struct Follows {
  enum class What { open, pending, kept_shut, waits };
  std::string scenario;
  What what = What::waits;
  std::string incident;          // open: its id
  std::optional<Time> opens_at;  // pending
  std::string why;               // kept shut, or what it waits for: "it asks for 'api is down' as well"
};
std::string_view follows_name(Follows::What what);  // "open", "pending", "kept-shut", "waits"

// In every scenario whose trigger asks for the signal to be raised, by name. Empty: none does.
std::vector<Follows> follows_from(const State& state, const Settings& settings, const std::string& signal);

}  // namespace drwatch
