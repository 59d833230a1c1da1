// SPDX-License-Identifier: Apache-2.0
// What an incident is made of, in the journal's words: whole, so that an opening carries everything that was decided. The API's document
// is another (daemon/web/api/view).
#pragma once

#include "daemon/recovery/record/json.hpp"

#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace drwatch::json {

template <class T>
concept Plain = std::same_as<T, std::string> || std::same_as<T, bool> || std::same_as<T, std::vector<std::string>>;
using Spans = std::vector<std::pair<Time, Time>>;

template <Plain T>
Json of(const T& value) {
  return value;
}
Json of(IncidentState state);
Json of(Severity severity);
Json of(const Exit& exit);
Json of(const Trigger& trigger);
Json of(const std::optional<Loss>& loss);
Json of(const std::optional<Second>& second);
Json of(const std::optional<Projection>& projection);
Json of(const std::vector<IncidentStep>& steps);
Json of(const std::vector<IncidentMessage>& messages);
Json of(const std::vector<Message>& plans);
Json of(const Spans& spans);
Json of(const std::vector<Filed>& filed);
Json of(const std::vector<Event>& timeline);

// `into` becomes whole[key]. Missing is as null where null is a value, and "", false and 0 for text, flags and durations; the rest throws.
void read(const Json& whole, const char* key, std::string& into);
void read(const Json& whole, const char* key, bool& into);
void read(const Json& whole, const char* key, std::vector<std::string>& into);
void read(const Json& whole, const char* key, Time& into);
void read(const Json& whole, const char* key, Duration& into);
void read(const Json& whole, const char* key, std::optional<Time>& into);
void read(const Json& whole, const char* key, std::optional<double>& into);
void read(const Json& whole, const char* key, std::vector<Evidence>& into);
void read(const Json& whole, const char* key, IncidentState& into);  // an unknown one: open
void read(const Json& whole, const char* key, Severity& into);       // ... critical
void read(const Json& whole, const char* key, Exit& into);
void read(const Json& whole, const char* key, Trigger& into);
void read(const Json& whole, const char* key, std::optional<Loss>& into);
void read(const Json& whole, const char* key, std::optional<Second>& into);
void read(const Json& whole, const char* key, std::optional<Projection>& into);
void read(const Json& whole, const char* key, std::vector<IncidentStep>& into);
void read(const Json& whole, const char* key, std::vector<IncidentMessage>& into);
void read(const Json& whole, const char* key, std::vector<Message>& into);
void read(const Json& whole, const char* key, Spans& into);
void read(const Json& whole, const char* key, std::vector<Filed>& into);
void read(const Json& whole, const char* key, std::vector<Event>& into);

}  // namespace drwatch::json
