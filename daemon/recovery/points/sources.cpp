// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/points/sources.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch {
namespace {

constexpr std::size_t claims_in_reach = 32;  // claims that are remembered, spread over two intervals of the confirmer

// The newest run could read the source.
bool readable(const State& state, const std::string& probe) {
  auto sight = state.sight.probes.find(probe);
  return sight != state.sight.probes.end() && sight->second.last && sight->second.last->recovery &&
         sight->second.last->outcome != Health::unknown;
}

// nullptr: nobody confirms this source, and its own word counts.
const ProbeSettings* confirmer_of(const Settings& settings, const std::string& probe) {
  const auto& backup = settings.probes.at(probe).backup;
  auto confirmer = backup->confirmed_by.empty() ? settings.probes.end() : settings.probes.find(backup->confirmed_by);
  return confirmer == settings.probes.end() ? nullptr : &confirmer->second;
}

}  // namespace

const SourceKept* source_of(const State& state, const std::string& probe) {
  auto it = state.kept.sources.find(probe);
  return it == state.kept.sources.end() ? nullptr : &it->second;
}

bool survives(const ProbeSettings& probe, DisasterClass c) {
  const auto& classes = probe.backup->survives;
  return std::find(classes.begin(), classes.end(), c) != classes.end();
}

std::vector<std::string> sources_of(const Settings& settings, const std::string& component, DisasterClass c) {
  std::vector<std::string> names;
  for (const std::string& name : settings.components.at(component).protected_by)
    if (survives(settings.probes.at(name), c)) names.push_back(name);
  return names;
}

// Decides whose word counts: the source's own, or where it only claims, what its confirmer has shown.
Believed believed(const State& state, const Settings& settings, const std::string& probe, Time now) {
  const SourceKept* source = source_of(state, probe);
  Believed its{std::nullopt, probe, false, false};
  if (!source || !source->recovery_point) {
    its.empty = source && source->empty_since;
    return its;
  }
  its.point = source->recovery_point;
  its.estimated = source->coarse || !readable(state, probe);
  its.failing = source->failing;
  const ProbeSettings* confirmer = confirmer_of(settings, probe);
  if (!confirmer) return its;
  const SourceKept* shown = source_of(state, confirmer->name);
  if (shown && shown->empty_since) {  // what is claimed to be there was looked for, and nothing is
    its.point.reset();
    its.source = confirmer->name;
    its.empty = true;
    return its;
  }
  if (!shown || !shown->recovery_point || !shown->read_at) {
    its.estimated =
        true;  // the confirmer has not looked yet; without the claim there would be no exposure, and nobody would be paged when it grows
    return its;
  }
  its.failing = its.failing || source->disagrees_since.has_value();
  // The claim is believed while the confirmer looks and does not contradict, or has shown as much itself. Otherwise only what the confirmer
  // has shown.
  const bool looks = now - *shown->read_at <= 2 * confirmer->interval;
  if ((looks && !source->disagrees_since) || *shown->recovery_point >= *source->recovery_point) return its;
  its.point = shown->recovery_point;
  its.source = confirmer->name;
  its.estimated = shown->coarse || !readable(state, confirmer->name);
  return its;
}

std::string disagreement_words(const State& state, const Settings& settings, const std::string& probe) {
  const SourceKept* source = source_of(state, probe);
  const ProbeSettings* confirmer = confirmer_of(settings, probe);
  const SourceKept* shown = confirmer ? source_of(state, confirmer->name) : nullptr;
  if (!source || !source->recovery_point || !shown || !shown->recovery_point) return probe + " claims what nobody can confirm";
  return probe + " claims to hold everything up to " + time_words(*source->recovery_point) + ", but " + confirmer->name +
         " holds it only up to " + time_words(*shown->recovery_point) + ": only that can be restored";
}

std::optional<std::string> loss_words(const State& state, const std::string& probe) {
  const SourceKept* source = source_of(state, probe);
  if (!source || !source->lost_point || !source->lost_since) return std::nullopt;
  const std::string held = probe + " held everything up to " + time_words(*source->lost_point) + "; since " +
                           time_words(source->empty_since.value_or(*source->lost_since));
  if (!source->recovery_point) return held + " there is nothing in it that could be restored";
  return held + " it can be restored only up to " + time_words(*source->recovery_point);
}

Duration normal_top(const State& state, const Settings& settings, const std::string& probe) {
  const auto& backup = settings.probes.at(probe).backup;
  Duration top = backup && backup->every ? *backup->every : Duration{0};
  const SourceKept* source = source_of(state, probe);
  if (!source || source->tops.size() < tops_that_tell) return top;
  std::vector<double> tops = source->tops;
  std::sort(tops.begin(), tops.end());
  // One outlier in ten does not count.
  const double learned = tops[static_cast<std::size_t>(0.9 * static_cast<double>(tops.size() - 1))];
  return std::max(top, Duration{static_cast<std::int64_t>(std::llround(learned * 1000))});
}

namespace {

// The lowest that the exposure is just before a new point; zero: not known. Never below the interval at which the source is read, because a
// point is not known before.
Duration best_top(const State& state, const ProbeSettings& probe) {
  Duration best = std::max(probe.backup->every.value_or(Duration{0}), probe.interval);
  const SourceKept* source = source_of(state, probe.name);
  // The lowest and not the usual: an archive that broke three times must not look like a source that never does better. A single tip under
  // the RPO shows that the RPO can be met.
  if (source && source->tops.size() >= tops_that_tell)
    best = std::max(best, Duration{static_cast<std::int64_t>(*std::min_element(source->tops.begin(), source->tops.end()) * 1000)});
  return best;
}

}  // namespace

std::optional<Unreachable> unreachable(const State& state, const Settings& settings, const std::string& component, DisasterClass c) {
  auto rpo = settings.rpo_of(component, c);
  if (!rpo) return std::nullopt;
  std::optional<Unreachable> best;
  for (const std::string& name : sources_of(settings, component, c)) {
    Duration top = best_top(state, settings.probes.at(name));
    if (top <= *rpo) return std::nullopt;
    if (!best || top < best->best) best = Unreachable{top, name};
  }
  return best;
}

// ---- what a run says

void remember_claim(SourceKept& source, const Claim& claim, Time now, Duration confirmer_interval) {
  const Duration reach = 2 * confirmer_interval;
  auto& claims = source.claims;
  // Few are kept however often the source is read. A claim that is left out only means that it is compared a little later.
  if (claims.empty() || claim.at - claims.back().at >= reach / static_cast<int>(claims_in_reach)) claims.push_back(claim);
  // The newest claim that is old enough to be compared has to stay.
  while (claims.size() > 1 && claims[1].at <= now - reach) claims.erase(claims.begin());
}

std::optional<bool> holds_less(const SourceKept& confirmer, const Claim& claim) {
  if (confirmer.empty_since) return true;
  if (confirmer.safe && claim.safe && confirmer.safe->timeline == claim.safe->timeline) return confirmer.safe->lsn < claim.safe->lsn;
  // A coarse time says when something was written, not what is in it, so it is compared with nothing.
  if (!confirmer.recovery_point || confirmer.coarse || claim.coarse) return std::nullopt;
  return *confirmer.recovery_point < claim.point;
}

void confront(SourceKept& source, const SourceKept& confirmer, Time confirmer_run, Duration confirmer_interval) {
  auto old_enough = [&](const Claim& claim) { return claim.at <= confirmer_run - 2 * confirmer_interval; };
  auto claim = std::find_if(source.claims.rbegin(), source.claims.rend(), old_enough);
  if (claim == source.claims.rend()) return;
  auto less = holds_less(confirmer, *claim);
  if (!less) return;
  if (!*less) {
    source.disagrees_since.reset();
  } else if (!source.disagrees_since) {
    source.disagrees_since = confirmer_run;
    source.disturbed = true;
  }
}

bool shows_less(const SourceKept& source, const RecoveryReading& reading, const std::optional<Point>& point) {
  if (!source.recovery_point) return false;                            // what never held anything lost nothing
  if (!point) return reading.whole && !reading.safe && !reading.time;  // a position that can't be placed in time is not nothing
  if (point->at >= *source.recovery_point) return false;
  // Positions say it exactly. The same position may only look older (the ledger is thinned): what was proven stays proven.
  if (reading.safe && source.safe && reading.safe->timeline == source.safe->timeline) return reading.safe->lsn < source.safe->lsn;
  return point->coarse == source.coarse;  // when something was written, and what is in it, are not compared
}

bool lose(SourceKept& source, const RecoveryReading& reading, const std::optional<Point>& point, Time run) {
  // A reading on another timeline is believed even when it is not whole: the end of the old timeline is no part of the history any more.
  const bool other_history = reading.safe && source.safe && reading.safe->timeline != source.safe->timeline;
  if (!reading.whole && !other_history) return false;
  if (!source.less_since) {
    source.less_since = run;
    return false;
  }
  // Lost twice without having been whole in between: what is reported missing is the best that it ever held.
  if (!source.lost_point || *source.recovery_point > *source.lost_point) {
    source.lost_point = source.recovery_point;
    source.lost_since = source.less_since;
  }
  source.recovery_point = point ? std::optional(point->at) : std::nullopt;
  source.coarse = point && point->coarse;
  source.empty_since = point ? std::nullopt : source.less_since;
  source.less_since.reset();
  source.disturbed = true;
  if (point) return true;
  source.safe.reset();
  source.oldest.reset();
  source.points.clear();
  source.continuous = false;
  return true;
}

}  // namespace drwatch
