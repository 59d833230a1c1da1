// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/outlook/spread.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace spread_test {

using namespace drwatch;

namespace {

std::vector<double> draws(const Spread& spread, double elapsed, int count = 20000) {
  std::vector<double> all;
  for (int n = 0; n < count; ++n)
    all.push_back(spread.remaining(elapsed, draw(7, static_cast<std::uint64_t>(2 * n)), draw(7, static_cast<std::uint64_t>(2 * n + 1))));
  std::sort(all.begin(), all.end());
  return all;
}
double at(const std::vector<double>& sorted, double p) {
  return sorted[static_cast<std::size_t>(p * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

TEST_CASE("the normal distribution's inverse, against tabulated values") {
  CHECK(normal_quantile(0.5) == doctest::Approx(0.0));
  CHECK(normal_quantile(0.9) == doctest::Approx(1.2815515655).epsilon(1e-8));
  CHECK(normal_quantile(0.975) == doctest::Approx(1.9599639845).epsilon(1e-8));
  CHECK(normal_quantile(0.001) == doctest::Approx(-3.0902323062).epsilon(1e-8));
}

TEST_CASE("draws are uniform, and the same every time") {
  double sum = 0;
  for (std::uint64_t n = 0; n < 10000; ++n) {
    const double u = draw(42, n);
    CHECK_MESSAGE((u > 0 && u < 1), u);
    sum += u;
  }
  CHECK(sum / 10000 == doctest::Approx(0.5).epsilon(0.02));
  CHECK(draw(42, 17) == draw(42, 17));
  CHECK(draw(42, 17) != draw(43, 17));
  CHECK(stream_of("a/restore") != stream_of("a/verify"));
}

TEST_CASE("a plan alone: its median, and twice of it one time in ten") {
  const Spread plan(600.0, {});
  CHECK(plan.median() == doctest::Approx(600));
  const auto all = draws(plan, 0);
  CHECK(at(all, 0.5) == doctest::Approx(600).epsilon(0.03));
  CHECK(at(all, 0.9) == doctest::Approx(1200).epsilon(0.03));
  CHECK_FALSE(Spread(std::nullopt, {}).known());
  CHECK(Spread(std::nullopt, {}).remaining(0, 0.5, 0.5) == 0);
}

TEST_CASE("what was measured replaces the plan as it comes") {
  // The plan says ten minutes, it takes about an hour.
  const Spread one(600.0, {3600}), three(600.0, {3500, 3600, 3700}), five(600.0, {3400, 3500, 3600, 3700, 3800});
  CHECK(at(draws(one, 0), 0.5) < 900);  // one sample is one fifth of the truth
  CHECK(at(draws(one, 0), 0.9) > 3000);
  CHECK(at(draws(three, 0), 0.5) > 2000);
  CHECK(at(draws(five, 0), 0.5) == doctest::Approx(3600).epsilon(0.02));
  CHECK(at(draws(five, 0), 0.05) > 600);  // nothing of the plan is left
  CHECK(Spread(std::nullopt, {3600}).median() == doctest::Approx(3600).epsilon(0.5));
}

TEST_CASE("the largest of n is not the most that can be: it is exceeded about once in n + 1 times") {
  const Spread five(std::nullopt, {100, 110, 120, 130, 140});
  const auto all = draws(five, 0);
  const auto over = all.end() - std::upper_bound(all.begin(), all.end(), 140);
  CHECK(static_cast<double>(over) / static_cast<double>(all.size()) == doctest::Approx(1.0 / 6).epsilon(0.05));
}

TEST_CASE("a running step is judged by what it has taken already") {
  const Spread bimodal(std::nullopt, {60, 70, 80, 90, 3600, 3700, 3800});  // a quick fix, or a restore
  CHECK(at(draws(bimodal, 0), 0.4) < 100);
  CHECK(at(draws(bimodal, 600), 0.1) > 100);  // no quick fix any more
  CHECK(at(draws(bimodal, 600), 0.5) == doctest::Approx(3100).epsilon(0.1));
  const Spread plan(600.0, {});
  CHECK(at(draws(plan, 600), 0.5) < 600);
  CHECK(at(draws(plan, 600), 0.5) > 100);
  SUBCASE("what both plan and measurement leave open moves to the one that takes longer") {
    const Spread mixed(3600.0, {60, 70});
    CHECK(at(draws(mixed, 0), 0.3) < 100);
    CHECK(at(draws(mixed, 600), 0.1) > 100);
  }
}

TEST_CASE("what has outlived nearly all that is known of it says so, and does not promise to end at once") {
  const Spread plan(60.0, {});
  CHECK_FALSE(plan.overrun(60));
  CHECK(plan.overrun(600));
  CHECK(at(draws(plan, 3600), 0.5) == doctest::Approx(900).epsilon(0.05));
  CHECK(Spread(std::nullopt, {100, 100, 100, 100, 100}).overrun(1000));
  for (double elapsed : {0.0, 1.0, 99.0, 100.0, 101.0, 1e6})
    for (double u : {1e-9, 0.5, 1 - 1e-9}) {
      const double left = Spread(100.0, {100, 100}).remaining(elapsed, u, u);
      CHECK(std::isfinite(left));
      CHECK(left >= 0);
    }
  CHECK(Spread(0.0, {0, 0, 0, 0, 0}).remaining(0, 0.9, 0.5) >= 0);
}

}  // namespace spread_test
