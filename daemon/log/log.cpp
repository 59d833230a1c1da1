// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/log.hpp"

#include "daemon/log/queued.hpp"
#include "daemon/log/sinks.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cstdlib>

namespace drwatch {

// systemd.exec(5), $JOURNAL_STREAM: "DEVICE:INODE" of the stream that systemd connected.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat at{};
  // Device and inode, since the variable is inherited by whatever runs with its standard error elsewhere.
  if (stream == nullptr || fstat(STDERR_FILENO, &at) != 0) return false;
  return std::to_string(at.st_dev) + ":" + std::to_string(at.st_ino) == stream;
}

// systemd.exec(5), $SYSTEMD_EXEC_PID: whom systemd itself started. While journald is away it gives it /dev/null and no stream.
bool journal_was_away() {
  const char* started = std::getenv("SYSTEMD_EXEC_PID");
  struct stat at{};
  if (started == nullptr || std::to_string(getpid()) != started || fstat(STDERR_FILENO, &at) != 0) return false;
  return S_ISCHR(at.st_mode) && at.st_rdev == makedev(1, 3);
}

// https://no-color.org: any value that is not empty refuses.
bool wants_colour(std::FILE* out) {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (refused != nullptr && *refused != '\0') return false;
  return isatty(fileno(out)) == 1 && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::string reason_of(const Event& event) {
  const Json& body = event.body.json();
  if (!body.is_object()) return "";
  const auto reason = body.find("reason");
  return reason != body.end() && reason->is_string() ? reason->get<std::string>() : "";
}

LogEntry entry_of(const Event& event) {
  LogEntry entry{std::chrono::system_clock::time_point(event.at.time_since_epoch()), importance(event), event.kind, event.message, {}};
  const auto add = [&](const char* name, std::string value) {
    if (!value.empty()) entry.fields.emplace_back(name, std::move(value));
  };
  add("probe", event.probe);
  add("component", event.component);
  add("scenario", event.scenario);
  add("incident", event.incident);
  add("reason", reason_of(event));
  return entry;
}

LogEntry entry_of(Importance importance, const std::string& message, const std::map<std::string, std::string>& fields) {
  return {std::chrono::system_clock::now(), importance, "", message, {fields.begin(), fields.end()}};
}

namespace {

class WaitingLog : public Log {
 public:
  explicit WaitingLog(std::unique_ptr<LogSink> sink) : sink_(std::move(sink)) {}
  void event(const Event& event) override { sink_->write(entry_of(event)); }
  void line(Importance importance, const std::string& message, const std::map<std::string, std::string>& fields) override {
    sink_->write(entry_of(importance, message, fields));
  }

 private:
  std::unique_ptr<LogSink> sink_;
};

}  // namespace

std::unique_ptr<Log> make_waiting_log(std::unique_ptr<LogSink> sink) { return std::make_unique<WaitingLog>(std::move(sink)); }

std::unique_ptr<Log> make_log() {
  auto sink = stderr_is_journal() || journal_was_away() ? make_journald_sink() : make_terminal_sink(stderr, wants_colour(stderr));
  auto log = std::make_unique<QueuedLog>(std::move(sink), QueuedLog::Bounds{});
  log->write_before_a_crash();
  return log;
}

}  // namespace drwatch
