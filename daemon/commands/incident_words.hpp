// SPDX-License-Identifier: Apache-2.0
// Which incident is meant, by what was typed of it at three in the morning: all of its id, a beginning of it that only one has, its
// scenario, or nothing where only one is open. Never a guess: what could be two is refused, with both.
#pragma once

#include "daemon/commands/client.hpp"

#include <functional>
#include <string>
#include <vector>

namespace drwatch::commands {

// `words` as they stand behind "drwatch incident NAME": an ID, which may be left out, and so many words as `names` has. Which is which is
// told by their number alone.
struct IncidentWords {
  std::string id;  // as it was typed; empty: left out
  std::vector<std::string> rest;
};
IncidentWords incident_words(const std::string& command, const std::vector<std::string>& words, const std::vector<std::string>& names);
// The same for a text of several words, which is in quotes when no ID stands before it.
IncidentWords incident_words_and_text(const std::string& command, const std::vector<std::string>& words);

// 8 digits, "drill-" before them for a drill, and no more than an id may go on with: nobody's name and no scenario's.
bool begins_like_an_id(const std::string& word);
bool looks_like_an_id(const std::string& word);  // a whole one

// The id among `incidents` (the newest first). `word` empty: the only one in the first of `states` that any is in. Refuses with the
// candidates.
std::string pick_incident(const Json& incidents, const std::string& word, const std::vector<std::string>& states);

// Does something to the incident that is meant. A whole id is taken as it stands, since the daemon that has to answer may be too busy for
// anything but commands; only when there is none of it, or it is something else, the incidents are read first.
Json with_incident(Client& client, const std::string& word, const std::function<Json(const std::string& id)>& does,
                   const std::vector<std::string>& states = {"open", "recovered"});

}  // namespace drwatch::commands
