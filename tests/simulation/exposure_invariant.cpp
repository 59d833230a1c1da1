// SPDX-License-Identifier: Apache-2.0
#include "exposure_invariant.hpp"

#include "daemon/recovery/input.hpp"

#include <algorithm>

namespace drwatch::sim {
namespace {

constexpr Duration tolerance = seconds{2};  // a run takes a moment, a clock that was set is noticed within another

Duration least_of(Duration a, Duration b) { return std::min(a, b); }

// ---- writes that were known to be impossible

// What a run says of writes holds until the next one could be late.
Duration known_for(const ProbeSettings& probe) { return 2 * probe.interval + probe.timeout; }

// What [from, until] has of the time of which that was known: from a run that said so to the next one. At least: of this life, and where no
// run was late.
Duration without_writes(const SimDatabase& d, const ProbeSettings& probe, Time from, Time until, bool at_most) {
  const Duration in_time = at_most ? known_for(probe) + tolerance : 2 * probe.interval;
  Duration sum{0};
  for (std::size_t n = at_most ? 0 : d.asked_before; n < d.asked.size(); ++n) {
    if (!d.asked[n].takes_none || (!at_most && d.asked[n].doubtful)) continue;
    const Time next = n + 1 < d.asked.size() ? d.asked[n + 1].at : until;
    const Time end = std::min({next, until, d.asked[n].at + in_time});
    sum += std::max(end - std::max(d.asked[n].at, from), Duration{0});
  }
  return sum;
}

// ---- one read

struct Bounds {
  Duration least{0}, most{0};
};

struct Scale {
  const SimDatabase& database;
  const ProbeSettings* asked_by;
  Time now;

  Duration lost_since(Time from, bool at_least) const {
    const Duration held = asked_by ? without_writes(database, *asked_by, from, now, at_least) : Duration{0};
    return std::max(now - from - held, Duration{0});
  }
  // What could not be restored of what was committed, when so many commits are held.
  Duration lost_behind(std::size_t holds) const {
    return holds < database.history.size() ? lost_since(database.history[holds].at, true) : Duration{0};
  }
  Bounds of(const Read& read) const {
    // By its own time alone nobody can tell what is in it.
    const Duration least = read.coarse ? lost_since(*read.most, true) : lost_behind(read.holds);
    return {least, read.least ? lost_since(*read.least, false) : Duration::max()};
  }
};

// The newest read, and while the clock was set in the middle of it, or it is the first to show less, also what stood before.
std::vector<Read> reads_that_may_count(const SimSource& source) {
  std::vector<Read> found;
  for (auto read = source.reads.rbegin(); read != source.reads.rend(); ++read) {
    found.push_back(*read);
    if (!read->doubtful && !read->unconfirmed) break;
  }
  return found;
}

// Of these, those by which claims may have been compared: one that is the first to show less is no look at them.
std::vector<Read> reads_that_may_compare(const SimSource& confirmer) {
  std::vector<Read> found = reads_that_may_count(confirmer);
  std::erase_if(found, [](const Read& read) { return read.unconfirmed && !read.doubtful; });
  return found;
}

Bounds bounds_of(const Scale& scale, const SimSource& source) {
  Bounds all{Duration::max(), Duration{0}};
  for (const Read& read : reads_that_may_count(source)) {
    const Bounds its = scale.of(read);
    all.least = least_of(all.least, its.least);
    all.most = std::max(all.most, its.most);
  }
  return all;
}

// ---- a source that only claims

const SimSource* source_named(const SimDatabase& d, const std::string& probe) {
  auto found = std::find_if(d.sources.begin(), d.sources.end(), [&](const SimSource& s) { return s.probe == probe; });
  return found == d.sources.end() ? nullptr : &*found;
}

// Of what was claimed two intervals before the confirmer's newest read and earlier: was it there? Claims within a little less than that may
// be the ones that are compared.
struct Compared {
  bool some_missing = false, all_missing = false;
};
Compared compare(const SimSource& claims, const Read& shown, Duration reach) {
  Compared compared;
  bool any = false, all = true;
  for (auto claim = claims.reads.rbegin(); claim != claims.reads.rend(); ++claim) {
    if (claim->at > shown.at - reach) continue;
    const bool missing = claim->holds > shown.holds;
    any = any || missing;
    all = all && missing;
    if (claim->at < shown.at - reach - reach / 8) break;
  }
  compared.some_missing = any;
  compared.all_missing = any && all;
  return compared;
}

// Believed while its confirmer looks and does not contradict it; else no further than the confirmer has shown.
Bounds bounds_of_claims(const Scale& scale, const SimSource& claims, const SimSource& confirmer, const ProbeSettings& confirming) {
  Bounds bounds = bounds_of(scale, claims);
  const std::vector<Read> looks = reads_that_may_compare(confirmer);
  if (looks.empty()) return bounds;
  const Bounds shown = bounds_of(scale, confirmer);
  const Duration reach = 2 * confirming.interval;
  bool surely_not = true, perhaps_not = false;  // believed
  for (const Read& read : looks) {
    const Compared compared = compare(claims, read, reach);
    surely_not = surely_not && (compared.all_missing || scale.now - read.at > reach + tolerance);
    perhaps_not = perhaps_not || compared.some_missing || scale.now - read.at >= reach - tolerance;
  }
  if (surely_not) bounds.least = shown.least;
  if (perhaps_not) bounds.most = std::max(bounds.most, shown.most);
  return bounds;
}

// ---- what is said

std::string words(const Said& said, const std::string& what) {
  const Exposure& e = said.figure;
  return said.component + " " + std::string(class_name(e.of_class)) + ": " + what + " (said: " +
         (e.no_source  ? "no source"
          : e.exposure ? duration_words(*e.exposure) + " by " + e.source
                       : "not known") +
         (e.estimated ? ", estimated" : "") + (e.held_since ? ", held since " + time_text(*e.held_since) : "") + ")";
}

bool may_be_unknown(const SimSource& source) {
  return std::all_of(source.reads.begin(), source.reads.end(), [](const Read& r) { return r.doubtful; });
}

std::string wrong_flags(const SimDatabase& d, const Settings& settings, const Said& said, Time now) {
  const Exposure& e = said.figure;
  const SimSource* by = source_named(d, e.source);
  if (!by) return words(said, "by a source that it does not have");
  // Before the first run of a life nobody can say what the last one had on its disk.
  const bool asked = d.asked.size() > d.asked_before;
  if (!asked && !d.asked_by.empty()) return "";
  const bool said_so = asked && d.asked.back().takes_none;
  const Duration age = said_so ? now - d.asked.back().at : Duration{0}, in_time = said_so ? known_for(settings.probes.at(d.asked_by)) : age;
  if (std::chrono::abs(age - in_time) < tolerance && said_so) return "";  // about to be too old
  const bool held = said_so && age < in_time;
  if (held != e.held_since.has_value()) return words(said, held ? "it takes no writes, and is not held" : "it is held, and writes go on");
  const bool coarse = !by->reads.empty() && by->reads.back().coarse, doubtful = !by->reads.empty() && by->reads.back().doubtful;
  const bool dark = said.health == Health::down || said.health == Health::unknown;
  const bool estimated = coarse || (!held && (!by->read_last || dark));
  const SimSource* confirmer = source_named(d, settings.probes.at(e.source).backup->confirmed_by);
  const bool unconfirmed = confirmer && confirmer->reads.empty();  // a claim that nobody has looked at yet
  if (estimated != e.estimated && !doubtful && !unconfirmed)
    return words(said, estimated ? "is not marked as estimated" : "is no estimate");
  return "";
}

}  // namespace

std::string exposure_follows(const SimPlatform& platform, const Settings& settings, const Said& said, Time now, bool set_back) {
  const SimDatabase& d = platform.databases().at(said.component);
  const Scale scale{d, d.asked_by.empty() ? nullptr : &settings.probes.at(d.asked_by), now};
  Bounds best{Duration::max(), Duration::max()};
  bool survives = false, known = false, surely = false;
  for (const SimSource& source : d.sources) {
    const BackupRole& role = *settings.probes.at(source.probe).backup;
    if (std::find(role.survives.begin(), role.survives.end(), said.figure.of_class) == role.survives.end()) continue;
    survives = true;
    if (source.reads.empty()) continue;
    known = true;
    surely = surely || !may_be_unknown(source);
    const SimSource* confirmer = source_named(d, role.confirmed_by);
    const Bounds its =
        confirmer ? bounds_of_claims(scale, source, *confirmer, settings.probes.at(confirmer->probe)) : bounds_of(scale, source);
    best.least = least_of(best.least, its.least);
    if (!may_be_unknown(source)) best.most = least_of(best.most, its.most);
  }
  const Exposure& e = said.figure;
  if (e.no_source == survives) return words(said, survives ? "a source survives it" : "nothing survives it");
  if (!survives) return "";
  if (!e.exposure) return surely ? words(said, "it was read, and is not known") : "";
  if (!known) return words(said, "nothing was ever read");
  if (best.least != Duration::max() && *e.exposure < best.least - tolerance)
    return words(said, duration_words(best.least) + " would be lost");
  // Times here are by drwatch's own clock. While that runs slower, more time has really passed than it shows, and that is what is said.
  const Duration slower = set_back && best.most != Duration::max() ? best.most / (catching_up - 1) : Duration{0};
  if (best.most != Duration::max() && *e.exposure > best.most + slower + tolerance)
    return words(said, "no more than " + duration_words(best.most) + " would be lost");
  return wrong_flags(d, settings, said, now);
}

}  // namespace drwatch::sim
