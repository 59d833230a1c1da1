// SPDX-License-Identifier: Apache-2.0
// The parts of load(): the main file, its probes, the scenarios, and what only shows when all of it is there. Inside config only.
#pragma once

#include "config/tables/tables.hpp"

#include <functional>

namespace drwatch::config {

// A file that was read; its values stay, since later checks point at their places.
struct Document {
  std::string file, text;
  Value root;
  const Table& table() const { return *root.table(); }
};

// Reads and parses; what is wrong becomes one problem.
std::optional<Document> read_document(const std::string& file, Problems& problems);

// The components, probes, signals, sets and places of the main file, also those that are wrong otherwise: one mistake is not reported
// twice.
class DeclaredNames : public Names {
 public:
  DeclaredNames(const Table& root, Problems& problems);
  std::optional<Condition::Subject> what(std::string_view name) const override;
  std::vector<std::string> all() const override;
  std::vector<std::string> all(Condition::Subject of) const;

 private:
  void add_places(const Table& root, Problems& problems);
  std::map<std::string, Condition::Subject, std::less<>> names_;
};

// [section.NAME] tables: checks names and types and calls `read` for each.
using ReadNamed = std::function<void(const std::string& name, const Table& table, Place place, const Reading& reading)>;
void each_named(const Table& parent, std::string_view section, const Reading& reading, const ReadNamed& read);

// A table that is there at most once; false when it isn't there (or is no table, and reported).
bool read_once(const Table& root, std::string_view name, const Section& section, void* into, const Reading& reading,
               std::span<const std::string_view> also_known = {});

// Reports a name of the list at `path` below `root` that is none of `known`. `noun`: "component".
void check_list(const Table& root, const Place& otherwise, const std::vector<std::string>& path, const std::vector<std::string>& names,
                const std::vector<std::string>& known, std::string_view noun, Problems& problems);
void check_name(const Place& place, const std::string& key, const std::string& name, const std::vector<std::string>& known,
                std::string_view noun, Problems& problems);

// nullopt and a problem when the schedule or its zone is wrong. `table` is where both keys stand, the schedule as `key`.
std::optional<Cron> read_schedule(const ScheduleText& when, const Table& table, Place place, const Reading& reading,
                                  std::string_view key = "schedule");

// Each part reads into `settings` and reports; none of them stops at a mistake.
void read_main(const Document& main, Settings& settings, const Reading& reading);
void read_probes(const Document& main, std::span<const KindSchema> kinds, Settings& settings, const Reading& reading);
void read_clock(const Document& main, Settings& settings, const Reading& reading);  // [maintenance], [signal]

struct ScenarioFile {
  Document document;
  Scenario scenario;
};
// Settings know the objectives by then; `texts` gets the text of every file read.
std::vector<ScenarioFile> read_scenarios(const Document& main, const Settings& settings, const DeclaredNames& names, const Reading& reading,
                                         std::string& texts);

void derive(const Document& main, Settings& settings);  // what follows from several tables: who watches and who protects a component
void check_main(const Document& main, const DeclaredNames& names, const Settings& settings, Problems& problems);
// Leaves out of them what they name and this platform does not have, where they are whole without it.
void check_scenarios(std::vector<ScenarioFile>& scenarios, const Settings& settings, Problems& problems);
void warn_of_main(const Document& main, const Settings& settings, Problems& problems);
void warn_of_scenarios(const std::vector<ScenarioFile>& scenarios, const Settings& settings, Problems& problems);

}  // namespace drwatch::config
