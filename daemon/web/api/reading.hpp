// SPDX-License-Identifier: Apache-2.0
// What the reading routes share.
#pragma once

#include "daemon/web/api/view.hpp"
#include "daemon/web/room.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace drwatch::web {

// The moment, with the settings it is read under kept alive.
struct Moment {
  std::shared_ptr<const Settings> settings;
  Seen seen;
  explicit Moment(Room& room);
};

Response json(const View& document, int status = 200);

// {"NAME": [...], "next": null}: at most ?limit (100; 1000 at most) of `keys` after ?after, each by `view`. A 400 when they are not
// understood.
Response list(const Call& call, const std::string& name, const std::vector<std::string>& keys,
              const std::function<View(const std::string&)>& view, std::size_t usual_limit);
// ?NAME as a whole number, `otherwise` when absent; nullopt when it is none.
std::optional<std::uint64_t> number_in_query(const Call& call, const std::string& name, std::uint64_t otherwise);

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

}  // namespace drwatch::web
