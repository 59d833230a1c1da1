// SPDX-License-Identifier: Apache-2.0
// The chain: each event's hash is SHA-256 over the hash before it and its own canonical JSON text, so that a changed, removed or added
// event shows, and where. It shows what happened to the file; it is no proof against somebody who writes the whole file anew.
#pragma once

#include "config/rows/encoding.hpp"
#include "config/rows/time.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/recovery/record/event.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace drwatch::journal {

// The text that is hashed and stored: sorted keys, no white space, UTF-8 (bytes that are not are replaced). It must never come out
// differently for the same event, or the chain would seem broken.
std::string canonical_text(const Event& event);

// The end of a chain: the last event and its hash. Before the first event: 0 and sixty-four zeros.
struct Link {
  std::uint64_t seq = 0;
  std::string hash = std::string(64, '0');
  Link next(std::string_view canonical) const { return {seq + 1, sha256_hex(hash, canonical)}; }
};

// An event as the file has it. The columns beside `json` are for people with an SQL prompt; they must agree with it.
struct Row {
  std::uint64_t seq = 0;
  std::int64_t at_ms = 0;
  std::string kind;
  int version = 1;
  std::string json, hash;
};
// `event` as the row that follows `before`; its `seq` must be the next one.
Row row_of(const Event& event, const Link& before);
struct BadRow : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// Throws BadRow with what is wrong: not an event, or columns that disagree.
Event event_of(const Row& row);

// Takes rows in order and tells the first that does not follow. `head`: what the last commit wrote down as its newest event.
class ChainCheck {
 public:
  explicit ChainCheck(Link from, std::optional<Link> head = {}) : end_(std::move(from)), head_(std::move(head)) {}
  std::optional<JournalBreak> take(const Row& row);  // a break: the row was not taken
  std::optional<JournalBreak> finish() const;        // a break: the end was cut off
  const Link& end() const { return end_; }

 private:
  Link end_;
  std::optional<Link> head_;
};

}  // namespace drwatch::journal
