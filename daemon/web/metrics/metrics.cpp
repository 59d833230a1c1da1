// SPDX-License-Identifier: Apache-2.0
// From the snapshot to Prometheus' text, row by row. On the worker: strings are copied freely here.
#include "daemon/web/metrics/metrics.hpp"

#include "daemon/web/metrics/families.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>
#include <stdexcept>

namespace drwatch::web {
namespace {

prometheus::MetricType type_of(const Family& row) {
  switch (row.type) {
    case Family::Type::gauge:
      return prometheus::MetricType::Gauge;
    case Family::Type::counter:
      return prometheus::MetricType::Counter;
    case Family::Type::histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

// Gives a row what its function asks for.
struct Taking {
  const Snapshot& snapshot;
  Series& to;

  void operator()(Family::From<Snapshot> take) const { take(snapshot, to); }
  void operator()(Family::From<DaemonFigures> take) const { take(snapshot.daemon, to); }
  void operator()(Family::From<ProbeFigures> take) const { each_of(snapshot.probes, take); }
  void operator()(Family::From<ComponentFigures> take) const { each_of(snapshot.components, take); }
  void operator()(Family::From<ScenarioFigures> take) const { each_of(snapshot.scenarios, take); }
  void operator()(Family::From<IncidentFigures> take) const { each_of(snapshot.incidents, take); }

 private:
  template <class Part>
  void each_of(const std::vector<Part>& parts, Family::From<Part> take) const {
    for (const Part& part : parts) take(part, to);
  }
};

void take(const Family& row, const Snapshot& snapshot, prometheus::MetricFamily& into) {
  into.name = row.name;
  into.help = row.help;
  into.type = type_of(row);
  into.metric.clear();
  Series series(row, into);
  std::visit(Taking{snapshot, series}, row.take);
}

}  // namespace

void Series::add(double value, Values values) {
  if (values.size() != row_.label_count())
    throw std::logic_error(std::string(row_.name) + ": a series with more or fewer labels than its row");
  auto& metric = into_.metric.emplace_back();
  metric.label.reserve(values.size());
  auto label = row_.labels.begin();
  for (const std::string_view each : values) metric.label.push_back({std::string(*label++), std::string(each)});
  if (row_.type == Family::Type::counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
}

void Series::add(const Histogram& histogram) {
  constexpr double without_end = std::numeric_limits<double>::infinity();
  auto& made = into_.metric.emplace_back().histogram;
  std::uint64_t last = 0;  // counts are cumulative already; the last one has all
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    last = histogram.counts[i];
    made.bucket.push_back({last, i < histogram.bounds.size() ? histogram.bounds[i] : without_end});
  }
  if (histogram.counts.empty()) made.bucket.push_back({0, without_end});
  made.sample_count = last;
  made.sample_sum = histogram.sum;
}

std::string metrics_text(const Snapshot& snapshot) {
  std::ostringstream out;
  const prometheus::TextSerializer serializer;
  std::vector<prometheus::MetricFamily> one(1);  // one at a time: all series at once would be megabytes twice
  for (const Chapter& chapter : chapters())
    for (const Family& row : chapter.rows) {
      take(row, snapshot, one.front());
      // A family without a series is left out: a header alone says nothing.
      if (!one.front().metric.empty()) serializer.Serialize(out, one);
    }
  // The library's word for a value that is no number is "Nan". The exposition format's is NaN, and not everything that reads it is as
  // forgiving as Prometheus. A value is what stands last in a line.
  std::string text = std::move(out).str();
  for (std::size_t at = text.find(" Nan\n"); at != std::string::npos; at = text.find(" Nan\n", at)) text[at + 3] = 'N';
  return text;
}

}  // namespace drwatch::web
