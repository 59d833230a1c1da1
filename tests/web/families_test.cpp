// SPDX-License-Identifier: Apache-2.0
// docs/metrics.md is the list that counts: what it says is what the rows say, what the page shows and all that the shipped rules name.
// DRWATCH_WRITE_REFERENCE=1 writes it anew.
#include "daemon/web/metrics/families.hpp"

#include "fixture.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace families_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

const std::string source = drwatch::testing::source_dir();

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<web::Family> all_rows() {
  std::vector<web::Family> rows;
  for (const auto& chapter : web::chapters()) rows.insert(rows.end(), chapter.rows.begin(), chapter.rows.end());
  return rows;
}

// Every feature has something to show: an incident with a projection, drills, recovery points, sizes, scores, findings, alerts.
std::string page_with_everything() {
  Settings settings = small_platform();
  std::string error;
  settings.scenarios.at("database-outage").drill =
      DrillPlan{.schedule = Cron::parse("0 10 1 1,4,7,10 *", "UTC", &error), .type = "restore"};
  State state = in_trouble(settings);
  state.kept.probes["primary"].data_bytes = 1e9;
  for (int i = 0; i < 20; ++i) state.sight.probes["primary"].share.runs.push_back({now_there, i % 2 == 0});
  state.record.scenarios["database-outage"].p50_seconds = 1800;
  state.record.scenarios["database-outage"].p90_seconds = 3600;
  state.record.drills["database-outage"] = {now_there - hours{50}, 1500, 20, 1e9};
  Projection projection;
  projection.decide_by = now_there + hours{1};
  Incident& incident = *state.record.incidents.edit(incident_id);
  incident.projection = projection;
  Message update;
  update.id = "customers-update";
  update.when = Message::When::update;
  update.every = minutes{30};
  incident.message_plans.push_back(update);
  state.record.measured.scored = 3;
  DaemonFigures figures;
  figures.version = "0.1.0";
  figures.alerts_sent[{"http://127.0.0.1:9093", "accepted"}] = 3;
  return web::metrics_text(web::take_snapshot(state, std::make_shared<const Settings>(settings), figures, now_there));
}

// What a page shows of a family: its type, and the labels of its series, the same for all of them.
struct Shown {
  std::string type;
  std::set<std::string> labels;  // "component class"
};

std::string labels_in(const std::string& line) {
  static const std::regex label(R"re((\w+)="[^"]*")re");
  std::string names;
  for (std::sregex_iterator each(line.begin(), line.end(), label), end; each != end; ++each)
    if ((*each)[1] != "le") names += (names.empty() ? "" : " ") + (*each)[1].str();
  return names;
}

std::map<std::string, Shown> shown_on(const std::string& page) {
  std::map<std::string, Shown> families;
  Shown* last = nullptr;  // series follow the heading of their family
  for (const std::string& line : lines_of(page)) {
    std::istringstream words(line);
    std::string hash, word, name, type;
    if (line.starts_with("# TYPE ")) {
      words >> hash >> word >> name >> type;
      last = &families[name];
      last->type = type;
    } else if (!line.starts_with("#")) {
      REQUIRE(last);
      last->labels.insert(labels_in(line));
    }
  }
  return families;
}

std::string labels_of(const web::Family& row) {
  std::string names;
  for (std::size_t i = 0; i < row.label_count(); ++i) names += (i ? " " : "") + std::string(row.labels[i]);
  return names;
}

// The families that a text names: a histogram's by its series, too.
std::set<std::string> named_in(const std::string& text) {
  static const std::regex name(R"(\b(?:drwatch|process)_[a-z0-9_]+)");
  std::set<std::string> names;
  for (std::sregex_iterator each(text.begin(), text.end(), name), end; each != end; ++each) names.insert(each->str());
  return names;
}

std::set<std::string> may_be_named() {
  std::set<std::string> names;
  for (const auto& row : all_rows()) {
    if (row.type != web::Family::Type::histogram) names.insert(std::string(row.name));
    if (row.type == web::Family::Type::histogram)
      for (const char* part : {"_bucket", "_sum", "_count"}) names.insert(std::string(row.name) + part);
  }
  return names;
}

}  // namespace

TEST_CASE("docs/metrics.md is written from the rows") {
  const std::string text = web::metrics_reference();
  const std::string file = source + "/docs/metrics.md";
  if (std::getenv("DRWATCH_WRITE_REFERENCE")) std::ofstream(file, std::ios::binary) << text;
  const std::string committed = text_of(file);
  const auto said = lines_of(committed), made = lines_of(text);
  const std::set<std::string> said_lines(said.begin(), said.end()), made_lines(made.begin(), made.end());
  for (const auto& line : said)
    CHECK_MESSAGE(made_lines.contains(line), "docs/metrics.md promises what no row says (was a metric removed or changed?): " << line);
  for (const auto& line : made) CHECK_MESSAGE(said_lines.contains(line), "docs/metrics.md does not have: " << line);
  // Not compared by doctest: it would print both pages.
  const bool same = committed == text;
  CHECK_MESSAGE(same,
                "docs/metrics.md is behind the rows: if that is meant, run this test with DRWATCH_WRITE_REFERENCE=1 and commit the file");
}

TEST_CASE("every row is on a page where every feature has something to show, with its type and its labels, in the order of the rows") {
  const std::string page = page_with_everything();
  const auto shown = shown_on(page);
  std::size_t after = 0;
  for (const auto& row : all_rows()) {
    const std::string name(row.name);
    CAPTURE(name);
    const auto family = shown.find(name);
    CHECK_MESSAGE(family != shown.end(), "no series");
    if (family == shown.end()) continue;
    CHECK(family->second.type == web::type_name(row.type));
    CHECK(family->second.labels == std::set<std::string>{labels_of(row)});
    const auto at = page.find("# HELP " + name + " " + std::string(row.help) + "\n", after);
    CHECK(at != page.npos);
    after = at == page.npos ? after : at;
  }
  CHECK(shown.size() == all_rows().size());
}

TEST_CASE("a family stands in one row only, and says what it means") {
  std::set<std::string_view> names;
  for (const auto& row : all_rows()) {
    CAPTURE(std::string(row.name));
    CHECK(names.insert(row.name).second);
    CHECK_FALSE(row.help.empty());
  }
}

TEST_CASE("the shipped rules name only families that exist") {
  const auto exist = may_be_named();
  std::size_t named = 0;
  for (const auto& file : std::filesystem::directory_iterator(source + "/config/prometheus"))
    for (const auto& name : named_in(text_of(file.path()))) {
      CHECK_MESSAGE(exist.contains(name), file.path().filename().string() << " asks for " << name << ", which drwatch does not have");
      ++named;
    }
  CHECK(named > 5);
}

TEST_CASE("what docs/looking-ahead.md says of metrics exists") {
  const auto exist = may_be_named();
  for (const auto& name : named_in(text_of(source + "/docs/looking-ahead.md"))) CHECK_MESSAGE(exist.contains(name), "there is no " << name);
}

}  // namespace families_test
