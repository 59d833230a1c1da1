// SPDX-License-Identifier: Apache-2.0
// Whatever the answers: what init writes passes check, and holds no secret outside its credentials' files.
#include "daemon/commands/init.hpp"
#include "config/settings.hpp"
#include "daemon/commands/loading.hpp"
#include "daemon/commands/shipped.hpp"
#include "probes/probe.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace init_test {

using namespace drwatch;
using namespace drwatch::commands;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    char name[] = "/tmp/drwatch-init-test-XXXXXX";
    REQUIRE(mkdtemp(name));
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
};

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void write_plan(const InitPlan& plan, const fs::path& folder) {
  for (const auto& file : plan.files) {
    fs::create_directories((folder / file.name).parent_path());
    std::ofstream(folder / file.name, std::ios::binary) << file.text;
  }
}

struct Checked {
  std::shared_ptr<const Settings> settings;
  config::Problems problems;
};
Checked check_at(const fs::path& folder) {
  Checked checked;
  setenv("CREDENTIALS_DIRECTORY", (folder / "credentials").c_str(), 1);
  const auto kinds = kind_schemas();
  checked.settings = config::load((folder / "drwatch.toml").string(), kinds, {}, checked.problems);
  unsetenv("CREDENTIALS_DIRECTORY");
  return checked;
}

bool says(const config::Problems& problems, const std::string& part) {
  return std::any_of(problems.all().begin(), problems.all().end(),
                     [&](const config::Problem& problem) { return config::problem_text(problem).find(part) != std::string::npos; });
}

constexpr const char* secret = "postgresql://drwatch:hunter2hunter2@db.example.org/app";

void check_one(const InitAnswers& answers) {
  CAPTURE(answers.site);
  CAPTURE(answers.endpoint);
  CAPTURE(answers.dsn.empty());
  CAPTURE(answers.supabase);
  CAPTURE(answers.backup);
  CAPTURE(answers.jobs.size());
  REQUIRE(init_misfit(answers) == "");
  const InitPlan plan = init_plan(answers, "/etc/drwatch");
  const Folder folder;
  write_plan(plan, folder.path);
  const Checked checked = check_at(folder.path);
  for (const auto& problem : checked.problems.all())
    if (problem.level == config::Problem::Level::error) FAIL_CHECK(config::problem_text(problem));
  REQUIRE(checked.settings);
  CHECK(checked.settings->scenarios.size() == plan.scenarios.size());
  CHECK(plan.scenarios.size() + plan.left_out.size() == 15);
  for (const auto& file : plan.files) {
    if (!file.secret) CHECK(file.text.find("hunter2") == std::string::npos);
    if (file.secret)
      CHECK(plan.drop_in.find("LoadCredential=" + file.name.substr(12) + ":/etc/drwatch/" + file.name + "\n") != std::string::npos);
  }
  CHECK(plan.drop_in.find("hunter2") == std::string::npos);
}

}  // namespace

TEST_CASE("each combination of flags gives a configuration without errors") {
  for (unsigned bits = 0; bits < 32; ++bits) {
    InitAnswers answers;
    if (bits & 1) answers.site = "https://app.example.org/";
    if (bits & 2) answers.endpoint = "https://app.example.org/api/health";
    if (bits & 4) answers.dsn = secret;
    if (bits & 8) answers.supabase = "abcdefghijklmnopqrst";
    if (bits & 16) answers.jobs = {"reminders=15m", "nightly=0 2 * * *"};
    if (nothing_to_watch(answers)) continue;
    // What alerts go to touches nothing that is watched: with every other combination is enough, and so is one source of backups with each.
    if (std::popcount(bits) % 2 == 0)
      answers.alertmanager = "http://127.0.0.1:9093", answers.pager = "https://pager.example.org/",
      answers.deadman = "https://dead.example.org/";
    const char* sources[] = {"archiver", "", "archiver:/srv/wal", "pgbackrest:main", "file:/srv/dumps"};
    if (!answers.dsn.empty()) answers.backup = sources[(bits + bits / 8) % 5];
    check_one(answers);
    if (answers.dsn.empty() || answers.supabase.empty()) continue;
    answers.backup = bits & 1 ? "supabase" : "supabase-pitr";
    check_one(answers);
  }
}

TEST_CASE("the scenarios whose parts are there are taken") {
  InitAnswers answers;
  answers.site = "https://app.example.org/";
  answers.dsn = secret;
  answers.backup = "archiver:/srv/wal";
  answers.jobs = {"nightly=0 2 * * *"};
  const InitPlan plan = init_plan(answers, "/etc/drwatch");
  for (const char* name : {"database-outage", "database-corruption", "backup-failure", "cron-failure", "hosting-failure", "domain-failure"})
    CHECK_MESSAGE(std::count(plan.scenarios.begin(), plan.scenarios.end(), name) == 1, name);
  for (const char* name : {"auth-outage", "storage-loss", "credential-leak"})
    CHECK_MESSAGE(std::count(plan.scenarios.begin(), plan.scenarios.end(), name) == 0, name);
  for (const auto& out : plan.left_out) CHECK_FALSE(out.because.empty());
  answers.backup = "";
  const InitPlan login = init_plan({.supabase = "abcdefghijklmnopqrst"}, "/etc/drwatch");
  CHECK(std::count(login.scenarios.begin(), login.scenarios.end(), "auth-outage") == 1);
}

TEST_CASE("a database without a known backup still has its page: only the step that asks for a recovery point is left out") {
  const InitPlan plan = init_plan({.site = "https://app.example.org/", .dsn = secret}, "/etc/drwatch");
  for (const char* name : {"database-outage", "complete-outage", "hosting-failure"})
    CHECK_MESSAGE(std::count(plan.scenarios.begin(), plan.scenarios.end(), name) == 1, name);
  const Folder folder;
  write_plan(plan, folder.path);
  const Checked checked = check_at(folder.path);
  REQUIRE(checked.settings);
  const auto& steps = checked.settings->scenarios.at("database-outage").steps;
  const auto has = [&](const char* id) { return std::any_of(steps.begin(), steps.end(), [&](const Step& step) { return step.id == id; }); };
  CHECK(has("connectivity"));
  CHECK_FALSE(has("recovery-point"));
  const auto& conditions = checked.settings->scenarios.at("database-outage").trigger.any;
  CHECK(std::any_of(conditions.begin(), conditions.end(), [](const Condition& c) { return c.text == "database is down"; }));
  // The database alone is not most of what serves: its own page opens, not that of a complete outage.
  CHECK(plan.files.front().text.find("[set.serving]\nmembers = [\"database\", \"hosting\"]\n") != std::string::npos);
  CHECK_FALSE(says(checked.problems, "left out"));  // what init wrote itself, check does not complain about
  CHECK_FALSE(says(checked.problems, "never holds"));
}

TEST_CASE("the program carries every scenario that ships") {
  std::size_t count = 0;
  const fs::path folder = drwatch::testing::source_dir("/config/scenarios");
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    const auto at = shipped_scenarios().find(fs::relative(entry.path(), folder).string());
    REQUIRE(at != shipped_scenarios().end());
    CHECK(at->second == text_of(entry.path()));
    ++count;
  }
  CHECK(count == shipped_scenarios().size());
}

TEST_CASE("answers that do not fit are told before anything is written") {
  const auto wrong = [](auto set) {
    InitAnswers answers;
    answers.dsn = secret;
    set(answers);
    return init_misfit(answers);
  };
  CHECK(wrong([](InitAnswers&) {}) == "");
  CHECK(wrong([](InitAnswers& a) { a.site = "app.example.org"; }).find("the site 'app.example.org'") == 0);
  CHECK(wrong([](InitAnswers& a) { a.site = "https://user:hunter2@app.example.org/"; }) != "");
  CHECK(wrong([](InitAnswers& a) { a.backup = "pgbackrest"; }) == "the stanza is missing; write pgbackrest:STANZA");
  CHECK(wrong([](InitAnswers& a) { a.backup = "archiverr"; }).find("did you mean 'archiver'?") != std::string::npos);
  CHECK(wrong([](InitAnswers& a) { a.backup = "supabase"; }).find("--supabase") != std::string::npos);
  CHECK(wrong([](InitAnswers& a) { a.backup = "archiver", a.dsn = ""; }).find("--postgres") != std::string::npos);
  CHECK(wrong([](InitAnswers& a) { a.jobs = {"nightly=0 2 * *"}; }) != "");
  CHECK(wrong([](InitAnswers& a) { a.jobs = {"nightly=soon"}; }) != "");
  CHECK(wrong([](InitAnswers& a) { a.jobs = {"cron=1h"}; }).find("call the job otherwise") != std::string::npos);
  CHECK(wrong([](InitAnswers& a) { a.jobs = {"nightly", "nightly=2h"}; }).find("twice") != std::string::npos);
  CHECK(wrong([](InitAnswers& a) { a.rto = "fast"; }) == "the RTO 'fast' is no duration; write it like 4h or 30m");
  CHECK(wrong([](InitAnswers& a) { a.supabase = "https://x.supabase.co"; }) != "");
  CHECK(wrong([](InitAnswers& a) { a.site = "https://a.example/\n[server]"; }) != "");
}

TEST_CASE("init writes modes, overwrites nothing without --force, and never loses a secret that it made up") {
  const Folder folder;
  std::ofstream(folder.path / "dsn") << secret << "\n";
  InitOptions options;
  options.postgres = (folder.path / "dsn").string();
  options.to = (folder.path / "there").string();
  options.json = true;
  CHECK(init(options) == 0);
  const auto mode = [&](const char* name) {
    struct stat is{};
    REQUIRE(stat((folder.path / "there" / name).c_str(), &is) == 0);
    return is.st_mode & 07777;
  };
  CHECK(mode("credentials") == 0700);
  CHECK(mode("credentials/primary-dsn") == 0600);
  CHECK(mode("credentials/oncall-token") == 0600);
  CHECK(mode("drwatch.toml") == 0644);
  CHECK(text_of(folder.path / "there/credentials/primary-dsn") == std::string(secret) + "\n");
  CHECK(text_of(folder.path / "there/drwatch.service.d/credentials.conf").find("ExecStart=/usr/bin/drwatch serve --config " + options.to) !=
        std::string::npos);
  CHECK(text_of(folder.path / "there/drwatch.service.d/credentials.conf").find("ConditionPathExists=" + options.to + "/drwatch.toml\n") !=
        std::string::npos);
  const std::string token = text_of(folder.path / "there/credentials/oncall-token");
  CHECK(token.size() == 65);
  std::ofstream(folder.path / "there/drwatch.toml") << "# mine\n";
  CHECK_THROWS_WITH_AS(init(options), doctest::Contains("already, and nothing was written; --force overwrites"), CommandRefused);
  CHECK(text_of(folder.path / "there/drwatch.toml") == "# mine\n");
  options.force = true;
  CHECK(init(options) == 0);
  CHECK(text_of(folder.path / "there/drwatch.toml") != "# mine\n");
  CHECK(text_of(folder.path / "there/credentials/oncall-token") == token);
}

TEST_CASE("a file of blanks holds no secret") {
  const Folder folder;
  std::ofstream(folder.path / "dsn") << " \t\n";
  InitOptions options;
  options.postgres = (folder.path / "dsn").string();
  options.to = (folder.path / "there").string();
  CHECK_THROWS_WITH_AS(init(options), doctest::Contains("is empty; write the connection string into it"), CommandRefused);
  CHECK_FALSE(fs::exists(folder.path / "there"));
}

TEST_CASE("by hand the credentials are found beside the configuration, or where --credentials says") {
  const Folder folder;
  write_plan(init_plan({.dsn = secret}, "/etc/drwatch"), folder.path);
  unsetenv("CREDENTIALS_DIRECTORY");
  use_credentials("", (folder.path / "drwatch.toml").string());
  CHECK(std::string(std::getenv("CREDENTIALS_DIRECTORY")) == (folder.path / "credentials").string());
  fs::rename(folder.path / "credentials", folder.path / "elsewhere");
  use_credentials((folder.path / "elsewhere").string(), (folder.path / "drwatch.toml").string());
  CHECK(std::string(std::getenv("CREDENTIALS_DIRECTORY")) == (folder.path / "elsewhere").string());
  CHECK_THROWS_WITH_AS(use_credentials((folder.path / "nowhere").string(), ""), doctest::Contains("is not a folder"), CommandRefused);
  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK(says(check_at(folder.path).problems, "the secret's credential 'primary-dsn'"));
}

}  // namespace init_test
