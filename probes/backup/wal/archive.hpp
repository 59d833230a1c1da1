// SPDX-License-Identifier: Apache-2.0
// What a folder of archived write-ahead log holds: which segments, from which base backup they can be replayed, and where the unbroken
// chain ends. Pure: names, sizes and the texts of .backup and .history files in, positions out.
#pragma once

#include "probes/outcome.hpp"
#include "probes/seams/world.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// Segments are of 1 MB to 1 GB, a power of two (wal_segment_size, in bytes); a name means nothing without it.
bool is_segment_size(std::uint64_t bytes);

struct Segment {
  std::uint32_t timeline = 0;
  std::uint64_t number = 0;  // it holds the positions [number * size, (number + 1) * size)
  auto operator<=>(const Segment&) const = default;
};
std::optional<Segment> parse_segment(std::string_view name, std::uint64_t size);  // 24 upper-case hexadecimal digits, nothing behind them
std::string segment_name(Segment segment, std::uint64_t size);
std::uint64_t end_lsn(Segment segment, std::uint64_t size);

// A listing, sorted by what the names mean. A segment counts when it is as long as a segment, or compressed (.gz .zst .lz4 .bz2 .xz, after
// -SHA1 or not) and not empty; `.partial` never counts.
struct ArchiveListing {
  std::map<Segment, Time> held;      // and when it was written
  std::set<Segment> broken;          // there, but empty or of the wrong length
  std::vector<FileEntry> backups;    // 24 digits, an offset, ".backup"
  std::vector<FileEntry> histories;  // eight digits, ".history"
};
ArchiveListing sort_listing(const std::vector<FileEntry>& entries, std::uint64_t size);

// While the database can't be asked: the length of the uncompressed segments, if it can be one.
std::optional<std::uint64_t> guess_segment_size(const std::vector<FileEntry>& entries);

// From "000000010000000000000004.00000028.backup" and what stands in it.
struct BaseBackup {
  std::string name;
  Segment start, stop;  // replay begins in one; the backup is consistent when the other is replayed
  std::uint64_t stop_lsn = 0;
};
std::optional<BaseBackup> parse_base_backup(const std::string& name, std::string_view text, std::uint64_t size);

// From "00000003.history": its ancestors, oldest first, each with the position at which it was left.
struct Ancestor {
  std::uint32_t timeline = 0;
  std::uint64_t left_at = 0;
};
std::optional<std::vector<Ancestor>> parse_history(std::string_view text);

struct Chain {
  std::optional<BaseBackup> base;  // nullopt: none is there, counted from the oldest segment held
  Segment first, last;
  Time written{};  // of the last segment
};
inline constexpr std::size_t most_missing = 1000;  // segments of a gap that are looked for

struct ArchiveReading {
  std::optional<Chain> chain;           // the one that reaches furthest
  std::optional<Segment> newest;        // held on the same line of timelines, beyond a gap perhaps
  std::vector<Segment> missing;         // behind `chain` and before `newest`, at most most_missing
  std::optional<std::uint32_t> orphan;  // a newer timeline has segments, but no base backup leads to them
};
// `timeline`: the one that the database writes, when it is known; otherwise the newest is restored to, as recovery does by default.
ArchiveReading read_archive(const ArchiveListing& listing, const std::vector<BaseBackup>& backups,
                            const std::map<std::uint32_t, std::vector<Ancestor>>& histories, std::uint64_t size,
                            std::optional<std::uint32_t> timeline);

// "000000010000000000000005 to 00000001000000000000000C (8 segments)"
std::string segments_text(const std::vector<Segment>& segments, std::uint64_t size);

}  // namespace drwatch
