// SPDX-License-Identifier: Apache-2.0
#include "probes/statuspage/page.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace status_page_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(status_page)(const std::uint8_t* data, std::size_t size) {
  const auto report = read_status_page(text_of(data, size));
  if (!report) {
    must(report.error().reason == Reason::protocol, "what is no status page is an error of the protocol");
    return 0;
  }
  must(report->components.size() <= 1'000'000 && report->incidents.size() <= 2000, "lists are bounded");
  for (const PageIncident& incident : report->incidents)
    must(incident.text.size() <= 64 * 1024 || incident.text.size() <= size, "texts are bounded");
  const PageVerdict all = judge(*report, {});
  for (const PageIncident& incident : report->incidents)
    must(incident.trouble == Trouble::none || all.worst != Trouble::none, "an open incident is never no trouble");
  const PageVerdict ours = judge(*report, {{"Database", "API"}, {"eu-central-1"}});
  must(ours.worst <= all.worst, "what concerns us is no worse than all of it");
  must(ours.missing.size() <= 2, "only what was asked for can be missing");
  return 0;
}

}  // namespace status_page_target
