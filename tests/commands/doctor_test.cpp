// SPDX-License-Identifier: Apache-2.0
// What doctor calls missing, and the line that it gives for it.
#include "daemon/commands/doctor.hpp"
#include "daemon/commands/init.hpp"
#include "probes/probe.hpp"
#include "tests/commands/documents.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace doctor_test {

using namespace drwatch;
using namespace drwatch::commands;
namespace fs = std::filesystem;
using drwatch::commands::tests::has;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    char name[] = "/tmp/drwatch-doctor-XXXXXX";
    REQUIRE(mkdtemp(name));
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
};

const Gap* gap(const std::vector<Gap>& gaps, const std::string& what) {
  const auto at = std::find_if(gaps.begin(), gaps.end(), [&](const Gap& each) { return has(each.what, what); });
  return at == gaps.end() ? nullptr : &*at;
}

Diagnosis of_text(const Folder& folder, const std::string& text) {
  std::ofstream(folder.path / "drwatch.toml") << text;
  config::Problems problems;
  const auto kinds = kind_schemas();
  const auto settings = config::load((folder.path / "drwatch.toml").string(), kinds, {}, problems);
  Diagnosis diagnosis;
  diagnose_settings(settings.get(), problems.all(), "FILE", diagnosis);
  return diagnosis;
}

}  // namespace

TEST_CASE("an almost empty configuration lacks everything, each with a line") {
  const Folder folder;
  const auto missing =
      of_text(folder, "[component.database]\n[probe.primary]\ncomponent = \"database\"\nkind = \"tcp\"\ntarget = \"192.0.2.1:1\"\n")
          .missing;
  for (const char* what :
       {"there is no witness", "there is no source of recovery points", "there is no Alertmanager", "nobody is told when no Alertmanager",
        "nobody outside notices", "the link in an alert", "no token of the role responder", "there is no scenario"}) {
    CAPTURE(what);
    REQUIRE(gap(missing, what));
    CHECK_FALSE(gap(missing, what)->line.empty());
  }
  CHECK(gap(missing, "there is no Alertmanager")->line == "[alertmanager]   # in FILE: urls = [\"http://127.0.0.1:9093\"]");
  CHECK(std::count_if(missing.begin(), missing.end(), [](const Gap& each) { return has(each.what, "no Alertmanager"); }) == 2);
}

TEST_CASE("what init writes with everything lacks only what nobody can give it") {
  const Folder folder;
  const InitAnswers answers{.site = "https://app.example.org/",
                            .alertmanager = "http://127.0.0.1:9093",
                            .backup = "",
                            .pager = "https://p.example/",
                            .deadman = "https://d.example/"};
  const auto plan = init_plan(answers, "/etc/drwatch");
  for (const auto& file : plan.files) {
    fs::create_directories((folder.path / file.name).parent_path());
    std::ofstream(folder.path / file.name) << file.text;
  }
  const auto missing = of_text(folder, plan.files.front().text).missing;
  CHECK_FALSE(gap(missing, "Alertmanager"));
  CHECK_FALSE(gap(missing, "responder"));
  CHECK_FALSE(gap(missing, "outside notices"));
  CHECK(gap(missing, "the secret's credential 'oncall-token'"));
  CHECK(gap(missing, "there is no source of recovery points"));
}

TEST_CASE("a configuration with errors says so, and nothing that it cannot know") {
  const Folder folder;
  const auto missing = of_text(folder, "[probe.primary]\nkind = \"tpc\"\n").missing;
  REQUIRE(gap(missing, " error"));
  CHECK(gap(missing, " error")->line == "drwatch check --config FILE");
}

TEST_CASE("recovery points without a canary are not exact") {
  const Folder folder;
  const std::string text = R"([component.database]
[probe.primary]
component = "database"
kind = "postgres"
dsn = "host=192.0.2.1"
canary = false
[component.backups]
[probe.dumps]
component = "backups"
kind = "backup"
reads = "file"
folder = "/srv/dumps"
protects = "database"
survives = ["host"]
)";
  CHECK(gap(of_text(folder, text).missing, "recovery points of database are not exact"));
  std::string with = text;
  with.replace(with.find("canary = false"), 14, "canary = true ");
  CHECK_FALSE(gap(of_text(folder, with).missing, "not exact"));
  CHECK(gap(of_text(folder, text).missing, "component.database.rpo"));  // no source survives a logical loss
}

TEST_CASE("of a running daemon: what was never seen, read, drilled or delivered") {
  Json status = drwatch::commands::tests::status();
  Diagnosis diagnosis;
  diagnose_status(status, diagnosis);
  REQUIRE(gap(diagnosis.missing, "auth cannot be seen"));
  CHECK_FALSE(gap(diagnosis.missing, "database cannot be seen"));
  status["components"][0]["exposures"][0]["exposure_seconds"] = nullptr;
  status["scenarios"] = Json::array({{{"scenario", "database-outage"}, {"standing", "unproven"}, {"drill", {{"overdue", true}}}},
                                     {{"scenario", "auth-outage"}, {"standing", "unproven"}, {"drill", {{"overdue", false}}}},
                                     {{"scenario", "cron-failure"}, {"standing", "met"}, {"drill", nullptr}}});
  status["alerts"] = {{"active", 2}, {"undelivered", 1}};
  status["findings"] =
      Json::array({{{"finding", "no-source"}, {"message", "no source of recovery points of database survives a region loss"}},
                   {{"finding", "configuration"}, {"message", "told of the configuration"}}});
  status["blind"] = true;
  Diagnosis whole;
  diagnose_status(status, whole);
  CHECK(gap(whole.missing, "drwatch is blind"));
  CHECK(gap(whole.missing, "no recovery point of database was read yet for the class logical"));
  REQUIRE(gap(whole.missing, "no drill shows"));
  CHECK(gap(whole.missing, "no drill shows")->what == "no drill shows that it is, for database-outage, auth-outage");
  CHECK(has(gap(whole.missing, "no drill shows")->line, "drwatch drill record database-outage"));
  CHECK(gap(whole.missing, "a drill is overdue, of database-outage"));
  CHECK(gap(whole.missing, "1 alert did not arrive anywhere"));
  CHECK(gap(whole.missing, "survives a region loss"));
  CHECK_FALSE(gap(whole.missing, "told of the configuration"));
}

TEST_CASE("it is told by claim, with the line below each gap") {
  Diagnosis diagnosis;
  diagnosis.missing = {{"somebody is woken", "there is no Alertmanager", "[alertmanager]"}};
  diagnosis.not_looked_at = {{"recovery is over in time", "which drills have passed: nobody answers", "systemctl start drwatch"}};
  const std::string text = diagnosis_text(diagnosis, drwatch::commands::tests::plain);
  CHECK(has(text, "Somebody is woken\n  missing  there is no Alertmanager\n      [alertmanager]\n"));
  CHECK(has(text, "Recovery is over in time\n  not looked at  which drills have passed: nobody answers\n      systemctl start drwatch\n"));
  CHECK(has(text, "How much data would be lost is known  nothing is missing\n"));
  const Json document = diagnosis_document(diagnosis);
  CHECK(document["missing"][0]["line"] == "[alertmanager]");
  CHECK(document["claims"].size() == 6);
}

TEST_CASE("without a daemon it judges the configuration, and says what it could not look at") {
  const Folder folder;
  std::ofstream(folder.path / "drwatch.toml") << "[component.database]\n";
  DoctorOptions options;
  options.config = (folder.path / "drwatch.toml").string();
  options.client.server = "unix:" + (folder.path / "no.sock").string();
  options.client.json = true;
  CHECK(doctor(options) == 1);
  options.config = (folder.path / "elsewhere.toml").string();
  CHECK_THROWS_WITH_AS(doctor(options), doctest::Contains("name the configuration with --config FILE"), CommandRefused);
}

}  // namespace doctor_test
