// SPDX-License-Identifier: Apache-2.0
// What each source of recovery points is believed to hold, what it normally does, and whether two of them contradict each other.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

inline constexpr std::size_t tops_that_tell = 3;  // so many tips of the saw-tooth tell how high it usually grows

// The newest moment that a source is believed to be able to restore to. A source that only claims (`confirmed_by`) is believed while its
// confirmer looks (a run that could read within the last two of its intervals) and does not contradict it; otherwise no further than the
// confirmer has shown.
struct Believed {
  std::optional<Time> point;
  std::string source;      // whose word it is: the probe itself, or its confirmer
  bool estimated = false;  // nobody can read it now, or the point is coarse
  bool failing = false;    // the source says that it fails, or it was found to claim what is not there
  bool empty = false;      // no point, and that is known: it (or its confirmer) was read whole and holds nothing
};
Believed believed(const State& state, const Settings& settings, const std::string& probe, Time now);

// nullptr: this probe never said anything.
const SourceKept* source_of(const State& state, const std::string& probe);
bool survives(const ProbeSettings& probe, DisasterClass c);
// The probes that protect the component and survive the class, in configuration order.
std::vector<std::string> sources_of(const Settings& settings, const std::string& component, DisasterClass c);

// The source's normal highest exposure: 0.9-quantile of the learned tops (one outlier in ten does not count), never less than `every`.
// Zero while too little is known.
Duration normal_top(const State& state, const Settings& settings, const std::string& probe);

// The best that any source of the class ever does, when that is worse than the RPO: how often the most frequent one brings a new point. By
// configuration (`every`, the interval at which it is read) or by what was learned (even its lowest top is over it). nullopt: it can be
// met, or nobody knows yet.
struct Unreachable {
  Duration best{0};
  std::string source;
};
std::optional<Unreachable> unreachable(const State& state, const Settings& settings, const std::string& component, DisasterClass c);

// "wal-archive claims to hold everything up to ..., but pgbackrest holds only up to ..."
std::string disagreement_words(const State& state, const Settings& settings, const std::string& probe);

// "off-site held everything up to ...; since ... there is nothing in it that could be restored". nullopt: it holds all that it ever proved.
std::optional<std::string> loss_words(const State& state, const std::string& probe);

// ---- what a run says (objectives.cpp calls these)

// The newest moment that a reading proves: through the ledger where it can, else by the source's own time (coarse).
struct Point {
  Time at{};
  bool coarse = false;
};
// A reading of a store that holds less than it proved, or nothing. False also where the two can't be compared.
bool shows_less(const SourceKept& source, const RecoveryReading& reading, const std::optional<Point>& point);
// One such reading may be a listing that caught the store half-way, or an answer that was empty for a moment: the second whole one in a row
// is believed. True: it is so now, and `source` is changed to what is left.
bool lose(SourceKept& source, const RecoveryReading& reading, const std::optional<Point>& point, Time run);

// A claim to be compared with what the confirmer shows later.
void remember_claim(SourceKept& source, const Claim& claim, Time now, Duration confirmer_interval);
// The confirmer holds less than was claimed. nullopt: they can't be compared (different timelines and coarse times).
std::optional<bool> holds_less(const SourceKept& confirmer, const Claim& claim);
// After a run of the confirmer that could read: the newest claim that is older than two of its intervals must be there.
void confront(SourceKept& source, const SourceKept& confirmer, Time confirmer_run, Duration confirmer_interval);

}  // namespace drwatch
