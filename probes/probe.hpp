// SPDX-License-Identifier: Apache-2.0
// A probe asks one question of one target. Deadline, start time, total duration, recording and cancellation are outside (daemon/scheduler),
// so that no kind can forget them.
#pragma once

#include "config/rows/schema.hpp"
#include "config/settings.hpp"
#include "probes/outcome.hpp"
#include "probes/seams/world.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

namespace drwatch {

class Probe {
 public:
  virtual ~Probe() = default;
  // One run. Sets outcome, reason, code, message, phases and facts; `at`, `vantage` and phase `total` are set outside. What could not be
  // looked at is `unknown`, never `down`. A run may be cancelled at any co_await.
  virtual Task<Outcome> run(World& world) = 0;
  // Gives back what an earlier run of a probe with the same settings left in Outcome::memory; called after a restart, before the first run.
  // It is for what a run compares its target with and cannot ask for again. The text may be damaged or of an older version: it must be
  // checked.
  virtual void recall(const std::string& /*memory*/) {}
  // The health that a run means which was ended by its deadline. `unknown` for a kind that looks at its target through another system: that
  // the other is slow says nothing about the target.
  virtual Health when_late() const { return Health::down; }
};

// One row of the table of kinds.
struct Kind {
  config::KindSchema schema;
  // Null for a kind that calls in.
  std::unique_ptr<Probe> (*make)(const ProbeSettings& settings) = nullptr;
};

const std::vector<Kind>& catalog();                       // probes/catalog.cpp: the visible table
const Kind* kind_named(std::string_view name);            // a row of it; nullptr: there is none
std::vector<config::KindSchema> kind_schemas();           // the same, as config::load wants it
std::unique_ptr<Probe> make_probe(const ProbeSettings&);  // nullptr for a kind that calls in

// What a folder says of its kind, as one row. All but name and doc may be left out.
template <class Own>
struct KindRow {
  std::string name = {}, doc = {};
  config::Traits traits = {};
  std::vector<config::Row> rows = {};
  // What is wrong between settings that are right one by one.
  void (*check)(const Own&, config::Place, const config::Reading&) = nullptr;
  std::optional<config::PointsApart> (*points_apart)(const Own&) = nullptr;  // see config::KindSchema
};

// The kind's own settings among those of one of its probes.
template <class Own>
const Own& own_of(const ProbeSettings& settings) {
  return *static_cast<const Own*>(settings.own.get());
}

// A kind of these settings and this probe; here they lose their types and get them back, and nowhere else. Each probe is made of its own
// settings, and of those that all kinds have where its constructor asks for them. `void` instead of a probe: nothing of this kind is run.
template <class Own, class Runs>
Kind kind_of(KindRow<Own> row) {
  Kind kind;
  kind.schema.name = std::move(row.name);
  kind.schema.doc = std::move(row.doc);
  kind.schema.traits = row.traits;
  kind.schema.rows = std::move(row.rows);
  kind.schema.fresh = [] { return std::make_shared<Own>(); };
  kind.schema.same = [](const void* a, const void* b) { return *static_cast<const Own*>(a) == *static_cast<const Own*>(b); };
  if (row.check)
    kind.schema.check = [check = row.check](const void* own, config::Place place, const config::Reading& reading) {
      check(*static_cast<const Own*>(own), std::move(place), reading);
    };
  if (row.points_apart)
    kind.schema.points_apart = [apart = row.points_apart](const void* own) { return apart(*static_cast<const Own*>(own)); };
  if constexpr (!std::is_void_v<Runs>)
    kind.make = [](const ProbeSettings& settings) -> std::unique_ptr<Probe> {
      if constexpr (std::is_constructible_v<Runs, const Own&, const ProbeSettings&>)
        return std::make_unique<Runs>(own_of<Own>(settings), settings);
      else
        return std::make_unique<Runs>(own_of<Own>(settings));
    };
  return kind;
}

Outcome outcome_of(const Failure& failure);  // down; own-fault and internal: unknown

}  // namespace drwatch
