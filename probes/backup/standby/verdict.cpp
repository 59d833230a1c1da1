// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/standby/verdict.hpp"

#include "probes/backup/wal/archive.hpp"
#include "probes/parts/complaint.hpp"
#include "probes/parts/wal_position.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr std::size_t most_positions = 1000;
constexpr Duration latest_reply = seconds{60};  // wal_sender_timeout's default; a standby reports every 10 s

// nullptr: not configured, or not read.
template <class Account>
const Account* read(const std::optional<Result<Account>>& from) {
  return from && *from ? &**from : nullptr;
}
template <class Account>
std::optional<Failure> failed(const std::optional<Result<Account>>& from) {
  return from && !*from ? std::optional(from->error()) : std::nullopt;
}

// Nothing listens on the standby's own address, or it is being stopped: that is an answer.
bool is_off(const Failure& f) { return f.code == "ECONNREFUSED" || f.code == "57P01" || f.code == "57P02"; }

// The position that outlives the primary: the standby's own word, if it can be asked; else what it last reported to the primary as flushed.
std::optional<WalPosition> held(const StandbySight& sight) {
  if (const auto* s = read(sight.standby)) {
    const auto at = s->held();
    return at && s->in_recovery && s->timeline > 0 ? std::optional(WalPosition{s->timeline, *at}) : std::nullopt;
  }
  const auto* p = read(sight.primary);
  if (!p || !p->flushed || !p->current) return std::nullopt;
  return WalPosition{p->current->timeline, *p->flushed};
}

// Up to when everything is proven to be held. Each of these proves it; none is "receive equals replay", which also holds when the primary
// is gone. It may claim to be from the future (a beat that somebody wrote, a clock that was wrong): then it proves nothing.
std::optional<Time> claimed_until(const StandbySight& sight, const PrimaryPositions& positions, const std::optional<WalPosition>& at) {
  std::optional<Time> newest = at ? positions.newest_within(*at) : std::nullopt;
  const auto consider = [&](const std::optional<Time>& other) {
    if (other && (!newest || *other > *newest)) newest = other;
  };
  const auto* s = read(sight.standby);
  if (!s || !s->in_recovery) return newest;
  consider(s->canary);
  consider(s->last_commit);
  if (s->receiver && s->latest_end && s->received >= s->latest_end) consider(s->last_message);
  return newest;
}

// Work that is left before a promotion: the age of the oldest transaction that was received and not applied, at most.
std::optional<Duration> replay_lag(const StandbySight& sight) {
  if (const auto* s = read(sight.standby)) {
    if (!s->received || !s->replayed || *s->replayed >= *s->received) return Duration{0};
    return s->last_commit ? std::optional(std::max(s->now - *s->last_commit, Duration{0})) : std::nullopt;
  }
  const auto* p = read(sight.primary);
  return p ? p->replay_lag : std::nullopt;
}

void complain_of_standby(const StandbyAccount& s, const StandbySight& sight, const StandbyWanted& wanted, Complaints& complaints) {
  if (!s.in_recovery) {
    complaints.push_back(
        {Health::down, Reason::assertion, "it is not a standby (any more): it takes writes of its own and follows nobody"});
    return;
  }
  if (!s.receiver)
    complaints.push_back(
        {Health::down, Reason::absent, "the standby is not connected to a primary: no WAL receiver runs, nothing arrives"});
  else if (!s.receiver_status.empty() && s.receiver_status != "streaming")
    complaints.push_back({Health::degraded, Reason::stale, "the standby's WAL receiver is " + quote(s.receiver_status, 40)});
  const auto lag = replay_lag(sight);
  if (s.paused)
    complaints.push_back({Health::degraded, Reason::assertion, "replay is paused: nothing is lost, but a promotion has to catch up first"});
  else if (lag && *lag > s.apply_delay + wanted.behind)
    complaints.push_back({Health::degraded, Reason::stale,
                          "replay is " + duration_words(*lag) + " behind what was received: a promotion has to catch up first"});
}

void complain_of_slot(const SenderAccount& p, const std::string& slot, Complaints& complaints) {
  if (slot.empty()) return;
  if (!p.slot_active)
    complaints.push_back({Health::degraded, Reason::absent, "the primary has no replication slot " + quote(slot, 64)});
  else if (p.slot_status == "lost")
    complaints.push_back({Health::down, Reason::assertion,
                          "the slot " + quote(slot, 64) + " is lost: the primary threw away what the standby needs, it must be rebuilt"});
  else if (p.slot_status == "unreserved")
    complaints.push_back({Health::degraded, Reason::assertion,
                          "the slot " + quote(slot, 64) + " is unreserved: the primary may throw away what the standby needs"});
}

void complain_of_sender(const SenderAccount& p, const StandbyWanted& wanted, Complaints& complaints) {
  complain_of_slot(p, wanted.slot, complaints);
  if (p.count == 0) {
    complaints.push_back({Health::down, Reason::absent, "no standby called " + quote(wanted.name, 64) + " is connected to the primary"});
    return;
  }
  if (p.state == "catchup")
    complaints.push_back({Health::degraded, Reason::stale, "the standby is still catching up"});
  else if (!p.state.empty() && p.state != "streaming")
    complaints.push_back({Health::degraded, Reason::stale, "the primary's sender is in state " + quote(p.state, 40)});
  if (p.replied_at && p.asked_at - *p.replied_at > latest_reply)
    complaints.push_back({Health::degraded, Reason::stale,
                          "the standby last replied to the primary " + duration_words(p.asked_at - *p.replied_at) + " ago"});
}

void complain_of_future(Time until, Complaints& complaints) {
  complaints.push_back({Health::unknown, Reason::protocol,
                        "what the standby holds is from the future (" + time_words(until) + "): up to when it is held is not known"});
}

bool other_cluster(const StandbySight& sight) {
  const auto* p = read(sight.primary);
  const auto* s = read(sight.standby);
  return p && s && !p->system_identifier.empty() && !s->system_identifier.empty() && p->system_identifier != s->system_identifier;
}

void complain_of_both(const StandbySight& sight, const std::optional<WalPosition>& at, const std::optional<Time>& until,
                      const StandbyWanted& wanted, Complaints& complaints) {
  const auto* p = read(sight.primary);
  if (other_cluster(sight))
    complaints.push_back({Health::down, Reason::assertion, "the standby is of another database cluster than the primary"});
  if (!p || !p->current || !at || p->count == 0) return;
  // An idle primary: nothing is behind, however old the newest moment is.
  const bool all = at->timeline == p->current->timeline && at->lsn >= p->current->lsn;
  if (!all && until && p->asked_at - *until > wanted.behind)
    complaints.push_back(
        {Health::degraded, Reason::stale, "the standby is " + duration_words(p->asked_at - *until) + " behind the primary"});
}

void complain_of_failures(const StandbySight& sight, Complaints& complaints) {
  const auto of_standby = failed(sight.standby);
  const auto of_primary = failed(sight.primary);
  const Reason standby_reason = of_standby && of_standby->reason != Reason::none ? of_standby->reason : Reason::internal;
  if (of_standby && is_off(*of_standby)) {
    complaints.push_back({Health::down, Reason::connect, "the standby is off: " + of_standby->message});
  } else if (of_standby && read(sight.primary)) {
    complaints.push_back({Health::degraded, standby_reason, "the standby can't be asked: " + of_standby->message});
  } else if (of_standby) {
    complaints.push_back({Health::unknown, standby_reason, "the standby could not be asked: " + of_standby->message});
  }
  // With the standby's own word the primary's is not needed; alone it is all there is.
  if (of_primary && !sight.standby)
    complaints.push_back({Health::unknown, of_primary->reason, "the primary could not be asked: " + of_primary->message});
}

void add_facts(const StandbySight& sight, Outcome& outcome) {
  auto& facts = outcome.facts;
  const auto* s = read(sight.standby);
  const auto* p = read(sight.primary);
  if (s) {
    facts["receiver"] = !s->receiver ? "none" : s->receiver_status.empty() ? "runs" : excerpt(s->receiver_status, 40);
    if (s->received) facts["received_lsn"] = lsn_text(*s->received);
    if (s->replayed) facts["replayed_lsn"] = lsn_text(*s->replayed);
    if (s->received && s->replayed)
      facts["to_replay_bytes"] = std::to_string(*s->received > *s->replayed ? *s->received - *s->replayed : 0);
    facts["replay_paused"] = s->paused ? "yes" : "no";
    if (s->apply_delay > Duration{0})
      facts["apply_delay_seconds"] = std::to_string(std::chrono::duration_cast<seconds>(s->apply_delay).count());
    if (s->canary) facts["canary_replayed"] = time_text(*s->canary);
  }
  if (p) {
    facts["connected_standbys"] = std::to_string(p->count);
    if (!p->state.empty()) facts["sender_state"] = excerpt(p->state, 40);
    if (!p->sync_state.empty()) facts["sync_state"] = excerpt(p->sync_state, 40);
    if (p->flush_lag) facts["flush_lag"] = duration_text(*p->flush_lag);
    if (!p->slot_status.empty()) facts["slot_status"] = excerpt(p->slot_status, 40);
  }
  if (const auto lag = replay_lag(sight)) facts["replay_lag"] = duration_text(*lag);
  const auto at = held(sight);
  if (p && p->current && at && at->timeline == p->current->timeline)
    facts["unprotected_bytes"] = std::to_string(p->current->lsn > at->lsn ? p->current->lsn - at->lsn : 0);
}

std::string good_text(const StandbySight& sight, const std::optional<Time>& until) {
  std::string text = until ? "the standby holds everything up to " + time_words(*until) : "the standby is connected";
  if (const auto failure = failed(sight.primary)) text += " (the primary could not be asked: " + failure->message + ")";
  if (const auto* p = read(sight.primary); p && p->count > 1)
    text += " (the furthest of " + std::to_string(p->count) + " that go by one name; give each its application_name)";
  return text;
}

}  // namespace

void PrimaryPositions::add(WalPosition at, Time when) {
  if (!entries_.empty() && (entries_.back().at.timeline != at.timeline || entries_.back().at.lsn > at.lsn)) entries_.clear();
  // At one position only the newest moment counts: an idle primary fills nothing.
  if (!entries_.empty() && entries_.back().at == at) entries_.pop_back();
  entries_.push_back({at, when});
  if (entries_.size() > most_positions) entries_.pop_front();
}

std::optional<Time> PrimaryPositions::newest_within(WalPosition held) const {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry)
    if (entry->at.timeline == held.timeline && entry->at.lsn <= held.lsn) return entry->when;
  return std::nullopt;
}

Outcome judge_standby(const StandbySight& sight, const PrimaryPositions& positions, const StandbyWanted& wanted, Time now) {
  // Positions of another cluster look like this one's and hold nothing of it.
  const bool stranger = other_cluster(sight);
  const auto at = stranger ? std::nullopt : held(sight);
  const auto claimed = stranger ? std::nullopt : claimed_until(sight, positions, at);
  const auto until = claimed && is_future(*claimed, now) ? std::nullopt : claimed;
  Complaints complaints;
  if (const auto* s = read(sight.standby)) complain_of_standby(*s, sight, wanted, complaints);
  if (const auto* p = read(sight.primary)) complain_of_sender(*p, wanted, complaints);
  complain_of_both(sight, at, until, wanted, complaints);
  complain_of_failures(sight, complaints);
  if (claimed && !until) complain_of_future(*claimed, complaints);

  Outcome outcome = verdict(std::move(complaints), good_text(sight, until));
  if (outcome.outcome == Health::down && until) outcome.message += "; what is held ends at " + time_words(*until) + " at the earliest";
  const bool failing = outcome.outcome == Health::down;
  if (at || until || failing) {
    outcome.recovery.emplace();
    outcome.recovery->safe = at;
    outcome.recovery->time = until;
    outcome.recovery->failing = failing;
    // A stranger holds nothing of this database, and that is certain.
    outcome.recovery->whole = stranger || (at && read(sight.standby));
  }
  add_facts(sight, outcome);
  return outcome;
}

}  // namespace drwatch
