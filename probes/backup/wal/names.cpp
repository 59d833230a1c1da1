// SPDX-License-Identifier: Apache-2.0
// The names and small texts of a write-ahead log archive.
#include "probes/backup/wal/archive.hpp"

#include "probes/parts/wal_position.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace drwatch {
namespace {

constexpr std::size_t name_length = 24;
constexpr std::uint64_t per_log = std::uint64_t{1} << 32;  // bytes that share the middle part of a name

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); });
}

template <class Number>
std::optional<Number> number(std::string_view text, int base) {
  Number made{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return made;
}

// Archivers that name by content add "-" and the SHA-1 of what they stored.
std::string_view after_checksum(std::string_view suffix) {
  const bool is_one = suffix.size() >= 41 && suffix[0] == '-' && std::all_of(suffix.begin() + 1, suffix.begin() + 41, [](char c) {
                        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                      });
  return is_one ? suffix.substr(41) : suffix;
}

bool is_compression(std::string_view suffix) {
  constexpr std::array<std::string_view, 5> known = {".gz", ".zst", ".lz4", ".bz2", ".xz"};
  return std::find(known.begin(), known.end(), suffix) != known.end();
}

// The rest of the line that begins with `key`.
std::optional<std::string_view> line_after(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    if (line.starts_with(key)) return line.substr(key.size());
    at = end + 1;
  }
  return std::nullopt;
}

struct Location {
  std::uint64_t lsn = 0;
  Segment segment;
};

// A position at the very beginning of a segment may be named after the one before, which ends there.
bool lies_in(std::uint64_t lsn, Segment segment, std::uint64_t size) {
  return segment.number == lsn / size || (lsn % size == 0 && segment.number + 1 == lsn / size);
}

// "0/4000028 (file 000000010000000000000004)"
std::optional<Location> parse_location(std::optional<std::string_view> text, std::uint64_t size) {
  constexpr std::string_view before_name = " (file ";
  if (!text) return std::nullopt;
  const auto space = text->find(before_name);
  if (space == std::string_view::npos) return std::nullopt;
  const auto name = text->substr(space + before_name.size());
  const auto lsn = parse_lsn(text->substr(0, space));
  const auto segment = parse_segment(name.substr(0, name_length), size);
  const bool whole = name.substr(std::min(name_length, name.size())).starts_with(')');
  if (!lsn || !segment || !whole || !lies_in(*lsn, *segment, size)) return std::nullopt;
  return Location{*lsn, *segment};
}

}  // namespace

bool is_segment_size(std::uint64_t bytes) {
  constexpr std::uint64_t least = 1 << 20, most = 1 << 30;
  return bytes >= least && bytes <= most && (bytes & (bytes - 1)) == 0;
}

std::optional<Segment> parse_segment(std::string_view name, std::uint64_t size) {
  if (name.size() != name_length || !is_hex(name) || !is_segment_size(size)) return std::nullopt;
  const auto timeline = parse_timeline(name.substr(0, 8));
  const auto log = number<std::uint64_t>(name.substr(8, 8), 16), part = number<std::uint64_t>(name.substr(16), 16);
  if (!timeline || !log || !part || *part >= per_log / size) return std::nullopt;
  return Segment{*timeline, *log * (per_log / size) + *part};
}

std::string segment_name(Segment segment, std::uint64_t size) {
  const auto parts = per_log / size;
  char text[name_length + 1];
  std::snprintf(text, sizeof text, "%08X%08X%08X", segment.timeline, static_cast<unsigned>(segment.number / parts),
                static_cast<unsigned>(segment.number % parts));
  return text;
}

std::uint64_t end_lsn(Segment segment, std::uint64_t size) { return (segment.number + 1) * size; }

ArchiveListing sort_listing(const std::vector<FileEntry>& entries, std::uint64_t size) {
  ArchiveListing listing;
  for (const FileEntry& entry : entries) {
    const std::string_view name = entry.name;
    if (name.size() == 16 && name.ends_with(".history") && parse_timeline(name.substr(0, 8))) listing.histories.push_back(entry);
    const auto segment = parse_segment(name.substr(0, name_length), size);
    if (!segment) continue;
    const auto suffix = name.substr(name_length);
    if (suffix.ends_with(".backup")) listing.backups.push_back(entry);
    const auto rest = after_checksum(suffix);
    const bool plain = rest.empty();
    if (!plain && !is_compression(rest)) continue;
    if (plain ? entry.size == size : entry.size > 0)
      listing.held[*segment] = entry.modified;
    else
      listing.broken.insert(*segment);
  }
  // A good copy beside a bad one (a compression that has just begun) is enough.
  std::erase_if(listing.broken, [&](const Segment& s) { return listing.held.contains(s); });
  return listing;
}

std::optional<std::uint64_t> guess_segment_size(const std::vector<FileEntry>& entries) {
  std::uint64_t longest = 0;  // a copy that was cut short may itself have a length that could be one
  for (const FileEntry& entry : entries)
    if (entry.name.size() == name_length && is_hex(entry.name)) longest = std::max(longest, entry.size);
  return is_segment_size(longest) ? std::optional(longest) : std::nullopt;
}

std::optional<BaseBackup> parse_base_backup(const std::string& name, std::string_view text, std::uint64_t size) {
  const auto start = parse_location(line_after(text, "START WAL LOCATION: "), size);
  const auto stop = parse_location(line_after(text, "STOP WAL LOCATION: "), size);
  if (!start || !stop || !name.starts_with(segment_name(start->segment, size)) || stop->lsn < start->lsn) return std::nullopt;
  return BaseBackup{name, start->segment, stop->segment, stop->lsn};
}

// One line for each ancestor: timeline, tab, position at which it was left, tab, why. "#" begins a comment (PostgreSQL documentation,
// Timelines).
std::optional<std::vector<Ancestor>> parse_history(std::string_view text) {
  std::vector<Ancestor> ancestors;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty() || line[0] == '#') continue;
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    const auto rest = line.substr(tab + 1);
    const auto timeline = number<std::uint32_t>(line.substr(0, tab), 10);
    const auto left_at = parse_lsn(rest.substr(0, rest.find('\t')));
    const bool in_order = ancestors.empty() || (timeline > ancestors.back().timeline && left_at >= ancestors.back().left_at);
    if (!timeline || !left_at || !in_order) return std::nullopt;
    ancestors.push_back({*timeline, *left_at});
  }
  return ancestors;
}

std::string segments_text(const std::vector<Segment>& segments, std::uint64_t size) {
  if (segments.empty()) return "none";
  if (segments.size() == 1) return segment_name(segments.front(), size);
  const std::string count = std::to_string(segments.size()) + (segments.size() < most_missing ? " segments)" : " segments or more)");
  return segment_name(segments.front(), size) + " to " + segment_name(segments.back(), size) + " (" + count;
}

}  // namespace drwatch
