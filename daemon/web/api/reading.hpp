// SPDX-License-Identifier: Apache-2.0
// What the reading routes share.
#pragma once

#include "daemon/web/room.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace drwatch::web {

// The document as a response; bytes that are not UTF-8 are replaced.
Response json(const View& document, int status = 200);

// {"NAME": [...], "next": null}: at most ?limit (usually `usual_limit`, 1000 at most) of `keys` behind ?after, each shown by `view`. `next`
// is the key to go on behind; null: the list ends here. 400 when ?limit or ?after is not understood.
Response list(const Call& call, const std::string& name, const std::vector<std::string>& keys,
              const std::function<View(const std::string&)>& view, std::size_t usual_limit);
// ?NAME as a whole number; `otherwise` when it is absent; nullopt when it is not a number.
std::optional<std::uint64_t> number_in_query(const Call& call, const std::string& name, std::uint64_t otherwise);

// What the heart refused.
Response refusal(const Refusal& refused);
// The incident or drill that a command touched, as it is after it, or the refusal.
Task<SharedResponse> incident_answer(Room& room, Caller caller, std::string id, Answer answer, int status);

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

}  // namespace drwatch::web
