// SPDX-License-Identifier: Apache-2.0
// What check and serve see on the machine: they say the same, but that what is not there yet is an error for serve alone.
#include "daemon/commands/loading.hpp"
#include "probes/probe.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace look_test {

using namespace drwatch;

namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    char name[] = "/tmp/drwatch-look-XXXXXX";
    REQUIRE(mkdtemp(name));
    path = name;
    std::filesystem::create_directory(path / "scenarios");
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
};

std::string seen(const Folder& folder, const std::string& text, bool serve) {
  folder.write("drwatch.toml", text);
  config::Problems problems;
  const auto kinds = kind_schemas();
  config::load((folder.path / "drwatch.toml").string(), kinds, commands::with_a_look(serve), problems);
  std::string all;
  for (const auto& problem : problems.all()) all += config::problem_text(problem).substr(folder.path.string().size() + 1) + "\n";
  return all;
}

bool has(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("a folder for the journal and a certificate that are not there stop serve, and check says so") {
  const Folder folder;
  const std::string text = "[server]\ntls = { certificate = \"cert.pem\", key = \"key.pem\" }\n[journal]\npath = \"nowhere/journal.db\"\n";
  const std::string checked = seen(folder, text, false), served = seen(folder, text, true);
  CHECK(has(checked, "drwatch.toml:4:8: warning: journal.path: the folder"));
  CHECK(has(served, "drwatch.toml:4:8: error: journal.path: the folder"));
  CHECK(has(checked, "warning: server.tls.certificate: "));
  CHECK(has(served, "error: server.tls.key: "));
  // Rubbish is an error for both.
  folder.write("cert.pem", "rubbish");
  folder.write("key.pem", "rubbish");
  for (const bool serve : {false, true}) CHECK(has(seen(folder, text, serve), "error: server.tls.certificate: cannot use the certificate"));
}

TEST_CASE("what is missed only when it is needed is a warning") {
  const Folder folder;
  folder.write("scenarios/work.toml",
               "title = \"Work\"\nsummary = \"By hand.\"\n[[step]]\nid = \"run\"\ntitle = \"Run\"\nrun = [\"/usr/lib/nowhere/run\"]\n");
  const std::string text =
      "[journal]\npath = \"journal.db\"\n[alertmanager]\nfallback = [\"modem\", \"shell\"]\n[channel.modem]\nkind = \"command\"\ncommand = "
      "[\"no-such-modem\"]\n"
      "[channel.shell]\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"true\"]\n[component.web]\n[probe.page]\ncomponent = \"web\"\nkind "
      "= \"http\"\n"
      "target = \"https://127.0.0.1/\"\ntls = { ca = \"ca.pem\" }\n[probe.disk]\ncomponent = \"web\"\nkind = \"command\"\nrun = "
      "[\"/usr/lib/nowhere/check_disk\"]\n"
      "[scenarios]\npath = \"scenarios\"\n";
  for (const bool serve : {false, true}) {
    const std::string told = seen(folder, text, serve);
    CAPTURE(told);
    CHECK(has(told, "warning: channel.modem.command: there is no program 'no-such-modem' that can be run"));
    CHECK(has(told, "warning: probe.disk.run: there is no program '/usr/lib/nowhere/check_disk'"));
    CHECK(has(told, "there is no program '/usr/lib/nowhere/run'"));
    CHECK(has(told, "ca.pem' is not there"));
    CHECK_FALSE(has(told, "channel.shell"));
    CHECK_FALSE(has(told, "error"));
  }
}

}  // namespace look_test
