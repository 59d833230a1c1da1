// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/outlook/circumstances.hpp"

#include "daemon/recovery/outlook/spread.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch {
namespace {

constexpr double gib = 1024.0 * 1024 * 1024;
constexpr double far_apart = 2;  // the largest size by the smallest

// What the plan says: `expect` as the fixed part, `per_gib` for each GiB.
Line planned_line(const Step& plan) { return {plan.expect ? in_seconds(*plan.expect) : 0, plan.per_gib ? in_seconds(*plan.per_gib) : 0}; }

// Least squares. A slope that is not above zero would make the step quicker with more data: nullopt, and the plan is taken instead. A fixed
// part below zero would make small data take less than nothing: then the line goes through the origin.
std::optional<Line> fitted(const std::vector<Sample>& sized) {
  const auto n = static_cast<double>(sized.size());
  double x = 0, y = 0, xx = 0, xy = 0;
  for (const Sample& s : sized) {
    const double size = s.bytes / gib;
    x += size;
    y += s.seconds;
    xx += size * size;
    xy += size * s.seconds;
  }
  const double slope = (n * xy - x * y) / (n * xx - x * x);
  if (slope <= 0) return std::nullopt;
  const double fixed = (y - slope * x) / n;
  return fixed < 0 ? Line{0, xy / xx} : Line{fixed, slope};
}

}  // namespace

double Line::at(double bytes) const { return fixed + per_gib * bytes / gib; }

// Samples of nearly the same size tell nothing about how the time grows with it: the plan is taken until the largest is twice the smallest.
Line line_of(const Step& plan, const std::vector<Sample>& samples) {
  std::vector<Sample> sized;
  std::copy_if(samples.begin(), samples.end(), std::back_inserter(sized), [](const Sample& s) { return s.bytes > 0; });
  if (sized.size() < Spread::enough) return planned_line(plan);
  const auto [least, most] =
      std::minmax_element(sized.begin(), sized.end(), [](const Sample& a, const Sample& b) { return a.bytes < b.bytes; });
  if (most->bytes < far_apart * least->bytes) return planned_line(plan);
  return fitted(sized).value_or(planned_line(plan));
}

std::optional<double> planned_seconds(const Step& plan, std::optional<double> bytes) {
  if (plan.per_gib && bytes) return planned_line(plan).at(*bytes);
  return plan.expect ? std::optional(in_seconds(*plan.expect)) : std::nullopt;
}

std::vector<double> seconds_of(const std::vector<Sample>& samples) {
  std::vector<double> took;
  for (const Sample& s : samples) took.push_back(s.seconds);
  return took;
}

std::vector<double> seconds_with(const std::vector<Sample>& samples, const Step& plan, std::optional<double> bytes) {
  std::vector<double> took = seconds_of(samples);
  if (!plan.per_gib || !bytes) return took;
  const Line line = line_of(plan, samples);
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (samples[i].bytes > 0 && line.at(samples[i].bytes) > 0) took[i] *= line.at(*bytes) / line.at(samples[i].bytes);
  return took;
}

bool at_work(const std::optional<Cron>& working_hours, Time t) { return !working_hours || working_hours->due_in_minute_of(t); }

// With fewer than five samples of the same kind of hours all of them are taken: few samples say less than the wrong hours do.
OfHours of_the_same_hours(std::vector<Sample> samples, const std::optional<Cron>& working_hours, Time begins) {
  if (!working_hours) return {std::move(samples)};
  const bool work = at_work(working_hours, begins);
  OfHours same;
  for (const Sample& s : samples)
    if (at_work(working_hours, s.began()) == work) same.samples.push_back(s);
  if (same.samples.size() < Spread::enough) return {std::move(samples)};
  same.told_apart = true;
  return same;
}

std::string size_words(double bytes) {
  constexpr const char* units[] = {"KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  double size = bytes / 1024;
  for (; size >= 1000 && unit + 1 < std::size(units); ++unit) size /= 1024;
  const double shown = size < 10 ? std::round(size * 10) / 10 : std::round(size);
  std::string text = std::to_string(shown);
  text.erase(text.find('.') + (shown == std::round(shown) ? 0 : 2));
  return text + " " + units[unit];
}

}  // namespace drwatch
