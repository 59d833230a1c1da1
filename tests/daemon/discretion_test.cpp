// SPDX-License-Identifier: Apache-2.0
// What jobs, people and commands send is freed of the configuration's secrets before it is decided on, and so is the log.
#include "config/rows/encoding.hpp"
#include "daemon/secrets.hpp"
#include "tests/daemon/machine.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace discretion_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const std::string key = "0123456789abcdef";  // of the heartbeat in these tests' configuration

bool told(const Machine& m, const std::string& words) {
  return std::any_of(m.told.events.begin(), m.told.events.end(),
                     [&](const Event& e) { return e.message.find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE("what a job sends of its own key is nowhere") {
  Machine m;
  m.start();
  m.pass(minutes{1});
  REQUIRE(m.submit(Pinged{"nightly", Pinged::What::fail, key, 1, "curl https://drwatch/ping/" + key + " or " + hex_of(key) + " failed"}));
  CHECK(told(m, "curl https://drwatch/ping/*** or *** failed"));
  CHECK_FALSE(told(m, key));
  CHECK_FALSE(told(m, hex_of(key)));
}

TEST_CASE("what a person types of a secret is nowhere, of a new one from the reload on") {
  ::setenv("DRWATCH_TEST_TOKEN", "ward-round-7", 1);
  Machine m;
  m.start();
  m.pass(minutes{1});
  m.breaks("primary");
  REQUIRE(m.until([&] { return m.incident() != nullptr; }, minutes{5}));
  REQUIRE(m.submit(AddNote{m.incident()->id, "the key is " + key + ", the token ward-round-7", "oncall"}));
  CHECK(told(m, "the key is ***, the token ward-round-7"));  // not yet anybody's
  m.configuration.append("[server.tokens.new]\nsecret = { env = \"DRWATCH_TEST_TOKEN\" }\n");
  CHECK(m.reload().empty());
  REQUIRE(m.submit(AddNote{m.incident()->id, "the new token " + base64("u:ward-round-7"), "oncall"}));
  CHECK(told(m, "the new token dT***"));
  m.daemon().log().line(Importance::error, "it said ward-round-7", {{"FIELD", "ward%2Dround%2d7"}});
  CHECK(m.told.lines.back() == "it said ***");
}

TEST_CASE("what is still under way with a secret that a reload replaced does not bring it out") {
  ::setenv("DRWATCH_TEST_TOKEN", "ward-round-8", 1);
  Machine m;
  m.configuration.append("[server.tokens.new]\nsecret = { env = \"DRWATCH_TEST_TOKEN\" }\n");
  m.start();
  m.pass(minutes{1});
  m.breaks("primary");
  REQUIRE(m.until([&] { return m.incident() != nullptr; }, minutes{5}));
  for (const char* rotated : {"ward-round-9", "ward-round-9"}) {
    ::setenv("DRWATCH_TEST_TOKEN", rotated, 1);
    CHECK(m.reload().empty());
  }
  REQUIRE(m.submit(AddNote{m.incident()->id, "it had ward-round-8, now ward-round-9", "oncall"}));
  CHECK(told(m, "it had ***, now ***"));
}

TEST_CASE("the words of every input are freed of secrets, its names and ids are not") {
  const Redaction secrets = Redaction().and_also({"s3cret-value"});
  const auto free = [&](Input input) {
    hide_secrets(input, secrets);
    return input;
  };
  CHECK(std::get<CommandEnded>(free(CommandEnded{"id", "step", 0, "printed s3cret-value"})).output == "printed ***");
  CommandEnded drilled{.evidence = R"({"detail": "could not reach s3cret-value"})", .evidence_wrong = "s3cret-value: EACCES"};
  drilled = std::get<CommandEnded>(free(drilled));
  CHECK(drilled.evidence == R"({"detail": "could not reach ***"})");
  CHECK(drilled.evidence_wrong == "***: EACCES");
  RecordDrill handed_in{.evidence = R"({"detail": "s3cret-value"})"};
  CHECK(std::get<RecordDrill>(free(handed_in)).evidence == R"({"detail": "***"})");
  CHECK(std::get<SetSignal>(free(SetSignal{"s3cret-value", true, "by", "of s3cret-value"})).note == "of ***");
  CHECK(std::get<SetSignal>(free(SetSignal{"s3cret-value", true, "by", ""})).signal == "s3cret-value");
  CHECK(std::get<JournalHealth>(free(JournalHealth{true, "s3cret-value"})).message == "***");
  CHECK(std::get<ConfigurationRefused>(free(ConfigurationRefused{{"a", "s3cret-value"}})).problems[1] == "***");
  CHECK(std::get<StartMaintenance>(free(StartMaintenance{{"s3cret-value"}, hours{1}, "by", "s3cret-value"})).note == "***");
}

// A probe's secrets are collected while its table is read. Those of the other tables are named one by one, and the reference (which is held
// to the rows by a test of its own) says whether one was forgotten.
TEST_CASE("every secret that the main file can name is hidden") {
  std::ifstream reference(source_dir("/docs/configuration.md"));
  REQUIRE(reference);
  std::vector<std::string> found;
  bool main_file = false;
  for (std::string line, section; std::getline(reference, line);) {
    if (line.starts_with("## ")) main_file = line == "## The main file";
    if (line.starts_with("### `[")) section = line.substr(6, line.find(']') - 6);
    if (main_file && line.find("` | secret") != std::string::npos) found.push_back(section + "." + line.substr(3, line.find('`', 3) - 3));
  }
  const std::map<std::string, std::string> tables = {{"server.tokens.NAME.secret", "[server.tokens.one]\nsecret = "},
                                                     {"channel.NAME.url", "[channel.one]\nkind = \"webhook\"\nurl = "},
                                                     {"deadman.url", "[deadman]\nurl = "}};
  CHECK(found.size() == tables.size());
  for (const std::string& each : found) {
    CAPTURE(each);
    REQUIRE_MESSAGE(tables.contains(each), "give it a table here, and its line in daemon/secrets.cpp");
    const std::string value = "https://hooks.example.org/of-" + std::to_string(each.size());
    ::setenv("DRWATCH_TEST_ANY", value.c_str(), 1);
    Configuration configuration;
    configuration.append(tables.at(each) + "{ env = \"DRWATCH_TEST_ANY\" }\n");
    std::vector<std::string> errors;
    const auto settings = configuration.load(errors);
    REQUIRE_MESSAGE(settings, (errors.empty() ? "" : errors.front()));
    CHECK(secrets_of(*settings).hidden("called " + value + ".").find("of-" + std::to_string(each.size())) == std::string::npos);
  }
}

}  // namespace discretion_test
