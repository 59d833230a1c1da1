// SPDX-License-Identifier: Apache-2.0
// Reads a folder of dumps: the newest one that can be read to its end is the recovery point, as of its start. What it can't prove: that its
// contents are right, and that the folder is where it should be (another account, another region): `survives` says what the operator knows.
#include "probes/backup/dump/reading.hpp"
#include "probes/backup/readers.hpp"
#include "probes/seams/within.hpp"

#include <functional>
#include <memory>
#include <set>

namespace drwatch::kinds::backup::dump {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc =
    R"(A folder of dumps, as `pg_dump` and `pg_dumpall` write them (custom, tar, directory or plain, compressed as a whole or not). The
newest one is read to its end, once: `pg_restore -f /dev/null`, or for plain ones the last lines, since a dump that was cut short lists
well. The point is the moment at which it began: `started_at` of the sidecar beside it (`NAME.json`: `started_at`, `finished_at`, `size`,
`sha256`, `rc`, each of which is checked), else its file's time less `takes`. `down` when there is no dump (`absent`), or the newest is cut
short, empty, not what its sidecar says, or its `rc` is not 0 (the one before counts then); a file without a sidecar that is younger than
`settles` may still be being written and is passed over. `degraded` when its size leaves the usual (`smallest`, `largest` times the median
of the seven before), or with `every` when none came for a quarter longer than that; `unknown` when the folder or the dump could not be
read, or not within the probe's `timeout`: give large dumps one that is long enough, or `read = false`. Survives: what the place of the
folder survives; a copy in another account's storage is the only source that survives `account`. It never survives better than its age: what
was written since is lost.)";

struct DumpSettings {
  std::string folder;
  std::string pattern = "*";
  std::string sidecar = ".json";
  bool read = true;
  std::string pg_restore = "pg_restore";
  Duration takes{0}, settles = minutes{10};
  double smallest = 0.8, largest = 2.0;
  friend bool operator==(const DumpSettings&, const DumpSettings&) = default;
};

std::vector<config::Row> rows() {
  using S = DumpSettings;
  using config::row;
  return {
      config::path_row<S>("folder", &S::folder, {.doc = "The folder in which dumps arrive.", .required = true}),
      row<S>("pattern", &S::pattern,
             {.doc = "Which files are dumps: `*` stands for anything, `?` for one character. Hidden ones and `.tmp`, `.part`, `.partial` "
                     "never are.",
              .fallback = "*"}),
      row<S>("sidecar", &S::sidecar, {.doc = "What is added to a dump's name to name its sidecar.", .fallback = ".json"}),
      row<S>("read", &S::read, {.doc = "Read each new dump to its end.", .fallback = "true"}),
      row<S>("pg_restore", &S::pg_restore,
             {.doc = "The program; one at least as new as the `pg_dump` that wrote the dumps.", .fallback = "pg_restore"}),
      row<S>("takes", &S::takes, {.doc = "How long before its file's time a dump without a sidecar began.", .fallback = "0s", .min = 0}),
      row<S>("settles", &S::settles, {.doc = "A younger file without a sidecar may still be being written.", .fallback = "10m", .min = 0}),
      row<S>("smallest", &S::smallest, {.doc = "Of the usual size; less is `degraded`.", .fallback = "0.8", .min = 0, .max = 1}),
      row<S>("largest", &S::largest, {.doc = "Of the usual size; more is `degraded`.", .fallback = "2", .min = 1}),
  };
}

void check(const DumpSettings& s, config::Place place, const Reading& reading) {
  if (s.sidecar.empty() || s.sidecar.find('/') != std::string::npos)
    reading.problems.error(place, reading.key, "sidecar is not the end of a file's name", "write \".json\"");
}

class DumpProbe : public Probe {
 public:
  DumpProbe(const DumpSettings& own, const ProbeSettings& settings) : settings_(own), timeout_(settings.timeout) {
    wanted_ = {own.takes, own.settles, own.smallest, own.largest, settings.backup ? settings.backup->every : std::nullopt};
  }

  // A source that could not be read says nothing of itself.
  Health when_late() const override { return Health::unknown; }

  Task<Outcome> run(World& world) override {
    const auto until = world.clock.boottime() + timeout_ * 8 / 10;
    const auto found = std::make_shared<DumpFolder>();
    std::function<void(std::vector<FileEntry>)> look = [found, pattern = settings_.pattern,
                                                        sidecar = settings_.sidecar](std::vector<FileEntry> entries) {
      *found = dump_folder(entries, pattern, sidecar);
    };
    const auto listed = co_await world.files.list(settings_.folder, std::move(look));
    if (!listed) co_return not_listed(listed.error());
    const DumpFolder& dumps = *found;
    forget_gone(dumps);
    std::vector<DumpLook> looks;
    std::size_t read = 0;
    for (const DumpFolder::Dump& dump : dumps.newest) {
      // Those that are known to be bad cost nothing: the next run gets further down.
      if (read == most_read || looks.size() == DumpFolder::most_looks) break;
      const std::size_t known = known_.size();
      looks.push_back(co_await look_at(world, dump, until));
      read += known_.size() > known;
      // An older one is only of interest when this one is no good; what can't be looked at may well be.
      if (looks.back().state != DumpLook::State::bad) break;
    }
    co_return judge_dumps(looks, dumps, wanted_, world.clock.now());
  }

 private:
  static constexpr std::size_t most_read = 8;  // of one run
  static constexpr std::size_t longest_sidecar = 64 * 1024;

  static Outcome not_listed(const Failure& failure) {
    if (failure.reason != Reason::absent)
      return outcome_of(Health::unknown, failure.reason, failure.code, "the dumps could not be listed: " + failure.message);
    Outcome gone = outcome_of(Health::down, Reason::absent, failure.code, "the folder of the dumps is not there: " + failure.message);
    gone.recovery.emplace();
    gone.recovery->failing = gone.recovery->whole = true;
    return gone;
  }

  // A file is its name, size and time; together with its sidecar's it is read once.
  static std::string key_of(const DumpFolder::Dump& dump) {
    const auto text = [](const FileEntry& f) {
      return f.name + "/" + std::to_string(f.size) + "/" + std::to_string(f.modified.time_since_epoch().count());
    };
    return text(dump.file) + (dump.sidecar ? "//" + text(*dump.sidecar) : "");
  }

  // Also those that newer ones have made too old to be looked at.
  void forget_gone(const DumpFolder& dumps) {
    std::set<std::string_view> there;
    for (const DumpFolder::Dump& dump : dumps.newest) there.insert(dump.file.name);
    std::erase_if(known_, [&](const auto& known) { return !there.contains(known.second.file.name); });
  }

  Task<DumpLook> look_at(World& world, DumpFolder::Dump dump, std::chrono::nanoseconds until) {
    const std::string key = key_of(dump);
    if (const auto known = known_.find(key); known != known_.end()) co_return known->second;

    DumpLook look;
    look.file = dump.file;
    if (dump.sidecar) {
      const auto text = co_await world.files.read(settings_.folder + "/" + dump.sidecar->name, longest_sidecar);
      look.sidecar = text ? parse_sidecar(*text) : std::nullopt;
      look.sidecar_odd = !look.sidecar;
    }
    if (const auto fault = fault_of(look)) {
      look.state = DumpLook::State::bad;
      look.what = *fault;
      co_return look;
    }
    look = co_await read_within(world, std::move(look), until);
    // What could not be looked at is tried again.
    if (look.state != DumpLook::State::unknown) known_[key] = look;
    co_return look;
  }

  // What is wrong with it as far as names, sizes and the sidecar tell.
  static std::optional<std::string> fault_of(const DumpLook& look) {
    if (look.file.size == 0) return "is empty";
    if (!look.sidecar) return std::nullopt;
    if (look.sidecar->exit_code.value_or(0) != 0) return "is of a dump that failed (rc " + std::to_string(*look.sidecar->exit_code) + ")";
    if (look.sidecar->size && *look.sidecar->size != look.file.size)
      return "has " + std::to_string(look.file.size) + " bytes, and " + std::to_string(*look.sidecar->size) + " were written";
    return std::nullopt;
  }

  Task<DumpLook> read_within(World& world, DumpLook look, std::chrono::nanoseconds until) {
    if (!settings_.read) {
      look.state = DumpLook::State::good;
      co_return look;
    }
    DumpLook late = look;
    late.reason = Reason::timeout;
    late.what = "it takes longer to read it than the probe's timeout allows: give it more, or `read = false`";
    const auto left = until - world.clock.boottime();
    if (left <= std::chrono::nanoseconds{0}) co_return late;
    auto read = co_await within(world.clock, left, read_dump(world, look, settings_.folder + "/" + look.file.name, settings_.pg_restore));
    if (!read) co_return late;
    co_return std::move(*read);
  }

  DumpSettings settings_;
  DumpWanted wanted_;
  Duration timeout_;
  std::map<std::string, DumpLook> known_;
};

}  // namespace

Kind reader() { return kind_of<DumpSettings, DumpProbe>({.name = "file", .doc = doc, .rows = rows(), .check = check}); }

}  // namespace drwatch::kinds::backup::dump
