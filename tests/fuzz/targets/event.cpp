// SPDX-License-Identifier: Apache-2.0
// An event's text, as a journal holds it: refused, or the same after being written again; the fold takes whatever was accepted.
#include "daemon/journal/chain.hpp"
#include "daemon/recovery/record/state.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

namespace event_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(event)(const std::uint8_t* data, std::size_t size) {
  journal::Row row;
  row.json = text_of(data, size);
  try {
    const Json json = Json::parse(row.json);
    row.seq = json.at("seq").get<std::uint64_t>();
    row.kind = json.at("kind").get<std::string>();
    row.version = json.value("version", 1);
    const auto at = parse_time(json.at("at").get<std::string>());
    if (!at) return 0;
    row.at_ms = at->time_since_epoch().count();
  } catch (const Json::exception&) {
    return 0;
  }
  try {
    const Event event = journal::event_of(row);
    const std::string text = journal::canonical_text(event);
    must(journal::canonical_text(event_from_json(Json::parse(text))) == text, "an event survives being written");
    Record record;
    apply(record, event);
  } catch (const journal::BadRow&) {  // not an event
  } catch (const Json::exception&) {  // a body of another shape: the journal's break is told
  }
  return 0;
}

}  // namespace event_target
