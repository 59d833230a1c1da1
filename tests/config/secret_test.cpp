// SPDX-License-Identifier: Apache-2.0
#include "config/rows/secret.hpp"

#include "tests/config/loaded.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

namespace drwatch::test::secret_test {
namespace {

constexpr const char* value = "s3cr3t-of-this-test";

std::string token(const std::string& place) { return "[server.tokens.oncall]\nrole = \"responder\"\nsecret = " + place + "\n"; }

Secret secret_of(const Loaded& loaded) {
  REQUIRE(loaded.settings);
  return loaded.settings->server.tokens.at("oncall").secret;
}

TEST_CASE("a secret is read from the environment, a file or a credential") {
  setenv("DRWATCH_TEST_SECRET", value, 1);
  const auto env = secret_of(load_text(token("{ env = \"DRWATCH_TEST_SECRET\" }")));
  CHECK(env.reveal() == value);
  CHECK(env.from() == Secret::From::env);
  CHECK(env.name() == "DRWATCH_TEST_SECRET");

  const Folder folder;
  folder.write("drwatch.toml", token("{ file = \"keys/token\" }"));
  folder.write("keys/token", std::string(value) + "\n");
  CHECK(secret_of(load(folder)).reveal() == value);  // one newline less
  folder.write("keys/token", std::string(value) + "\n\n");
  CHECK(secret_of(load(folder)).reveal() == std::string(value) + "\n");  // but only one

  folder.write("drwatch.toml", token("{ credential = \"token\" }"));
  folder.write("credentials/token", value);
  setenv("CREDENTIALS_DIRECTORY", folder.path("credentials").c_str(), 1);
  CHECK(secret_of(load(folder)).reveal() == value);
  folder.write("drwatch.toml", token("{ credential = \"../keys/token\" }"));  // must not lead out of the folder
  CHECK_FALSE(secret_of(load(folder)).present());
  unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_CASE("a missing secret is a warning in check and an error in serve") {
  unsetenv("DRWATCH_TEST_MISSING");
  unsetenv("CREDENTIALS_DIRECTORY");
  const Folder folder;
  folder.write("empty", "\n");
  folder.write("large", std::string((1 << 20) + 1, 'x'));
  const std::pair<std::string, std::string> missing[] = {
      {"{ env = \"DRWATCH_TEST_MISSING\" }", "the secret's environment variable 'DRWATCH_TEST_MISSING': is not set"},
      {"{ credential = \"token\" }", "the secret's credential 'token': is not there: $CREDENTIALS_DIRECTORY is not set"},
      {"{ file = \"/nowhere/token\" }", "the secret's file '/nowhere/token': No such file or directory"},
      {"{ file = \"empty\" }", "is empty"},
      {"{ file = \"large\" }", "is larger than 1 MiB"},
      {"{ file = \".\" }", "is a folder"},
  };
  for (const auto& [place, why] : missing) {
    CAPTURE(place);
    folder.write("drwatch.toml", token(place));
    const auto checked = load(folder);
    CHECK(contains(checked.warnings, why));
    CHECK_FALSE(secret_of(checked).present());
    CHECK(secret_of(checked).configured());
    const auto served = load(folder, {.secrets_must_exist = true});
    CHECK(served.settings == nullptr);
    REQUIRE(served.errors.size() == 1);
    CHECK(served.errors[0].starts_with("drwatch.toml:3:10: error: server.tokens.oncall.secret: "));
    CHECK(contains(served.errors, why));
  }
}

TEST_CASE("a secret that is too short to be hidden is a warning, and nothing of it is shown") {
  const std::string probe = "[component.d]\n[probe.p]\ncomponent = \"d\"\nkind = \"postgres\"\ndsn = { env = \"DRWATCH_TEST_SHORT\" }\n";
  const std::pair<const char*, bool> secrets[] = {{"host=db password=hunter", false},
                                                  {"host=db password=hunt dbname=application", true},
                                                  {"postgres://u:h%40nt@db/x", true},
                                                  {"host=/run/postgresql", false},
                                                  {"postgres://u:hunter@2@db/x", false}};
  for (const auto& [secret, is_short] : secrets) {
    CAPTURE(secret);
    setenv("DRWATCH_TEST_SHORT", secret, 1);
    const auto loaded = load_text(probe);
    CHECK(contains(loaded.warnings, "probe.p.dsn: the secret 'DRWATCH_TEST_SHORT' has fewer than 6 bytes") == is_short);
    CHECK_FALSE(contains(loaded.warnings, "hunt"));
  }
  setenv("DRWATCH_TEST_SHORT", "short", 1);
  CHECK(contains(load_text(token("{ env = \"DRWATCH_TEST_SHORT\" }")).warnings, "use a longer one"));
  setenv("DRWATCH_TEST_SHORT", "longer", 1);
  CHECK_FALSE(contains(load_text(token("{ env = \"DRWATCH_TEST_SHORT\" }")).warnings, "use a longer one"));
}

TEST_CASE("no problem shows a secret, however it is written") {
  const std::string plain = value;
  const std::string quoted = "\"" + plain + "\"";
  const std::string mistakes[] = {
      token(quoted),
      token("{ value = " + quoted + " }"),
      token("[" + quoted + "]"),
      token("{ env = " + quoted + ", file = " + quoted + " }"),
      token(plain),         // without quotes
      token("\"" + plain),  // with half of them
      "[channel.pager]\nkind = \"webhook\"\nurl = \"https://hooks.example.org/" + plain + "\"\n",
      "[deadman]\nurl = \"https://deadman.example.org/" + plain + "\"\n",
      "[alertmanager]\nurls = [\"http://user:" + plain + "@127.0.0.1:9093\"]\n",
      "[server]\npublic_url = \"https://user:" + plain + "@example.org\"\n",
      "[component.d]\n[probe.p]\ncomponent = \"d\"\nkind = \"postgres\"\ndsn = \"host=db password=" + plain + "\"\n",
      "[component.d]\n[probe.p]\ncomponent = \"d\"\nkind = \"postgres\"\ndsn = \"postgres://u:" + plain + "@db/x\"\n",
      "[component.c]\n[probe.p]\ncomponent = \"c\"\nkind = \"heartbeat\"\nperiod = \"1h\"\nkey = " + quoted + "\n",
  };
  for (const auto& text : mistakes) {
    const auto loaded = load_text(text);
    CAPTURE(text);
    CHECK(loaded.settings == nullptr);
    CHECK_FALSE(loaded.errors.empty());
    for (const auto& problem : loaded.problems.all()) {
      CHECK(config::problem_text(problem).find(plain) == std::string::npos);
      CHECK(problem.key.find(plain) == std::string::npos);
    }
  }
}

TEST_CASE("an unfit key is not repeated either, and two equal tokens are told apart") {
  setenv("DRWATCH_TEST_SECRET", "a/key?of=this test", 1);
  const auto key = load_text(
      "[component.c]\n[probe.p]\ncomponent = \"c\"\nkind = \"heartbeat\"\nperiod = \"1h\"\nkey = { env = \"DRWATCH_TEST_SECRET\" }\n");
  CHECK(contains(key.errors, "the key cannot stand in an address"));
  CHECK_FALSE(contains(key.errors, "this test"));

  const auto twice = load_text(
      "[server.tokens.one]\nsecret = { env = \"DRWATCH_TEST_SECRET\" }\n[server.tokens.two]\nsecret = { env = \"DRWATCH_TEST_SECRET\" }\n");
  CHECK(contains(twice.warnings, "drwatch.toml:4:10: warning: server.tokens.two.secret: the same token as 'one'"));
}

}  // namespace
}  // namespace drwatch::test::secret_test
