// SPDX-License-Identifier: Apache-2.0
// The report of an incident or a drill as a page to read and to print. It is the Markdown of the API, through the renderer of the guides.
#include "daemon/web/api/report.hpp"

#include "daemon/web/api/drill_report.hpp"
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/rendering.hpp"

namespace drwatch::web {
namespace {

Response report_page(const Moment& now, const Call& call, const std::string& of, const std::string& id, const std::string& markdown) {
  View view;
  view["back"] = "/" + of + "/" + id;
  view["plain"] = "/api/v1/" + of + "/" + id + "/report";
  view["id"] = id;
  view["report_html"] = markdown_html(markdown);
  return page(frame_of(now, call, false), "report", "Report of " + id + " · drwatch", std::move(view));
}

}  // namespace

Response page_report(const Moment& now, const Call& call) {
  const Record& record = now.seen.state.record;
  const std::string& id = call.at.at("id");
  if (const auto drill = record.drilling.held.find(id); drill != record.drilling.held.end())
    return report_page(now, call, "drills", id, drill_report(now.seen, drill->second));
  const auto incident = record.incidents.find(id);
  if (incident == record.incidents.end()) return not_found("incident", id, keys_of(record.incidents));
  return report_page(now, call, "incidents", id, report(now.seen, incident->second));
}

}  // namespace drwatch::web
