// SPDX-License-Identifier: Apache-2.0
// docs/metrics.md, written from the rows that also fill the page, so that it cannot say anything else.
#include "daemon/web/metrics/families.hpp"

namespace drwatch::web {
namespace {

constexpr std::string_view introduction = R"(<!-- SPDX-License-Identifier: Apache-2.0 -->
# Metrics

<!-- Written from the rows in daemon/web/metrics/families.cpp: change it there, then DRWATCH_WRITE_REFERENCE=1 build/dev/tests/test_web writes it anew. -->

`GET /metrics` answers in Prometheus' text format, in the order of this page; with `public_url` it needs a viewer's token unless `open_reading` is true.
Scrape it with `job_name: drwatch`, which the rules in `config/prometheus/` expect.

A series is there while what it says is known: a run's time once there was one, an incident's while it is open, a drill's figures once one passed.
A probe's health and an exposure are there before they are known, as `NaN`. A *Unix time* is in seconds since 1970.
Counters begin at 0 with each start of drwatch, but for what its journal keeps: recoveries held against their projections.
)";

std::string_view unit_name(Unit unit) {
  switch (unit) {
    case Unit::none:
      return "";
    case Unit::seconds:
      return "seconds";
    case Unit::unix_time:
      return "Unix time";
    case Unit::bytes:
      return "bytes";
  }
  return "";
}

std::string line_of(const Family& row) {
  std::string labels;
  for (std::size_t i = 0; i < row.label_count(); ++i) labels += (i ? ", `" : "`") + std::string(row.labels[i]) + "`";
  std::string line = "| `" + std::string(row.name) + "` ";
  for (const std::string_view cell : {type_name(row.type), unit_name(row.unit), std::string_view(labels), row.help})
    line += cell.empty() ? "| " : "| " + std::string(cell) + " ";
  return line + "|\n";
}

}  // namespace

std::string_view type_name(Family::Type type) {
  switch (type) {
    case Family::Type::gauge:
      return "gauge";
    case Family::Type::counter:
      return "counter";
    case Family::Type::histogram:
      return "histogram";
  }
  return "";
}

std::string metrics_reference() {
  std::string text(introduction);
  for (const Chapter& chapter : chapters()) {
    text += "\n## " + std::string(chapter.heading) + "\n\n| metric | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- |\n";
    for (const Family& row : chapter.rows) text += line_of(row);
  }
  return text;
}

}  // namespace drwatch::web
