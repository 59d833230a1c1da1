// SPDX-License-Identifier: Apache-2.0
// Idempotency-Key: a request that is sent again with the same key is not done again, and answered as the first time.
#pragma once

#include "daemon/web/room.hpp"

#include <functional>
#include <optional>
#include <string>

namespace drwatch::web {

struct Keyed {
  std::string key;  // with the caller's name, because two people may choose the same one; empty: the request has none
  std::string of;   // the same for equal requests alone
  std::optional<Refusal> refused;
};
Keyed keyed(const Call& call);

// Hands a decision to the daemon, which keeps the answer under the request's key, also over a restart.
Task<Answer> submit(Room& room, const Call& call, Input input);

// For what is no decision: `does` is done once for each key, and its answer is given again for 24 hours, or until drwatch is restarted.
// Whoever sends the same key meanwhile waits for that one answer. Both must outlive it.
Task<SharedResponse> once(Room& room, const Call& call, std::function<Task<SharedResponse>()> does);

}  // namespace drwatch::web
