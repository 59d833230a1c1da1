// SPDX-License-Identifier: Apache-2.0
// A metric is one row of a table. What /metrics shows, in which order, and what docs/metrics.md says of it follow from the rows.
#pragma once

#include "daemon/web/metrics/metrics.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace prometheus {
struct MetricFamily;
}

namespace drwatch::web {

struct Family;

// The series of one family, as its row adds them. Label values come in the order of the row's labels, and as many.
class Series {
 public:
  using Values = std::initializer_list<std::string_view>;
  Series(const Family& row, prometheus::MetricFamily& into) : row_(row), into_(into) {}

  void add(double value, Values values = {});
  void add(std::integral auto count, Values values = {}) { add(static_cast<double>(count), values); }
  void add(std::chrono::duration<double> seconds, Values values = {}) { add(seconds.count(), values); }
  void add(Time at, Values values = {}) { add(unix_seconds(at), values); }
  void add(const Histogram& histogram);
  // What is not known has no series.
  template <class Value>
  void add(const std::optional<Value>& known, Values values = {}) {
    if (known) add(*known, values);
  }

 private:
  const Family& row_;
  prometheus::MetricFamily& into_;
};

enum class Unit { none, seconds, unix_time, bytes };

struct Family {
  enum class Type { gauge, counter, histogram };
  using Labels = std::array<std::string_view, 4>;  // as many as it has; the rest is empty
  // How its series are taken: from the whole snapshot, or from each of what the function asks for. On the worker, where text may be made.
  template <class Part>
  using From = void (*)(const Part&, Series&);
  using Take = std::variant<From<Snapshot>, From<DaemonFigures>, From<ProbeFigures>, From<ComponentFigures>, From<ScenarioFigures>,
                            From<IncidentFigures>>;

  std::string_view name;
  Type type;
  Unit unit;  // what its name ends in, as Prometheus wants it
  Labels labels;
  std::string_view help;
  Take take;

  constexpr std::size_t label_count() const {
    std::size_t count = 0;
    while (count < labels.size() && !labels[count].empty()) ++count;
    return count;
  }
};

struct Chapter {
  std::string_view heading;  // in docs/metrics.md
  std::span<const Family> rows;
};

// Every family, in the order of the page.
std::span<const Chapter> chapters();
std::string_view type_name(Family::Type type);

// docs/metrics.md.
std::string metrics_reference();

}  // namespace drwatch::web
