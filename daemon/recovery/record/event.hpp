// SPDX-License-Identifier: Apache-2.0
// An event: something that was decided or done. Events are the journal, the log, the timeline and the event stream; the state is their
// fold. An event carries everything that was decided, so that applying it needs no settings, no threshold and no clock.
#pragma once

#include "config/rows/time.hpp"
#include "daemon/recovery/record/body.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

struct Event {
  std::uint64_t seq = 0;  // from 1, without holes
  Time at{};
  std::string kind;                                  // "incident.opened"; the closed list is event_kinds()
  int version = 1;                                   // of the kind's body; kinds only gain optional fields
  std::string by = "drwatch";                        // or the person or system whose token it was
  std::string incident, scenario, component, probe;  // empty: none
  std::string message;                               // one sentence for a person
  Body body;
};

enum class Importance { info, warning, error };  // of an event, as the log shows it
struct EventKind {
  std::string_view name;
  Importance importance;  // the usual one; a message may be milder (component.changed to up is info)
  std::string_view doc;   // what it means and what to do next: the message catalog is written from it
};
const std::vector<EventKind>& event_kinds();
const EventKind* event_kind(std::string_view name);
Importance importance(const Event& event);

// {"seq", "at", "kind", "version", "by", "incident", "scenario", "component", "probe", "message", "body"}; absent names are null.
Json to_json(const Event& event);
// About how much of memory and of the disk it takes: the bytes of its texts, and a little for every other value.
std::size_t bytes_of(const Event& event);
Event event_from_json(const Json& json);  // throws nlohmann::json::exception on a wrong shape

}  // namespace drwatch
