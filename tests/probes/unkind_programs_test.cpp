// SPDX-License-Identifier: Apache-2.0
// Programs that mean it no good (monitoring plugins, a pgbackrest), and folders of dumps.
#include "tests/probes/unkind.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace unkind_programs_test {

using namespace drwatch::testing;

namespace {

struct Manner {
  const char* what;
  const char* script;
};

const Manner manners[] = {
    {"prints without end", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"},
    {"prints errors without end", "cat /dev/zero >&2"},
    {"prints on both without end", "cat /dev/zero & cat /dev/zero >&2"},
    {"prints a line without end", "head -c 20000000 /dev/zero | tr '\\0' x; exit 2"},
    {"prints brackets", "head -c 1000000 /dev/zero | tr '\\0' '['; exit 2"},
    {"prints zero bytes", "head -c 10000 /dev/zero; exit 2"},
    {"prints noise", "head -c 50000 /dev/urandom; exit 2"},
    {"prints performance data without end", "while :; do printf \"| 'a'=1;;;; \"; done | head -c 1000000; exit 2"},
    {"says nothing", "exit 2"},
    {"ignores TERM", "trap '' TERM; while :; do sleep 0.05; done"},
    {"ignores TERM and so do its children", "trap '' TERM; (trap '' TERM; while :; do sleep 0.05; done) & wait"},
    {"leaves children behind", "sleep 30 & sleep 30 & exit 2"},
    {"leaves children behind without its streams", "sleep 30 >/dev/null 2>&1 </dev/null & exit 2"},
    {"closes its streams and sleeps", "exec >&- 2>&- <&-; sleep 30"},
    {"stops itself", "kill -STOP $$"},
    {"kills itself", "kill -SEGV $$"},
    {"forks on and on", "i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done; wait"},
    {"never reads what it is told", "sleep 30"},
    {"ends with a code that is none", "exit 77"},
};

// A pgbackrest whose answers a test wrote.
std::function<void(const TempFolder&)> program(const std::string& script) {
  return [script](const TempFolder& folder) { ::chmod(folder.file("pgbackrest", "#!/bin/sh\n" + script + "\n").c_str(), 0755); };
}

std::string quoted(const std::string& script) {
  std::string made = "\"";
  for (const char c : script) made += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return made + "\"";
}

void add_pgbackrest(std::vector<Unkind>& rows) {
  const std::string toml = "reads = \"pgbackrest\"\nstanza = \"main\"\ncommand = [\"{folder}/pgbackrest\"]";
  for (const Manner& manner : manners) rows.push_back({"backup", manner.what, toml, nullptr, nullptr, program(manner.script)});
  const char* const answers[] = {"[]", "null", "[{\"name\":\"main\"}]",
                                 "[{\"name\":\"main\",\"status\":7,\"backup\":{},\"db\":\"x\",\"archive\":[[]]}]",
                                 "[{\"name\":\"main\",\"status\":{\"code\":0,\"message\":\"ok\"},\"backup\":[{\"label\":1,\"error\":\"no\","
                                 "\"timestamp\":{\"start\":1e300,\"stop\":-1e300}}],"
                                 "\"db\":[{\"id\":99999999999999999999999,\"system-id\":-1}],\"archive\":[null],\"repo\":[]}]"};
  for (const char* answer : answers)
    rows.push_back({"backup", "answers in another shape", toml, nullptr, nullptr, program("printf '%s' '" + std::string(answer) + "'")});
  rows.push_back({"backup", "nests deeply in good beginnings", toml, nullptr, nullptr,
                  program("printf '[{\"name\":\"main\",\"status\":'; head -c 1000000 /dev/zero | tr '\\0' '['")});
}

void many_names(const TempFolder& folder) {
  for (int i = 0; i < 20'000; ++i) {
    const std::string path = folder.path() + "/" + std::to_string(i) + ".dump";
    if (::mknod(path.c_str(), S_IFREG | 0644, 0) != 0) return;
  }
}

void add_folders(std::vector<Unkind>& rows) {
  const std::string toml = "reads = \"file\"\nfolder = \"{folder}\"\npattern = \"*.dump\"\nsettles = \"0s\"\n";
  const auto add = [&](const char* what, std::function<void(const TempFolder&)> furnish) {
    rows.push_back({"backup", what, toml, nullptr, nullptr, std::move(furnish)});
  };
  add("holds nothing", [](const TempFolder&) {});
  add("holds noise", [](const TempFolder& folder) { folder.file("a.dump", noise(100'000)); });
  add("holds an empty dump", [](const TempFolder& folder) { folder.file("a.dump", ""); });
  add("holds the beginning of a dump",
      [](const TempFolder& folder) { folder.file("a.dump", std::string("PGDMP\x01\x0e\x00\x04\x08\x01", 11) + noise(5000)); });
  add("holds the beginning of a plain dump",
      [](const TempFolder& folder) { folder.file("a.dump", "--\n-- PostgreSQL database dump\n--\n\nSET x = 1;\n"); });
  add("holds a broken gzip", [](const TempFolder& folder) { folder.file("a.dump", std::string("\x1f\x8b\x08\x00", 4) + noise(5000)); });
  add("holds a pipe for a dump", [](const TempFolder& folder) { ::mkfifo((folder.path() + "/a.dump").c_str(), 0600); });
  add("holds a link in a circle",
      [](const TempFolder& folder) { [[maybe_unused]] const int made = ::symlink("a.dump", (folder.path() + "/a.dump").c_str()); });
  add("holds a link to nothing's end",
      [](const TempFolder& folder) { [[maybe_unused]] const int made = ::symlink("/dev/zero", (folder.path() + "/a.dump").c_str()); });
  add("holds a sidecar that nests deeply", [](const TempFolder& folder) {
    folder.file("a.dump", noise(1000));
    folder.file("a.dump.json", nested(1'000'000));
  });
  add("holds a pipe for a sidecar", [](const TempFolder& folder) {
    folder.file("a.dump", noise(1000));
    ::mkfifo((folder.path() + "/a.dump.json").c_str(), 0600);
  });
  add("holds a sidecar of another shape", [](const TempFolder& folder) {
    folder.file("a.dump", noise(1000));
    folder.file("a.dump.json", R"({"started_at":1e999,"finished_at":[],"size":-1,"sha256":7,"rc":"0"})");
  });
  add("holds twenty thousand names", many_names);
}

}  // namespace

std::vector<Unkind> all() {
  std::vector<Unkind> rows;
  for (const Manner& manner : manners)
    rows.push_back({"command", manner.what,
                    "run = [\"/bin/sh\", \"-c\", " + quoted(manner.script) + "]\ninput = \"" + std::string(50'000, 'x') + "\"", nullptr,
                    nullptr});
  rows.push_back({"command", "is not there", "run = [\"/nonexistent/check_x\"]", nullptr, nullptr});
  rows.push_back({"command", "is no program", "run = [\"/etc/passwd\"]", nullptr, nullptr});
  add_pgbackrest(rows);
  add_folders(rows);
  return rows;
}

TEST_CASE("unkind: programs and folders") { survive(unkind_programs()); }

}  // namespace unkind_programs_test

std::vector<drwatch::testing::Unkind> drwatch::testing::unkind_programs() { return unkind_programs_test::all(); }
