// SPDX-License-Identifier: Apache-2.0
// The log as journald gets it, as a terminal shows it, and its catalog.
#include "daemon/log/log.hpp"
#include "daemon/log/queued.hpp"
#include "daemon/log/sinks.hpp"
#include "tests/alerting/real_parts.hpp"
#include "tests/skipped.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

namespace log_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

// journald's address is fixed, so a stand-in for it needs a mount namespace of its own. Runs in a forked child: true when it has one.
bool private_run_folder() {
  if (enter(Own::mounts) != 0 || mount("none", "/run", "tmpfs", 0, nullptr) != 0) return false;
  return mkdir("/run/systemd", 0755) == 0 && mkdir("/run/systemd/journal", 0755) == 0;
}

int datagram_socket_at(const std::string& path) {
  const int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
  const timeval patience{5, 0};
  setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return bind(made, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 ? made : -1;
}

std::string received(int socket) {
  std::string text(65536, '\0');
  const ssize_t size = recv(socket, text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

// One entry of journald's native protocol: NAME=value, or NAME, a length and the value when it has a newline.
std::multimap<std::string, std::string> fields_of(std::string_view text) {
  std::multimap<std::string, std::string> fields;
  while (!text.empty()) {
    const auto end = text.find('\n');
    REQUIRE(end != std::string_view::npos);
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (const auto equals = line.find('='); equals != std::string_view::npos) {
      fields.emplace(line.substr(0, equals), line.substr(equals + 1));
      continue;
    }
    REQUIRE(text.size() >= 8);
    std::uint64_t length = 0;
    std::memcpy(&length, text.data(), 8);
    REQUIRE(text.size() >= 9 + length);
    fields.emplace(line, text.substr(8, length));
    text.remove_prefix(9 + length);
  }
  return fields;
}

// What reaches journald's socket while `act` runs, as one datagram. Only where can_enter(Own::mounts).
std::string at_journald(const std::function<void()>& act) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const int journald = private_run_folder() ? datagram_socket_at("/run/systemd/journal/socket") : -1;
    if (journald < 0) _exit(3);
    act();
    const std::string text = received(journald);
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 4);
  }
  close(ends[1]);
  std::string text;
  char part[4096];
  for (ssize_t got = 0; (got = read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE_MESSAGE(WEXITSTATUS(status) != 3, "there is no stand-in for journald");
  REQUIRE(WEXITSTATUS(status) == 0);
  return text;
}

Event opened() {
  Event event;
  event.seq = 12;
  event.at = *parse_time("2026-03-01T02:11:00.250Z");
  event.kind = "incident.opened";
  event.incident = "20260301-0211-database-outage";
  event.scenario = "database-outage";
  event.message = "database-outage opened: database is down";
  return event;
}

std::string on_terminal(bool coloured, const std::function<void(Log&)>& act) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  act(*make_waiting_log(make_terminal_sink(out, coloured)));
  std::fclose(out);
  std::string copy(text, size);
  std::free(text);
  return copy;
}

std::string field(const std::multimap<std::string, std::string>& fields, const std::string& name) {
  CHECK(fields.count(name) == 1);
  const auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

}  // namespace

TEST_CASE("journald gets an event as one entry with its fields, and only those that apply") {
  if (!can_enter(Own::mounts)) return;
  const auto fields = fields_of(at_journald([] { make_waiting_log(make_journald_sink())->event(opened()); }));
  CHECK(field(fields, "MESSAGE") == "database-outage opened: database is down");
  CHECK(field(fields, "PRIORITY") == "3");
  CHECK(field(fields, "MESSAGE_ID") == message_id("incident.opened"));
  CHECK(field(fields, "DRWATCH_EVENT") == "incident.opened");
  CHECK(field(fields, "DRWATCH_SCENARIO") == "database-outage");
  CHECK(field(fields, "DRWATCH_INCIDENT") == "20260301-0211-database-outage");
  CHECK(field(fields, "SYSLOG_IDENTIFIER") == "drwatch");
  CHECK_FALSE(fields.contains("DRWATCH_PROBE"));
  CHECK_FALSE(fields.contains("DRWATCH_REASON"));
}

TEST_CASE("journald gets the reason, and a newline in a message forges no field") {
  if (!can_enter(Own::mounts)) return;
  Event event;
  event.kind = "probe.suspected";
  event.probe = "primary";
  event.component = "database";
  event.body = {{"reason", "connect"}};
  event.message = "it said: no\nPRIORITY=0\nMESSAGE_ID=x";
  const auto fields = fields_of(at_journald([&] { make_waiting_log(make_journald_sink())->event(event); }));
  CHECK(field(fields, "MESSAGE") == event.message);
  CHECK(field(fields, "PRIORITY") == "6");
  CHECK(field(fields, "DRWATCH_PROBE") == "primary");
  CHECK(field(fields, "DRWATCH_COMPONENT") == "database");
  CHECK(field(fields, "DRWATCH_REASON") == "connect");
  CHECK(reason_of(opened()).empty());
}

TEST_CASE("journald gets a line with the fields it is given") {
  if (!can_enter(Own::mounts)) return;
  const auto fields = fields_of(at_journald(
      [] { make_waiting_log(make_journald_sink())->line(Importance::warning, "degraded and going on", {{"DRWATCH_PROBE", "primary"}}); }));
  CHECK(field(fields, "MESSAGE") == "degraded and going on");
  CHECK(field(fields, "PRIORITY") == "4");
  CHECK(field(fields, "DRWATCH_PROBE") == "primary");
  CHECK_FALSE(fields.contains("MESSAGE_ID"));
}

TEST_CASE("the log goes to journald only when standard error is the stream that JOURNAL_STREAM names") {
  struct stat at{};
  REQUIRE(fstat(STDERR_FILENO, &at) == 0);
  const std::string mine = std::to_string(at.st_dev) + ":" + std::to_string(at.st_ino);
  unsetenv("JOURNAL_STREAM");
  CHECK_FALSE(stderr_is_journal());
  setenv("JOURNAL_STREAM", "1:2", 1);
  CHECK_FALSE(stderr_is_journal());
  setenv("JOURNAL_STREAM", mine.c_str(), 1);
  CHECK(stderr_is_journal());
  if (!can_enter(Own::mounts)) return;
  const auto fields = fields_of(at_journald([] { make_log()->line(Importance::info, "to journald"); }));
  CHECK(field(fields, "MESSAGE") == "to journald");
  unsetenv("JOURNAL_STREAM");
}

TEST_CASE("started by systemd while journald was away, the log goes to journald when it is back") {
  // As it is then: no stream, and nothing at standard error.
  const auto without_a_stream = [](pid_t started) {
    unsetenv("JOURNAL_STREAM");
    setenv("SYSTEMD_EXEC_PID", std::to_string(started).c_str(), 1);
    const int none = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return none >= 0 && dup2(none, STDERR_FILENO) >= 0 && journal_was_away();
  };
  CHECK(ended_in_child([&] { _exit(without_a_stream(getpid()) ? 0 : 1); }) == 0);
  // What a service began is not the service: it may want no log.
  CHECK(ended_in_child([&] { _exit(without_a_stream(getppid()) ? 1 : 0); }) == 0);
  if (!can_enter(Own::mounts)) return;
  const auto fields = fields_of(at_journald([&] {
    if (without_a_stream(getpid())) make_log()->line(Importance::info, "to journald");
  }));
  CHECK(field(fields, "MESSAGE") == "to journald");
}

TEST_CASE("a terminal gets one line an event, at the event's time, with its names") {
  CHECK(on_terminal(false, [](Log& log) { log.event(opened()); }) ==
        "2026-03-01T02:11:00.250Z error   incident.opened  database-outage opened: database is down  "
        "(scenario=database-outage incident=20260301-0211-database-outage)\n");
  const std::string line = on_terminal(false, [](Log& log) { log.line(Importance::warning, "hm", {{"A", "b"}}); });
  CHECK(line.ends_with("Z warning hm  (A=b)\n"));
  const std::string coloured = on_terminal(true, [](Log& log) { log.event(opened()); });
  CHECK(coloured.find("\x1b[") != std::string::npos);
}

TEST_CASE("colour is for terminals, and NO_COLOR is respected") {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(terminal >= 0);
  std::FILE* out = fdopen(terminal, "w");
  unsetenv("NO_COLOR");
  setenv("TERM", "xterm", 1);
  CHECK(wants_colour(out));
  setenv("NO_COLOR", "1", 1);
  CHECK_FALSE(wants_colour(out));
  unsetenv("NO_COLOR");
  setenv("TERM", "dumb", 1);
  CHECK_FALSE(wants_colour(out));
  std::fclose(out);
  std::FILE* nowhere = std::fopen("/dev/null", "w");
  CHECK_FALSE(wants_colour(nowhere));
  std::fclose(nowhere);
}

TEST_CASE("what a failing server sends does not write to the operator's terminal") {
  CHECK(escaped("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(escaped("\x1b[2J\x07\x7f") == "\\x1b[2J\\x07\\x7f");
  CHECK(escaped("\xC2\x9B"
                "31m") == "\\xc2\\x9b31m");
  CHECK(escaped("caf\xE9") == "caf\\xe9");
  CHECK(escaped("caf\xC3\xA9 \xE2\x82\xAC") == "caf\xC3\xA9 \xE2\x82\xAC");
  Event event = opened();
  event.message = "it said \x1b]0;owned\x07\nfake line";
  const std::string line = on_terminal(false, [&](Log& log) { log.event(event); });
  CHECK(line.find('\x1b') == std::string::npos);
  CHECK(std::ranges::count(line, '\n') == 1);
}

TEST_CASE("a message id is derived from the kind and is the same for ever") {
  CHECK(message_id("incident.opened") == "bde8017f1e764e2cb3b4ebca6f31ac53");
  std::set<std::string> ids;
  for (const EventKind& kind : event_kinds()) ids.insert(message_id(kind.name));
  CHECK(ids.size() == event_kinds().size());
  for (const std::string& id : ids) {
    CHECK(id.size() == 32);
    CHECK(id[12] == '4');
    CHECK(std::string("89ab").find(id[16]) != std::string::npos);
  }
}

TEST_CASE("the shipped catalog is the one that the table of event kinds makes") {
  const std::string path = drwatch::testing::source_dir("/systemd/drwatch.catalog");
  if (std::getenv("DRWATCH_WRITE_CATALOG") != nullptr) write_file(path, message_catalog());
  CHECK_MESSAGE(read_file(path) == message_catalog(), "run the test with DRWATCH_WRITE_CATALOG=1 and look at the difference");
}

TEST_CASE("systemd reads the catalog") {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "usr/lib/systemd/catalog");
  std::filesystem::create_directories(folder / "var/lib/systemd/catalog");
  std::filesystem::copy_file(drwatch::testing::source_dir("/systemd/drwatch.catalog"), folder / "usr/lib/systemd/catalog/drwatch.catalog");
  const auto update = run_to_end({"journalctl", "--root=" + (folder / ""), "--update-catalog"});
  CHECK_MESSAGE(update.first == 0, update.second);
  CHECK(update.second.empty());
  const auto dump = run_to_end({"journalctl", "--root=" + (folder / ""), "--dump-catalog", message_id("incident.opened")});
  CHECK(dump.first == 0);
  CHECK(dump.second.find("Subject: drwatch: incident.opened") != std::string::npos);
  CHECK(dump.second.find("drwatch incident show @DRWATCH_INCIDENT@") != std::string::npos);
}

TEST_CASE("journald stands still: the program goes on, and ends") {
  if (!can_enter(Own::mounts)) return;
  const auto begin = std::chrono::steady_clock::now();
  const int status = ended_in_child([] {
    if (!private_run_folder() || datagram_socket_at("/run/systemd/journal/socket") < 0) _exit(3);
    QueuedLog log(make_journald_sink(), {});
    // More than the socket takes, which nobody reads.
    for (int i = 0; i < 5000; ++i) log.event(opened());
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

}  // namespace log_test
