// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/dump/file.hpp"

#include "probes/parts/bounded_json.hpp"
#include "probes/parts/complaint.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <cctype>
#include <map>

namespace drwatch {
namespace {

using Json = nlohmann::json;

constexpr std::size_t most_told = 8;  // of bad dumps, by name
constexpr std::size_t median_of = 7, fewest_for_a_median = 3;

bool is_checksum(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Sets `into` when the key is there; false: it is there and no time.
bool read_time(const Json& object, const char* key, std::optional<Time>& into) {
  constexpr double latest = 7'258'118'400;  // the year 2200
  const auto at = object.find(key);
  if (at == object.end() || at->is_null()) return true;
  if (at->is_string()) into = parse_time(at->get_ref<const std::string&>());
  if (at->is_number() && at->get<double>() > 0 && at->get<double>() < latest)
    into = Time{Duration{static_cast<std::int64_t>(at->get<double>() * 1000)}};
  return into.has_value();
}

bool read_size(const Json& object, std::optional<std::uint64_t>& into) {
  const auto at = object.find("size");
  if (at == object.end() || at->is_null()) return true;
  if (at->is_number_unsigned()) into = at->get<std::uint64_t>();
  return into.has_value();
}

bool read_exit_code(const Json& object, std::optional<std::int64_t>& into) {
  const auto at = object.find("rc");
  if (at == object.end() || at->is_null()) return true;
  if (at->is_number_integer()) into = at->get<std::int64_t>();
  return into.has_value();
}

bool read_checksum(const Json& object, std::string& into) {
  const auto at = object.find("sha256");
  if (at == object.end() || at->is_null()) return true;
  if (!at->is_string()) return false;
  into = at->get<std::string>();
  std::transform(into.begin(), into.end(), into.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return is_checksum(into);
}

// Names under which tools write until they are done.
bool unfinished_name(std::string_view name) { return name.ends_with(".tmp") || name.ends_with(".part") || name.ends_with(".partial"); }

// An empty file is a failed dump and says nothing of what is usual.
bool tells_a_size(const FileEntry& file) { return file.size > 0; }

// Of the sizes of those before `newest`; nullopt: too few to know what is usual.
std::optional<std::uint64_t> usual_size(const DumpFolder& dumps, const FileEntry& newest) {
  const auto end = dumps.newest.end();
  auto from = std::find_if(dumps.newest.begin(), end, [&](const DumpFolder::Dump& d) { return d.file.name == newest.name; });
  std::vector<std::uint64_t> sizes;
  for (auto at = from == end ? from : from + 1; at != end && sizes.size() < median_of; ++at)
    if (tells_a_size(at->file)) sizes.push_back(at->file.size);
  if (sizes.size() < fewest_for_a_median) return std::nullopt;
  std::nth_element(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2), sizes.end());
  return sizes[sizes.size() / 2];
}

// A young file without a sidecar may still be written: that it is not whole yet is no fault. With a sidecar it is finished, since the
// sidecar is written last.
bool may_be_written(const DumpLook& look, const DumpWanted& wanted, Time now) {
  return look.state == DumpLook::State::bad && !look.sidecar && now - look.file.modified < wanted.settles;
}

void complain_of_look(const DumpLook& look, const DumpWanted& wanted, Time now, Complaints& complaints) {
  const std::string name = quote(look.file.name, 80);
  if (look.state == DumpLook::State::bad && !may_be_written(look, wanted, now))
    complaints.push_back({Health::down, Reason::assertion, name + " " + look.what});
  if (look.state == DumpLook::State::unknown)
    complaints.push_back({Health::unknown, look.reason, name + " could not be looked at: " + look.what});
  if (look.sidecar_odd) complaints.push_back({Health::degraded, Reason::protocol, "what stands beside " + name + " is not understood"});
}

void complain_of_size(const DumpLook& good, const DumpFolder& dumps, const DumpWanted& wanted, Complaints& complaints) {
  const auto usual = good.folder ? std::nullopt : usual_size(dumps, good.file);
  if (!usual) return;
  const double ratio = static_cast<double>(good.file.size) / static_cast<double>(*usual);
  if (ratio < wanted.smallest || ratio > wanted.largest)
    complaints.push_back({Health::degraded, Reason::assertion,
                          quote(good.file.name, 80) + " has " + std::to_string(good.file.size) + " bytes, where the ones before it have " +
                              std::to_string(*usual)});
}

void complain_of_age(const DumpLook& good, const DumpWanted& wanted, Time now, Complaints& complaints) {
  const Time point = point_of(good, wanted);
  // Believed, it would hide every dump that is made until then.
  if (is_future(point, now))
    complaints.push_back(
        {Health::unknown, Reason::protocol, quote(good.file.name, 80) + " is from the future (" + time_words(point) + ")"});
  else if (wanted.every && now - point > *wanted.every * 5 / 4)  // a quarter for one that is late
    complaints.push_back(
        {Health::degraded, Reason::stale,
         "the newest good dump is " + duration_words(now - point) + " old, one is expected every " + duration_words(*wanted.every)});
}

void add_facts(const DumpLook& good, const DumpWanted& wanted, Outcome& outcome) {
  auto& facts = outcome.facts;
  facts["newest_good"] = excerpt(good.file.name, 120);
  facts["size_bytes"] = std::to_string(good.file.size);
  facts["point_from"] = good.sidecar && good.sidecar->started_at ? "sidecar" : "file time";
  facts["file_time"] = time_text(good.file.modified);
  if (good.sidecar && good.sidecar->started_at && good.sidecar->finished_at)
    facts["took"] = duration_text(*good.sidecar->finished_at - *good.sidecar->started_at);
  facts["point"] = time_text(point_of(good, wanted));
}

// Whether the looks say all that the folder can: nothing newer than the good dump, or where there is no good one nothing at all, may still
// turn out to be a dump.
bool says_all(const std::vector<DumpLook>& looks, const DumpFolder& dumps, const DumpWanted& wanted, Time now) {
  const bool settled = std::none_of(
      looks.begin(), looks.end(), [&](const DumpLook& l) { return l.state == DumpLook::State::unknown || may_be_written(l, wanted, now); });
  return settled && (looks.size() == dumps.count || (!looks.empty() && looks.back().state == DumpLook::State::good));
}

}  // namespace

std::optional<Sidecar> parse_sidecar(std::string_view text) {
  const Json document = bounded_json(text);
  if (!document.is_object()) return std::nullopt;
  Sidecar sidecar;
  const bool fine = read_time(document, "started_at", sidecar.started_at) && read_time(document, "finished_at", sidecar.finished_at) &&
                    read_size(document, sidecar.size) && read_exit_code(document, sidecar.exit_code) &&
                    read_checksum(document, sidecar.sha256);
  if (!fine || (sidecar.started_at && sidecar.finished_at && *sidecar.finished_at < *sidecar.started_at)) return std::nullopt;
  return sidecar;
}

// Goes back to the last `*` where it fails: at most one step for each pair of characters.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

DumpFolder dump_folder(const std::vector<FileEntry>& listing, const std::string& pattern, const std::string& sidecar_suffix) {
  std::vector<const FileEntry*> dumps;
  for (const FileEntry& entry : listing)
    if (!entry.name.starts_with('.') && !unfinished_name(entry.name) && !entry.name.ends_with(sidecar_suffix) &&
        matches(pattern, entry.name))
      dumps.push_back(&entry);
  std::stable_sort(dumps.begin(), dumps.end(), [](const FileEntry* a, const FileEntry* b) {
    return a->modified != b->modified ? a->modified > b->modified : a->name > b->name;
  });
  DumpFolder folder;
  folder.count = dumps.size();
  if (!dumps.empty()) folder.oldest = dumps.back()->modified;
  std::map<std::string, std::size_t> place;  // of a sidecar's name, among the newest
  std::size_t behind = 0;
  for (std::size_t i = 0; i < dumps.size() && behind < median_of; ++i) {
    const bool looked_at = i < DumpFolder::most_looks;
    if (!looked_at && !tells_a_size(*dumps[i])) continue;
    behind += !looked_at;
    place[dumps[i]->name + sidecar_suffix] = folder.newest.size();
    folder.newest.push_back({*dumps[i], std::nullopt});
  }
  for (const FileEntry& entry : listing)
    if (const auto of = place.find(entry.name); of != place.end()) folder.newest[of->second].sidecar = entry;
  return folder;
}

Time point_of(const DumpLook& look, const DumpWanted& wanted) {
  if (look.sidecar && look.sidecar->started_at) return *look.sidecar->started_at;
  return look.file.modified - wanted.takes;
}

Outcome judge_dumps(const std::vector<DumpLook>& looks, const DumpFolder& dumps, const DumpWanted& wanted, Time now) {
  Complaints complaints;
  const auto good = std::find_if(looks.begin(), looks.end(), [](const DumpLook& l) { return l.state == DumpLook::State::good; });
  for (const DumpLook& look : looks) {
    complain_of_look(look, wanted, now, complaints);
    if (complaints.size() == most_told) break;
  }
  if (dumps.count == 0) complaints.push_back({Health::down, Reason::absent, "there is no dump"});
  if (good != looks.end()) {
    complain_of_size(*good, dumps, wanted, complaints);
    complain_of_age(*good, wanted, now, complaints);
  } else if (!looks.empty() && complaints.empty()) {
    complaints.push_back({Health::degraded, Reason::absent, "the only dump is still being written"});
  }
  Outcome outcome =
      verdict(std::move(complaints), good == looks.end() ? "" : "the newest dump is of " + time_words(point_of(*good, wanted)));
  const bool failing = outcome.outcome == Health::down;
  if (outcome.outcome == Health::unknown) {
    for (const DumpLook& look : looks)
      if (look.state == DumpLook::State::unknown) outcome.code = look.code;
  } else if (good != looks.end() || failing) {
    outcome.recovery.emplace();
    outcome.recovery->failing = failing;
    const bool future = good != looks.end() && is_future(point_of(*good, wanted), now);
    outcome.recovery->whole = !future && says_all(looks, dumps, wanted, now);
    if (good != looks.end() && !future) {
      outcome.recovery->time = std::min(point_of(*good, wanted), now);
      outcome.recovery->oldest = std::min(*outcome.recovery->time, dumps.oldest - wanted.takes);
    }
  }
  outcome.facts["dumps"] = std::to_string(dumps.count);
  if (good != looks.end()) {
    add_facts(*good, wanted, outcome);
    outcome.data_bytes = static_cast<double>(good->file.size);
  }
  return outcome;
}

}  // namespace drwatch
