// SPDX-License-Identifier: Apache-2.0
// drwatch doctor: what is still missing before what drwatch claims is true of this platform. Pure: settings and documents in, gaps out.
#pragma once

#include "config/settings.hpp"
#include "daemon/commands/text.hpp"

#include <string>
#include <vector>

namespace drwatch::commands {

// What drwatch claims, in the order in which it is told.
namespace claim {
inline constexpr const char* starts = "drwatch starts with this configuration";
inline constexpr const char* sees = "what is down is seen, and nothing else";
inline constexpr const char* loss = "how much data would be lost is known";
inline constexpr const char* woken = "somebody is woken";
inline constexpr const char* acts = "people can work on an incident";
inline constexpr const char* in_time = "recovery is over in time";
inline constexpr const char* all[] = {starts, sees, loss, woken, acts, in_time};
}  // namespace claim

// What stands in the way of a claim, and the line to type about it: in a shell, or in a file.
struct Gap {
  std::string claim, what, line;
};

struct Diagnosis {
  std::vector<Gap> missing;
  std::vector<Gap> not_looked_at;  // `what`: what could not be looked at, and why
};

// What the configuration lacks. `problems`: what check says of it; `settings` may be null then.
void diagnose_settings(const Settings* settings, const std::vector<config::Problem>& problems, const std::string& file, Diagnosis& into);
// What a running daemon has not seen yet: of the API's status.
void diagnose_status(const Json& status, Diagnosis& into);

std::string diagnosis_text(const Diagnosis& diagnosis, const Paint& paint);
Json diagnosis_document(const Diagnosis& diagnosis);

}  // namespace drwatch::commands
