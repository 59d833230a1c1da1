// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/outlook/spread.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch {

namespace {

constexpr double z_of_p90 = 1.2815515655446004;
const double plan_sigma = std::log(2.0) / z_of_p90;  // p90 = 2 x median
constexpr double least_tail = 0.1;                   // samples that happen to agree do not make the next one certain
constexpr double tail_of_one = 0.35;                 // what a single sample says of the spread: about a third either way
constexpr double few = 0.1, nearly_none = 0.02;      // of all that is known: so few take as long
constexpr double shortest = 1e-3;                    // seconds; for logarithms

// The finalizer of splitmix64 (S. Vigna, public domain): every bit of the input moves every bit of the output.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

// The standard deviation of the samples' logarithms: how long the tail beyond the largest is.
double tail_of(const std::vector<double>& samples) {
  if (samples.size() < 2) return tail_of_one;
  double sum = 0, squares = 0;
  for (double s : samples) sum += std::log(std::max(s, shortest));
  const double mean = sum / static_cast<double>(samples.size());
  for (double s : samples) squares += std::pow(std::log(std::max(s, shortest)) - mean, 2);
  return std::max(least_tail, std::sqrt(squares / static_cast<double>(samples.size() - 1)));
}

}  // namespace

// A number in (0, 1): 53 bits, shifted by half a step so that neither end is ever drawn.
double draw(std::uint64_t stream, std::uint64_t n) { return (static_cast<double>(mixed(stream ^ mixed(n)) >> 11) + 0.5) * 0x1.0p-53; }

std::uint64_t stream_of(std::string_view words) {
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (char c : words) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

// P. J. Acklam's rational approximation, with his coefficients.
double normal_quantile(double p) {
  static constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                                 1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  static constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
                                 -1.328068155288572e+01};
  static constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                                 -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  static constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00};
  constexpr double low = 0.02425;
  const auto tail = [&](double q) {
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) / ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  };
  if (p < low) return tail(std::sqrt(-2 * std::log(p)));
  if (p > 1 - low) return -tail(std::sqrt(-2 * std::log(1 - p)));
  const double q = p - 0.5, r = q * q;
  return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
         (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

Spread::Spread(std::optional<double> plan, std::vector<double> samples) : plan_(plan), samples_(std::move(samples)) {
  std::sort(samples_.begin(), samples_.end());
  tail_ = tail_of(samples_);
  const auto n = static_cast<double>(std::min(samples_.size(), enough));
  measured_weight_ = plan_ ? n / static_cast<double>(enough) : 1.0;
}

double Spread::quantile(bool of_plan, double p) const {
  if (of_plan) return std::max(*plan_, shortest) * std::exp(plan_sigma * normal_quantile(p));
  const auto n = static_cast<double>(samples_.size());
  const double at = p * (n + 1);  // the i-th of n stands at i/(n+1)
  const double largest = std::max(samples_.back(), shortest);
  if (at >= n) return largest * std::exp(tail_ * (normal_quantile(p) - normal_quantile(n / (n + 1))));
  if (at <= 1) return samples_.front() * at;
  const auto below = static_cast<std::size_t>(at) - 1;
  return samples_[below] + (at - std::floor(at)) * (samples_[below + 1] - samples_[below]);
}

// One minus the inverse of quantile(): the share of all that takes longer than `elapsed`.
double Spread::survival(bool of_plan, double elapsed) const {
  if (elapsed <= 0) return 1;
  if (of_plan) return 1 - normal_cdf(std::log(elapsed / std::max(*plan_, shortest)) / plan_sigma);
  const auto n = static_cast<double>(samples_.size());
  const double largest = std::max(samples_.back(), shortest);
  if (elapsed >= largest) return 1 - normal_cdf(std::log(elapsed / largest) / tail_ + normal_quantile(n / (n + 1)));
  if (elapsed < samples_.front()) return 1 - elapsed / samples_.front() / (n + 1);
  const auto above = std::upper_bound(samples_.begin(), samples_.end(), elapsed);
  const auto below = static_cast<double>(above - samples_.begin());
  const double width = *above - *(above - 1);
  return 1 - (below + (width > 0 ? (elapsed - *(above - 1)) / width : 0)) / (n + 1);
}

double Spread::remaining(double elapsed, double u, double v) const {
  if (!known()) return 0;
  const double by_plan = plan_ ? (1 - measured_weight_) * survival(true, elapsed) : 0;
  const double by_measure = samples_.empty() ? 0 : measured_weight_ * survival(false, elapsed);
  const double all = by_plan + by_measure;
  // The change from what is known to what nobody knows is gradual: nobody believes a figure that jumps within a second.
  const double unknown = elapsed > 0 ? std::clamp((few - all) / (few - nearly_none), 0.0, 1.0) : 0;
  double left = 0;
  if (unknown < 1) {
    const bool of_plan =
        v * all < by_plan;  // the longer it has taken, the likelier it is the one of plan and measurement that takes longer
    const double outlived = 1 - survival(of_plan, elapsed);
    left = std::max(quantile(of_plan, outlived + (1 - outlived) * u) - elapsed, 0.0);
  }
  if (unknown <= 0) return left;
  const double again = std::max(elapsed / 4, remaining(0, 0.5, v)) * std::exp(plan_sigma * normal_quantile(u));
  return (1 - unknown) * left + unknown * again;
}

bool Spread::overrun(double elapsed) const {
  if (!known()) return false;
  return (plan_ ? (1 - measured_weight_) * survival(true, elapsed) : 0) +
             (samples_.empty() ? 0 : measured_weight_ * survival(false, elapsed)) <
         nearly_none;
}

}  // namespace drwatch
