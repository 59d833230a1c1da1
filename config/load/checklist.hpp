// SPDX-License-Identifier: Apache-2.0
// Steps and messages as a file lists them, with the places that later checks point at. Scenarios and the files they include have them.
#pragma once

#include "config/load/loading.hpp"
#include "config/rows/pattern.hpp"

namespace drwatch::config {

struct ReadStep {
  Step step;
  Place place;
  std::string key;  // "step.scope"
  bool says_after = false;
  bool first = false;
  std::vector<Place> after_places;
  bool left_out = false;  // it asks about a part of the platform that is not there; until complete() takes it out
};
struct ReadMessage {
  Message message;
  Place place;
  std::string key;
};
struct Checklist {
  std::vector<ReadStep> steps;
  std::vector<ReadMessage> messages;
};

// Reads the [[step]] and [[message]] tables of one file. Problems go to `reading`; what could be read is returned all the same. `shared`:
// of steps that many scenarios include, those about what this platform does not have are left out.
Checklist read_checklist(const Table& root, const Names& names, const Reading& reading, bool shared = false);

// Finds doubled ids, fills what `after` says by default, checks what it names, and takes out what is left out.
void complete(Checklist& list, Problems& problems);

// `run` of a table: the names that its arguments ask for (`more_names` beside those of messages), and where the program lies.
void check_run(std::vector<std::string>& run, const Table& table, const Reading& reading, const std::vector<std::string>& more_names);

// In a scenario without data at stake there is no recovery point: what asks for one could never be filled.
void check_without_data(const Checklist& list, Problems& problems);

}  // namespace drwatch::config
