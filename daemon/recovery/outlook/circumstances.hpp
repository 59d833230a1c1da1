// SPDX-License-Identifier: Apache-2.0
// What was measured under other circumstances than those that are asked about: with more data or less, at night or in working hours.
#pragma once

#include "config/scenario.hpp"
#include "daemon/recovery/outlook/measured.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

// How long a step takes by the size of the data: fixed + per_gib x size, in seconds.
struct Line {
  double fixed = 0, per_gib = 0;
  double at(double bytes) const;
};
// Of the plan; and through what was measured (least squares) once at least five samples with a size are known, the largest at least twice
// the smallest: what differs less tells nothing of the size.
Line line_of(const Step& plan, const std::vector<Sample>& samples);

// What the plan says; nullopt: nothing. While the size is not known `expect` is all there is.
std::optional<double> planned_seconds(const Step& plan, std::optional<double> bytes);

// Seconds, as the samples would have been with so much data. Of a step that does not grow with it, of a sample whose size nobody knows, or
// while it is not known how much there is: as they were.
std::vector<double> seconds_with(const std::vector<Sample>& samples, const Step& plan, std::optional<double> bytes);
std::vector<double> seconds_of(const std::vector<Sample>& samples);

// People at work are quicker than people asleep: those of the samples that began in the same kind of hours as `begins`, if they are enough;
// else all of them.
struct OfHours {
  std::vector<Sample> samples;
  bool told_apart = false;
};
OfHours of_the_same_hours(std::vector<Sample> samples, const std::optional<Cron>& working_hours, Time begins);
bool at_work(const std::optional<Cron>& working_hours, Time t);  // without working hours: at any time

std::string size_words(double bytes);  // "42 GiB"

}  // namespace drwatch
