// SPDX-License-Identifier: Apache-2.0
#include "config/settings.hpp"
#include "config/components.hpp"

#include "tests/config/loaded.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

namespace drwatch::test::settings_test {
namespace {

using Texts = std::vector<std::string>;

const std::string one_probe =
    "[component.database]\n[probe.primary]\ncomponent = \"database\"\nkind = \"tcp\"\ntarget = \"192.0.2.1:5432\"\n";
const std::string archive =
    "[probe.archive]\ncomponent = \"database\"\nkind = \"backup\"\nreads = \"pg_stat_archiver\"\ndsn = \"host=db\"\nprotects = "
    "\"database\"\n";

std::shared_ptr<const Settings> sound(const std::string& text) {
  const auto loaded = load_text(text);
  for (const auto& error : loaded.errors) FAIL_CHECK(error);
  REQUIRE(loaded.settings);
  return loaded.settings;
}

TEST_CASE("an empty file runs, with every warning there is") {
  const auto loaded = load_text("");
  REQUIRE(loaded.settings);
  CHECK(loaded.settings->server.listen == "127.0.0.1:9780");
  CHECK(loaded.settings->workers == 2);
  CHECK(loaded.settings->recovery.rto == hours{4});
  CHECK(loaded.settings->recovery.rpo.at(DisasterClass::logical) == hours{1});
  CHECK_FALSE(loaded.settings->deadman);
  for (const char* what : {"there is no witness", "there is no Alertmanager", "there are no components", "there are no scenarios"})
    CHECK(contains(loaded.warnings, what));
  CHECK(loaded.settings->warnings.size() == loaded.warnings.size());
}

TEST_CASE("an Alertmanager is an address, or a table of it and how drwatch shows itself there") {
  setenv("DRWATCH_TEST_AM", "s3cret-value", 1);
  const auto settings = sound(one_probe + R"([alertmanager]
urls = ["http://127.0.0.1:9093", { url = "https://am.example.org/prefix", basic = { user = "drwatch", password = { env = "DRWATCH_TEST_AM" } }, headers = { X-Scope-OrgID = "tenant" }, tls = { ca = "am-ca.pem", certificate = "c.pem", key = "k.pem", server_name = "am" } }]
)");
  CHECK(settings->alertmanager.urls == Texts{"http://127.0.0.1:9093", "https://am.example.org/prefix"});
  REQUIRE(settings->alertmanager.access.size() == 1);
  const HttpAccess& access = settings->alertmanager.access.at("https://am.example.org/prefix");
  CHECK(access.basic->user == "drwatch");
  CHECK(access.basic->password.reveal() == "s3cret-value");
  CHECK(access.headers.at("X-Scope-OrgID").reveal() == "tenant");
  CHECK(access.tls.ca_file.ends_with("/am-ca.pem"));
  CHECK(access.tls.server_name == "am");
  unsetenv("DRWATCH_TEST_AM");
  const auto errors = [](const std::string& urls) { return load_text(one_probe + "[alertmanager]\nurls = " + urls + "\n").errors; };
  CHECK(contains(errors("[\"https://u:p4ss@am.example.org\"]"), "basic = {"));
  CHECK_FALSE(contains(errors("[\"https://u:p4ss@am.example.org\"]"), "p4ss"));
  CHECK(contains(errors("[{ basic = { user = \"u\", password = { env = \"X\" } } }]"), "url"));
  CHECK(contains(errors("[{ url = \"https://a\", bearer = { env = \"X\" }, basic = { user = \"u\", password = { env = \"X\" } } }]"),
                 "keep one"));
  CHECK(contains(errors("[{ url = \"https://a\", tls = { certificate = \"c.pem\" } }]"), "give both or none"));
  CHECK(contains(errors("[1]"), "URLs or tables"));
  CHECK(contains(errors("\"https://a\""), "must be a list"));
}

TEST_CASE("window and failed_share: a probe's own, or those of [defaults]") {
  const auto settings = sound("[defaults]\nwindow = 30\nfailed_share = 0.5\n" + one_probe +
                              "[probe.other]\ncomponent = \"database\"\nkind = \"tcp\"\ntarget = \"192.0.2.2:1\"\nwindow = 10\n");
  CHECK(settings->probes.at("primary").window == 30);
  CHECK(settings->probes.at("primary").failed_share == 0.5);
  CHECK(settings->probes.at("other").window == 10);
  CHECK(sound(one_probe)->probes.at("primary").window == 20);
  CHECK(sound(one_probe)->probes.at("primary").failed_share == 0.3);
  CHECK(sound(one_probe)->probes.at("primary").fingerprint != settings->probes.at("primary").fingerprint);
  CHECK_FALSE(load_text("[defaults]\nwindow = 1\n" + one_probe).errors.empty());
}

TEST_CASE("a file that is not there, a folder, too large a file") {
  const Folder folder;
  CHECK(load(folder).errors ==
        Texts{"drwatch.toml:1:1: error: cannot be read: No such file or directory; check the path and its permissions"});
  folder.write("drwatch.toml/x", "");
  CHECK(contains(load(folder).errors, "cannot be read: is a folder"));
  CHECK(contains(load_text(std::string((4 << 20) + 1, '\n')).errors, "is larger than 4 MiB"));
}

TEST_CASE("all problems at once, in the order of the files") {
  const Folder folder;
  folder.write("drwatch.toml", "[probe.a]\nkind = \"htpp\"\n[server]\nlisten = 9780\nx = 1\n[defaults]\nfall = 0\n");
  folder.write("scenarios/s.toml", "title = 1\n");
  CHECK(load(folder).errors ==
        Texts{"drwatch.toml:1:8: error: probe.a: 'component' is missing; name the component it watches, or list it in [witness] probes",
              "drwatch.toml:2:8: error: probe.a.kind: there is no kind 'htpp'; did you mean 'http'?",
              "drwatch.toml:4:10: error: server.listen: expected a string, found an integer; put it in quotes",
              "drwatch.toml:5:1: error: server: unknown key 'x'; known are listen, public_url, tls, open_reading, trusted_proxies, "
              "workers, tokens",
              "drwatch.toml:7:8: error: defaults.fall: 0 is out of bounds; use a value from 1 to 100",
              "scenarios/s.toml:1:9: error: title: expected a string, found an integer; put it in quotes"});
}

TEST_CASE("a probe overrides the defaults, wherever those stand") {
  const auto s = sound(one_probe + "retry = \"2s\"\nrise = 5\n[defaults]\ninterval = \"1m\"\nfall = 4\n");
  const auto& probe = s->probes.at("primary");
  CHECK(probe.interval == minutes{1});
  CHECK(probe.retry == seconds{2});
  CHECK(probe.timeout == seconds{10});
  CHECK(probe.fall == 4);
  CHECK(probe.rise == 5);
}

TEST_CASE("a deadline that nobody wrote fits the interval; one that is written must") {
  CHECK(sound(one_probe + "interval = \"5s\"\n")->probes.at("primary").timeout == seconds{5});
  CHECK(sound(one_probe + "interval = \"5s\"\nretry = \"8s\"\n")->probes.at("primary").retry == seconds{8});  // longer is fine
  CHECK(
      contains(load_text(one_probe + "interval = \"5s\"\ntimeout = \"6s\"\n").errors, "the timeout (6s) is longer than the interval (5s)"));
}

TEST_CASE("kinds that confirm themselves need one run, unless told otherwise") {
  const auto s = sound("[defaults]\nfall = 7\n" + one_probe + archive + "survives = [\"host\"]\n");
  CHECK(s->probes.at("archive").fall == 1);
  CHECK(s->probes.at("archive").rise == 1);
  CHECK(sound(one_probe + archive + "survives = [\"host\"]\nfall = 2\n")->probes.at("archive").fall == 2);
}

TEST_CASE("down_when: any, all, a number") {
  CHECK(sound("[component.a]\n")->components.at("a").down_when == DownWhen{});
  CHECK(sound("[component.a]\ndown_when = \"all\"\n")->components.at("a").down_when == DownWhen{DownWhen::Rule::all, 1});
  CHECK(sound("[component.a]\ndown_when = 2\n")->components.at("a").down_when == DownWhen{DownWhen::Rule::count, 2});
  for (const char* wrong : {"0", "-1", "1.5", "\"some\"", "true"})
    CHECK(contains(load_text(std::string("[component.a]\ndown_when = ") + wrong + "\n").errors, "component.a.down_when: not understood"));
}

TEST_CASE("an RPO holds for what is protected, or says so itself") {
  const std::string survives = "survives = [\"host\", \"region\"]\n";
  const auto by_default =
      sound("[recovery]\nrpo = { host = \"5m\", region = \"24h\" }\n[component.api]\n" + one_probe + archive + survives);
  CHECK(by_default->rpo_of("database", DisasterClass::host) == minutes{5});
  CHECK(by_default->rpo_of("database", DisasterClass::region) == hours{24});
  CHECK(by_default->rpo_of("database", DisasterClass::logical) == std::nullopt);
  CHECK(by_default->components.at("api").rpo.empty());

  const auto own = load_text("[component.database]\nrpo = \"10m\"\n" + archive + survives);
  REQUIRE(own.settings);
  CHECK(own.settings->rpo_of("database", DisasterClass::host) == minutes{10});
  CHECK(own.settings->rpo_of("database", DisasterClass::logical) == minutes{10});
  CHECK(contains(own.warnings, "drwatch.toml:2:7: warning: component.database.rpo: no source survives the class 'logical'"));
  CHECK_FALSE(contains(own.warnings, "no source survives the class 'host'"));
}

TEST_CASE("a backup probe says how often points come, and who confirms what it claims") {
  const std::string claims = archive + "survives = [\"host\"]\nevery = \"24h\"\nconfirmed_by = \"repository\"\n";
  const std::string sees =
      "[probe.repository]\ncomponent = \"database\"\nkind = \"backup\"\nreads = \"pg_stat_archiver\"\ndsn = \"host=db\"\n"
      "protects = \"database\"\nsurvives = [\"host\"]\n";
  const auto s = sound("[component.database]\n" + claims + sees);
  CHECK(s->probes.at("archive").backup->every == hours{24});
  CHECK(s->probes.at("archive").backup->confirmed_by == "repository");
  CHECK(s->probes.at("repository").backup->every == std::nullopt);
  CHECK(s->probes.at("repository").backup->confirmed_by.empty());
}

TEST_CASE("what can never be met is said before it runs: a daily dump against an hour") {
  const std::string dump = archive + "survives = [\"host\"]\nevery = \"24h\"\n";
  const std::string rpo = "[component.database]\nrpo = { host = \"1h\" }\n";
  CHECK(contains(
      load_text(rpo + dump).warnings,
      "component.database.rpo: cannot be met for the class 'host': archive, the best source, brings a new point every 1d, the RPO is 1h"));
  CHECK_FALSE(contains(load_text("[component.database]\nrpo = { host = \"24h\" }\n" + dump).warnings, "cannot be met for"));
  CHECK(contains(load_text(rpo + archive + "survives = [\"host\"]\ninterval = \"2h\"\n").warnings, "is read every 2h"));
  // One that brings points as they come may meet it, and one that survives another class does not help.
  const std::string other =
      "[probe.other]\ncomponent = \"database\"\nkind = \"backup\"\nreads = \"pg_stat_archiver\"\ndsn = \"host=db\"\n"
      "protects = \"database\"\nsurvives = ";
  CHECK_FALSE(contains(load_text(rpo + dump + other + "[\"host\"]\n").warnings, "cannot be met for"));
  CHECK(contains(load_text(rpo + dump + other + "[\"region\"]\n").warnings, "cannot be met for"));
}

TEST_CASE("Supabase's daily backups meet no RPO of an hour, unless point-in-time recovery is asked for") {
  const std::string daily =
      "[probe.daily]\ncomponent = \"database\"\nkind = \"backup\"\nreads = \"supabase\"\nproject = \"abc\"\ntoken = { env = "
      "\"DRWATCH_TEST_KEY\" }\nprotects = \"database\"\nsurvives = [\"host\"]\n";
  const auto told = [&](const std::string& rpo, const std::string& more) {
    return contains(load_text("[component.database]\nrpo = { host = \"" + rpo + "\" }\n" + more).warnings,
                    "component.database.rpo: cannot be met for the class 'host' by daily backups: daily reads Supabase's");
  };
  CHECK(contains(load_text("[component.database]\nrpo = { host = \"1h\" }\n" + daily).warnings,
                 "by daily backups: daily reads Supabase's and does not ask for point-in-time recovery, the RPO is 1h"));
  CHECK(told("1h", daily));
  CHECK(told("1h", daily + "pitr = false\n"));
  CHECK_FALSE(told("1h", daily + "pitr = true\n"));
  CHECK_FALSE(told("24h", daily));
  CHECK_FALSE(told("1h", daily + archive + "survives = [\"host\"]\n"));
  CHECK(told("1h", daily + archive + "survives = [\"region\"]\n"));
  CHECK_FALSE(told("1h", daily + "every = \"24h\"\n"));  // said already, by what it says itself
}

TEST_CASE("an RPO that is over before its only source could be mended") {
  const std::string host = "survives = [\"host\"]\n";
  const auto with = [&](const std::string& fix, const std::string& rpo) {
    return load_text("[recovery]\ntime_to_fix = \"" + fix + "\"\n[component.database]\nrpo = { host = \"" + rpo + "\" }\n" + archive + host)
        .warnings;
  };
  CHECK(contains(with("30m", "20m"),
                 "component.database.rpo: is over before archive could be mended, the only source that survives the class 'host': "
                 "time_to_fix is 30m, the RPO is 20m"));
  CHECK_FALSE(contains(with("30m", "31m"), "could be mended"));
  CHECK_FALSE(contains(with("5m", "20m"), "could be mended"));
  const std::string second =
      "[probe.second]\ncomponent = \"database\"\nkind = \"backup\"\nreads = \"pg_stat_archiver\"\ndsn = \"host=db\"\n"
      "protects = \"database\"\n";
  CHECK_FALSE(
      contains(load_text("[component.database]\nrpo = { host = \"20m\" }\n" + archive + host + second + host).warnings, "could be mended"));
}

TEST_CASE("working hours are a cron expression of whole hours, with a zone") {
  const auto s = sound("[recovery]\nworking_hours = \"* 9-17 * * mon-fri\"\ntimezone = \"America/Asuncion\"\n");
  REQUIRE(s->recovery.working_hours);
  const auto at_work = [&](const char* time) { return s->recovery.working_hours->due_in_minute_of(*parse_time(time)); };
  CHECK_FALSE(at_work("2026-03-02T11:59:59.999Z"));  // 8:59 there
  CHECK(at_work("2026-03-02T12:00:00Z"));
  CHECK(at_work("2026-03-02T20:59:59Z"));
  CHECK_FALSE(at_work("2026-03-02T21:00:00Z"));
  CHECK_FALSE(at_work("2026-03-01T15:00:00Z"));  // a Sunday
  CHECK_FALSE(sound("[recovery]\nrto = \"2h\"\n")->recovery.working_hours);
  CHECK(sound("[recovery]\nrto = \"2h\"\n")->recovery.rto == hours{2});
  CHECK(sound("[recovery]\nrpo = { host = \"2h\" }\n")->recovery.rpo.size() == 1);
  CHECK(contains(load_text("[recovery]\nworking_hours = \"30 9-17 * * mon-fri\"\n").errors, "working hours are whole hours"));
  CHECK(
      contains(load_text("[recovery]\nworking_hours = \"* 9-25 * * mon-fri\"\n").errors, "recovery.working_hours: not a cron expression"));
  CHECK(contains(load_text("[recovery]\nworking_hours = \"* 9-17 * * 1-5\"\ntimezone = \"Mars/Olympus\"\n").errors, "is not a time zone"));
  CHECK(contains(load_text("[recovery]\ntimezone = \"UTC\"\n").errors, "a time zone is for 'working_hours'"));
}

TEST_CASE("a backup that protects its own component says nothing about that component's health") {
  const auto loaded = load_text("[component.database]\n[component.backups]\n" + archive + "survives = [\"host\"]\n");
  REQUIRE(loaded.settings);
  CHECK(loaded.settings->components.at("database").probes.empty());
  CHECK(loaded.settings->components.at("database").protected_by == Texts{"archive"});
  CHECK(contains(loaded.warnings, "component.database: no probe watches it"));
  const auto elsewhere = sound(
      "[component.database]\n[component.backups]\n[probe.archive]\ncomponent = \"backups\"\nkind = \"backup\"\n"
      "reads = \"pg_stat_archiver\"\ndsn = \"host=db\"\nprotects = \"database\"\nsurvives = [\"host\"]\n");
  CHECK(elsewhere->components.at("backups").probes == Texts{"archive"});
}

TEST_CASE("jobs by schedule and by period") {
  setenv("DRWATCH_TEST_KEY", "a-key", 1);
  const std::string head =
      "[component.cron]\n[probe.job]\ncomponent = \"cron\"\nkind = \"heartbeat\"\nkey = { env = \"DRWATCH_TEST_KEY\" }\n";
  const auto by_period = sound(head + "period = \"15m\"\nmax_success_age = \"2h\"\n")->probes.at("job").job;
  REQUIRE(by_period);
  CHECK(by_period->period == minutes{15});
  CHECK_FALSE(by_period->schedule);
  CHECK(by_period->start_grace == minutes{5});
  CHECK_FALSE(by_period->max_runtime);
  CHECK(by_period->key.reveal() == "a-key");
  const auto by_schedule = sound(head + "schedule = \"@daily\"\n")->probes.at("job").job;
  REQUIRE(by_schedule);
  CHECK(by_schedule->schedule->zone() == "UTC");
  CHECK(contains(load_text(head + "period = \"15m\"\ntimezone = \"UTC\"\n").errors, "a time zone is for a schedule"));
}

TEST_CASE("maintenance once, with an end or a length") {
  const std::string head = "[component.database]\n[maintenance.w]\ncomponents = [\"database\"]\nfrom = 2026-03-01T02:00:00Z\n";
  CHECK(sound(head)->maintenance.at("w").lasts == hours{1});
  CHECK(sound(head + "lasts = \"90m\"\n")->maintenance.at("w").until == parse_time("2026-03-01T03:30:00Z"));
  CHECK(sound(head + "until = 2026-03-01T05:00:00+01:00\n")->maintenance.at("w").lasts == hours{2});
  CHECK(contains(load_text(head + "until = 2026-03-01T01:00:00Z\n").errors, "the window ends before it begins"));
  CHECK(contains(load_text(head + "until = 2026-03-01T03:00:00Z\nlasts = \"1h\"\n").errors, "an end or a length, not both"));
}

TEST_CASE("maintenance names components, places and sets of them") {
  setenv("DRWATCH_TEST_KEY", "a-key", 1);
  const auto window = [](const std::string& name) {
    return load_text(
        "[component.database]\nlies_in = [\"site\"]\n[component.api]\nlies_in = [\"site\"]\n[probe.beat]\nkind = \"heartbeat\"\n"
        "component = \"api\"\nperiod = \"1h\"\nkey = { env = \"DRWATCH_TEST_KEY\" }\n[set.both]\nmembers = [\"database\", \"api\"]\n"
        "[set.alone]\nmembers = [\"beat\"]\n[maintenance.w]\ncomponents = [\"" +
        name + "\"]\nfrom = 2026-03-01T02:00:00Z\n");
  };
  for (const char* name : {"database", "site", "both"}) {
    CAPTURE(name);
    CHECK(window(name).errors.empty());
  }
  CHECK(contains(window("alone").errors, "maintenance.w.components"));
  CHECK(contains(window("siet").errors, "did you mean 'site'?"));
  const auto settings = window("site").settings;
  REQUIRE(settings);
  CHECK(components_in(*settings, "site") == std::vector<std::string>{"api", "database"});
  CHECK(components_in(*settings, "api") == std::vector<std::string>{"api"});
  CHECK(components_in(*settings, "alone").empty());
}

TEST_CASE("maintenance again and again has an end") {
  const auto window = [](const std::string& schedule, const std::string& lasts) {
    return load_text("[component.database]\n[maintenance.w]\ncomponents = [\"database\"]\nschedule = \"" + schedule + "\"\nlasts = \"" +
                     lasts + "\"\n");
  };
  const auto endless = [&](const std::string& schedule, const std::string& lasts) {
    return contains(window(schedule, lasts).errors, "maintenance.w.schedule: each window lasts");
  };
  CHECK(endless("0 * * * *", "1h"));
  CHECK(endless("0 0 * * *", "24h"));
  CHECK(endless("0 3 * * sat,sun", "24h"));
  CHECK(endless("0 0 1-2 7 *", "24h"));  // once a year
  CHECK_FALSE(endless("0 * * * *", "59m"));
  CHECK_FALSE(endless("0 3 * * sun", "24h"));
  CHECK(contains(window("0,30 2 * * *", "45m").warnings, "the next may begin before that is over: up to 1h15m without a break"));
  CHECK_FALSE(contains(window("0,30 2 * * *", "20m").warnings, "without a break"));
}

TEST_CASE("a schedule and its zone are told apart when both are wrong") {
  const auto errors = load_text(
                          "[component.cron]\n[probe.job]\ncomponent = \"cron\"\nkind = \"heartbeat\"\nschedule = \"0 25 * * *\"\n"
                          "timezone = \"Mars/Olympus\"\nkey = { env = \"DRWATCH_TEST_KEY\" }\n")
                          .errors;
  CHECK(contains(errors, "probe.job.schedule: not a cron expression"));
  CHECK(contains(errors, "probe.job.timezone: 'Mars/Olympus' is not a time zone"));
}

TEST_CASE("a channel on this machine may be written plainly") {
  const auto s = sound("[channel.pager]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:8080/page\"\n");
  CHECK(s->channels.at("pager").url.reveal() == "http://127.0.0.1:8080/page");
}

TEST_CASE("paths are relative to the file that names them, and addresses lose their last slash") {
  const Folder folder;
  folder.write("drwatch.toml", "[journal]\npath = \"state/../journal.db\"\n[server]\npublic_url = \"https://example.org/\"\n");
  const auto loaded = load(folder);
  REQUIRE(loaded.settings);
  CHECK(loaded.settings->journal.path == folder.path("journal.db"));
  CHECK(loaded.settings->server.public_url == "https://example.org");
}

TEST_CASE("a fingerprint changes with its probe and with nothing else") {
  setenv("DRWATCH_TEST_SECRET", "host=db password=one", 1);
  const std::string dsn = "[component.d]\n[probe.p]\ncomponent = \"d\"\nkind = \"postgres\"\ndsn = { env = \"DRWATCH_TEST_SECRET\" }\n";
  const auto fingerprint = [](const std::string& text) { return sound(text)->probes.at("p").fingerprint; };
  const auto before = fingerprint(dsn);
  CHECK(fingerprint(dsn) == before);
  CHECK(fingerprint("# moved\n\n" + dsn + "[signal.s]\n") == before);
  CHECK(fingerprint(dsn + "interval = \"31s\"\n") != before);
  CHECK(fingerprint(dsn + "[defaults]\nretry = \"11s\"\n") != before);
  CHECK(fingerprint(dsn + "[witness]\nprobes = [\"p\"]\n") != before);
  setenv("DRWATCH_TEST_SECRET", "host=db password=two", 1);
  CHECK(fingerprint(dsn) != before);  // rotated
  CHECK(before.size() == 64);
  CHECK(sound(dsn)->hash == sound(dsn)->hash);
  CHECK(sound(dsn)->hash != sound(dsn + "\n")->hash);
}

TEST_CASE("a renewed certificate makes its probe a changed one") {
  const Folder folder;
  folder.write(
      "drwatch.toml",
      "[component.a]\n[probe.p]\ncomponent = \"a\"\nkind = \"http\"\ntarget = \"https://example.org/\"\ntls = { ca = \"ca.pem\" }\n");
  const auto fingerprint = [&](const char* text) {
    folder.write("ca.pem", text);
    const auto loaded = load(folder);
    for (const auto& error : loaded.errors) FAIL_CHECK(error);
    REQUIRE(loaded.settings);
    return loaded.settings->probes.at("p").fingerprint;
  };
  CHECK(fingerprint("-----BEGIN CERTIFICATE-----\none") != fingerprint("-----BEGIN CERTIFICATE-----\ntwo"));
}

TEST_CASE("what a probe's table names as secrets, and how it was written") {
  setenv("WRITTEN_TOKEN", "t0p-secret", 1);
  setenv("WRITTEN_BODY", "hush-hush", 1);
  const auto settings = sound(
      "[component.a]\n[probe.p]\ncomponent = \"a\"\nkind = \"http\"\ninterval = \"1m\"\ntarget = \"https://example.org/\"\nstatus = [200, "
      "204]\n"
      "headers = { accept = \"text/plain\", x-key = { env = \"WRITTEN_TOKEN\" } }\nmethod = \"POST\"\nbody = { env = \"WRITTEN_BODY\" }\n"
      "[probe.q]\ncomponent = \"a\"\nkind = \"tcp\"\ntarget = \"example.org:25\"\n");
  const auto& probe = settings->probes.at("p");
  Texts secrets, written;
  for (const auto& secret : probe.secrets) secrets.push_back(secret.reveal());
  for (const auto& [key, value] : probe.written) written.push_back(key + " = " + value);
  std::sort(secrets.begin(), secrets.end());
  CHECK(secrets == Texts{"hush-hush", "t0p-secret"});
  CHECK(written == Texts{"target = \"https://example.org/\"", "status = [200, 204]",
                         "headers = { accept = \"text/plain\", x-key = { env = \"WRITTEN_TOKEN\" } }", "method = \"POST\"",
                         "body = { env = \"WRITTEN_BODY\" }"});
  CHECK(settings->probes.at("q").secrets.empty());
}

}  // namespace
}  // namespace drwatch::test::settings_test
