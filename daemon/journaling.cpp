// SPDX-License-Identifier: Apache-2.0
// The daemon and its journal: what is written beside the events, whether it is written at all, and what becomes of it when the journal
// takes no more.
#include "daemon/daemon.hpp"

#include <utility>

namespace drwatch {
namespace {

constexpr std::uint64_t events_per_snapshot = 5000;

}  // namespace

void Daemon::write_down() {
  state_.kept.alive_at = now();
  keeping_.write_kept(state_.kept);
  // What was left out led to a record that no event of the journal leads to yet.
  if (left_out_.events > 0 || state_.record.seq - snapshot_seq_ < events_per_snapshot) return;
  snapshot_seq_ = state_.record.seq;
  parts_.journal.snapshot(snapshot_seq_, snapshot_text(state_.record));
}

// The journal fails when writing reports an error, or when the oldest write has waited longer than `[journal] patience`. It is told once,
// and once more when it is mended.
void Daemon::watch_journal() {
  const JournalBound& bound = parts_.journal_bound;
  if (parts_.journal.waiting() <= bound.events / 2 && parts_.journal.waiting_bytes() <= bound.bytes / 2) resume();
  bool slow = keeping_.oldest_wait() > settings_->journal.patience;
  bool failing = slow || !journal_error_.empty() || left_out_.events > 0;
  figures_.durable = !failing;
  if (failing == state_.record.journal_failing) return;
  feed(JournalHealth{
      failing, journal_error_.empty() ? "a commit takes longer than " + duration_words(settings_->journal.patience) : journal_error_});
}

bool Daemon::is_full() const {
  const JournalBound& bound = parts_.journal_bound;
  return left_out_.events > 0 || parts_.journal.waiting() >= bound.events || parts_.journal.waiting_bytes() >= bound.bytes;
}

// Watching and paging go on, so there is no end to what is decided. What it led to is in the record, which is bounded, and is written as
// one event when the journal takes events again: incidents, acknowledgments and all else that a restart must know. Lost are the events
// themselves. The chain has no gap, since their numbers are given anew.
void Daemon::leave_out(Decision& decision, std::map<std::string, std::string> beside) {
  const std::uint64_t written = state_.record.seq - decision.events.size();
  if (left_out_.events == 0) {
    left_out_.since = decision.events.front().at;
    log_.line(Importance::error,
              "the journal takes no more: " + std::to_string(parts_.journal.waiting()) +
                  " events wait for its disk in memory; watching and paging go on, but from now on events are not kept to be written, only "
                  "what they lead to, and whatever people and other systems ask for is refused (503) until the disk is mended");
  }
  left_out_.events += decision.events.size();
  figures_.journal_left_out += decision.events.size();
  state_.record.seq = written;
  for (Event& event : decision.events) event.seq = written + 1;
  keeping_.leave_out(state_.kept, std::move(beside));
}

void Daemon::resume() {
  if (left_out_.events == 0) return;
  const auto gap = std::exchange(left_out_, {});
  covered_ = gap.events;
  // Not through feed(): it may be as full as before, at the end.
  Decision decision = decided(JournalResumed{gap.events, gap.since});
  covered_ticket_ = keeping_.write(decision.events, state_.kept);
  carry_out(decision);
}

}  // namespace drwatch
