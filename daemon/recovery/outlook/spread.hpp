// SPDX-License-Identifier: Apache-2.0
// How long something takes, as a distribution: the plan while nothing was measured, what was measured as it comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace drwatch {

// A uniform draw in (0, 1), the same for the same words: what was drawn does not change while time passes, so that a projection moves with
// what happened and not with chance (common random numbers).
double draw(std::uint64_t stream, std::uint64_t n);
std::uint64_t stream_of(std::string_view words);

// Inverse of the standard normal distribution. P. J. Acklam's rational approximation, relative error below 1.2e-9.
double normal_quantile(double p);

// All in seconds.
//   no sample      lognormal, the plan as its median and twice the plan as its p90 (people's estimates: optimistic, with a long tail)
//   1 to 4         a mixture: n/5 what was measured, the rest the plan
//   5 and more     what was measured: quantiles between the ordered samples at i/(n+1), beyond the largest a lognormal tail with their
//   spread,
//                  since the largest of n is exceeded once in n+1 times
//   neither        nothing is known
class Spread {
 public:
  static constexpr std::size_t enough = 5;

  Spread(std::optional<double> plan, std::vector<double> samples);
  bool known() const { return plan_ || !samples_.empty(); }
  std::size_t measured() const { return samples_.size(); }
  double median() const { return remaining(0, 0.5, 0.5); }

  // What is left after `elapsed`, drawn by `u` (which of plan and measurement: `v`): the distribution under the condition that it took
  // longer. What outlives nearly all that is known of it (overrun; little by little from one in ten on) takes a quarter of what it took so
  // far, or the median again.
  double remaining(double elapsed, double u, double v) const;
  bool overrun(double elapsed) const;

 private:
  double quantile(bool of_plan, double p) const;
  double survival(bool of_plan, double elapsed) const;  // the share that takes longer

  std::optional<double> plan_;
  std::vector<double> samples_;  // ordered
  double tail_ = 0;              // spread of their logarithms
  double measured_weight_ = 0;
};

}  // namespace drwatch
