// SPDX-License-Identifier: Apache-2.0
#include "bench/arrivals.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <ctime>
#include <new>
#include <system_error>

namespace drwatch::bench {
namespace {

constexpr Moment burst_window = std::chrono::milliseconds(100);

double in_ms(Moment m) { return std::chrono::duration<double, std::milli>(m).count(); }

// How many fall into the fullest window of that length.
std::size_t most_within(const std::vector<Moment>& sorted, Moment window) {
  std::size_t most = 0, first = 0;
  for (std::size_t last = 0; last < sorted.size(); ++last) {
    while (sorted[last] - sorted[first] >= window) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

// Where the grid begins is not known from outside. On the circle of one interval all runs lie within a short arc after it: it begins behind
// the widest gap.
Moment beginning_of(const std::vector<Moment>& sorted, Moment interval) {
  Moment begin = sorted.front(), widest = sorted.front() + interval - sorted.back();
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i] - sorted[i - 1] <= widest) continue;
    widest = sorted[i] - sorted[i - 1];
    begin = sorted[i];
  }
  return begin;
}

}  // namespace

Moment monotonic() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

struct Arrivals::Shared {
  std::atomic<std::size_t> count{0};
  Arrival kept[1];  // as many as there is room for
};

Arrivals::Arrivals(std::size_t most) : most_(most) {
  void* room = mmap(nullptr, sizeof(Shared) + most * sizeof(Arrival), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "cannot share memory");
  shared_ = new (room) Shared;
}

Arrivals::~Arrivals() { munmap(shared_, sizeof(Shared) + most_ * sizeof(Arrival)); }

void Arrivals::note(Arrival arrival) {
  const std::size_t at = shared_->count.load(std::memory_order_relaxed);
  if (at < most_) shared_->kept[at] = arrival;
  shared_->count.store(at + 1, std::memory_order_release);
}

std::size_t Arrivals::count() const { return shared_->count.load(std::memory_order_acquire); }

std::vector<Arrival> Arrivals::between(Moment from, Moment until) const {
  std::vector<Arrival> found;
  std::copy_if(shared_->kept, shared_->kept + std::min(count(), most_), std::back_inserter(found),
               [&](const Arrival& a) { return a.at >= from && a.at < until; });
  return found;
}

Starts starts_of(const std::vector<Arrival>& arrivals, const std::vector<Moment>& phases, Moment interval, Moment length) {
  Starts starts;
  starts.runs = arrivals.size();
  if (arrivals.empty()) return starts;
  std::vector<Moment> moments, places;
  for (const Arrival& a : arrivals) {
    moments.push_back(a.at);
    places.push_back((a.at - phases.at(a.probe)) % interval);
  }
  std::sort(moments.begin(), moments.end());
  std::sort(places.begin(), places.end());
  const Moment begin = beginning_of(places, interval);
  for (Moment& place : places) place = (place - begin + interval) % interval;
  std::sort(places.begin(), places.end());
  starts.deviation_p99_ms = in_ms(places[(places.size() - 1) * 99 / 100]);
  starts.deviation_max_ms = in_ms(places.back());
  const double mean = static_cast<double>(arrivals.size()) * in_ms(burst_window) / in_ms(length);
  starts.burst = static_cast<double>(most_within(moments, burst_window)) / mean;
  return starts;
}

}  // namespace drwatch::bench
