// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/log.hpp"

#include "daemon/log/sinks.hpp"

#include <sys/stat.h>
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

std::unique_ptr<Log> make_log() {
  if (stderr_is_journal()) return make_journald_log();
  return make_terminal_log(stderr, wants_colour(stderr));
}

}  // namespace drwatch
