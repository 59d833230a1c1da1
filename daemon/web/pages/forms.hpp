// SPDX-License-Identifier: Apache-2.0
// What every form of a page shares: whose it is, the API's request that it becomes, and a refusal in a person's words.
#pragma once

#include "daemon/web/pages/incident.hpp"
#include "daemon/web/room.hpp"

#include <map>
#include <optional>
#include <string>

namespace drwatch::web {

using Sent = std::map<std::string, std::string>;

// Empty: the form has no such field.
std::string sent_as(const Sent& sent, const std::string& name);

// Why it is not done at all: no form, or not one of this session's. A bearer token needs no such proof: no browser sends it by itself.
std::optional<Response> not_ours(const Call& call, const std::optional<Sent>& sent, const std::string& takes);

// The API's request to `path`. Its idempotency key holds for exactly what was sent: the form's own changes with what the page shows.
Request request_for(const Call& call, const Sent& sent, std::string path, const View& body);

// "critical steps are open: scope and connectivity; finish or skip them, ..."
NotDone not_done_of(const Response& refusal, const Sent& sent);

// The id in the API's answer.
std::string id_in(const Response& done, const std::string& otherwise);

}  // namespace drwatch::web
