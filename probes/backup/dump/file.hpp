// SPDX-License-Identifier: Apache-2.0
// A folder of dumps: which files are dumps, what the sidecar beside one says, and what all of it means. Pure.
#pragma once

#include "probes/probe.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// What whoever dumped wrote beside the dump, as a JSON object: started_at, finished_at (RFC 3339, or seconds since 1970), size (bytes),
// sha256 (hexadecimal), rc (of the dump). All may be missing; other keys are passed over.
struct Sidecar {
  std::optional<Time> started_at, finished_at;
  std::optional<std::uint64_t> size;
  std::string sha256;  // lower case
  std::optional<std::int64_t> exit_code;
};
std::optional<Sidecar> parse_sidecar(std::string_view text);  // nullopt: not an object, or a field that contradicts itself

// `*` stands for anything, `?` for one character.
bool matches(std::string_view pattern, std::string_view name);

// What a folder's listing comes to: bounded, however many files are in it.
struct DumpFolder {
  struct Dump {
    FileEntry file;
    std::optional<FileEntry> sidecar;
  };
  static constexpr std::size_t most_looks = 100;  // of one run
  // Newest first: as many as are looked at, and those behind them that the usual size may be taken of.
  std::vector<Dump> newest;
  std::size_t count = 0;  // of all dumps
  Time oldest{};          // the file time of the oldest
};
// Dumps are what matches and is neither hidden, nor a sidecar, nor still called .tmp, .part or .partial.
DumpFolder dump_folder(const std::vector<FileEntry>& listing, const std::string& pattern, const std::string& sidecar_suffix);

// What looking at one dump gave.
struct DumpLook {
  enum class State {
    good,     // read to its end, or not to be read
    bad,      // it can't be restored: what says why
    unknown,  // it could not be looked at
  };
  FileEntry file;
  State state = State::unknown;
  std::string what;  // why it is not good
  Reason reason = Reason::none;
  std::string code;
  std::optional<Sidecar> sidecar;
  bool sidecar_odd = false;  // there is one, and it is not understood
  bool folder = false;       // a dump in directory format: its size says nothing
};

struct DumpWanted {
  Duration takes{0};                     // a dump without a sidecar began so long before its file's time
  Duration settles = minutes{10};        // a younger file may still be being written
  double smallest = 0.8, largest = 2.0;  // of the median of the seven before
  std::optional<Duration> every;
};

// The moment whose data the dump holds: its start, since pg_dump takes one snapshot then. From the sidecar, else the file's time less
// `takes`.
Time point_of(const DumpLook& look, const DumpWanted& wanted);

// `looks`: from the newest dump of `dumps` down to the first good one.
Outcome judge_dumps(const std::vector<DumpLook>& looks, const DumpFolder& dumps, const DumpWanted& wanted, Time now);

}  // namespace drwatch
