// SPDX-License-Identifier: Apache-2.0
// The daemon and its journal: what is written beside the events, whether it is written at all, and what becomes of it when the journal
// takes no more.
#include "daemon/daemon.hpp"

namespace drwatch {
namespace {

constexpr std::uint64_t events_per_snapshot = 5000;
constexpr std::size_t most_waiting = 100000;  // events that wait for the disk before kept values are left out

}  // namespace

void Daemon::write_down() {
  state_.kept.alive_at = now();
  if (parts_.journal.waiting() < most_waiting) keeping_.write_kept(state_.kept);
  if (state_.record.seq - snapshot_seq_ < events_per_snapshot) return;
  snapshot_seq_ = state_.record.seq;
  parts_.journal.snapshot(snapshot_seq_, snapshot_text(state_.record));
}

// The journal fails when writing reports an error, or when the oldest write has waited longer than `[journal] patience`. It is told once,
// and once more when it is mended.
void Daemon::watch_journal() {
  bool slow = keeping_.oldest_wait() > settings_->journal.patience;
  bool failing = slow || !journal_error_.empty();
  figures_.durable = !failing;
  if (failing == state_.record.journal_failing) return;
  feed(JournalHealth{
      failing, journal_error_.empty() ? "a commit takes longer than " + duration_words(settings_->journal.patience) : journal_error_});
}

}  // namespace drwatch
