// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/chain.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace drwatch::journal {

std::string canonical_text(const Event& event) { return to_json(event).dump(-1, ' ', false, Json::error_handler_t::replace); }

Row row_of(const Event& event, const Link& before) {
  Row row{event.seq, event.at.time_since_epoch().count(), event.kind, event.version, canonical_text(event), {}};
  row.hash = before.next(row.json).hash;
  return row;
}

Event event_of(const Row& row) {
  Event event;
  try {
    event = event_from_json(Json::parse(row.json));
  } catch (const Json::exception& error) {
    throw BadRow(std::string("its text is not an event: ") + error.what());
  }
  // The hash covers the text alone, so a changed column would not show in the chain.
  if (event.seq != row.seq || event.at.time_since_epoch().count() != row.at_ms || event.kind != row.kind || event.version != row.version) {
    throw BadRow("its columns do not agree with its text");
  }
  return event;
}

namespace {

JournalBreak missing(std::uint64_t first, std::uint64_t last, const char* where) {
  const std::string which =
      first == last ? "event " + std::to_string(first) + " is" : "events " + std::to_string(first) + " to " + std::to_string(last) + " are";
  return {first, which + " missing" + where};
}

}  // namespace

std::optional<JournalBreak> ChainCheck::take(const Row& row) {
  // What is left of a cut file may show an event again, or one from before: what should stand here is not there.
  if (row.seq <= end_.seq) return missing(end_.seq + 1, head_ ? std::max(head_->seq, end_.seq + 1) : end_.seq + 1, "");
  if (row.seq != end_.seq + 1) return missing(end_.seq + 1, row.seq - 1, "");
  Link next = end_.next(row.json);
  // The head was written by the same commit: a chain that was rewritten consistently from somewhere on still disagrees with it.
  const bool other_head = head_ && head_->seq == row.seq && head_->hash != row.hash;
  if (next.hash != row.hash || other_head)
    return JournalBreak{row.seq, "event " + std::to_string(row.seq) + " is not the one that was written"};
  end_ = std::move(next);
  return std::nullopt;
}

std::optional<JournalBreak> ChainCheck::finish() const {
  // More rows than the head names is no break: a running daemon has written on since the head was read.
  if (!head_ || head_->seq <= end_.seq) return std::nullopt;
  return missing(end_.seq + 1, head_->seq, " at the end");
}

}  // namespace drwatch::journal
