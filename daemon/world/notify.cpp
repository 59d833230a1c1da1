// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace drwatch::notify {
namespace {

// The text is one line of a list of assignments: a newline in it would begin another.
std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return text;
}

constexpr const char* sign_of_life = "WATCHDOG=1";

// sd_notify(3), for a socket of the file system or an abstract one, but without waiting: libsystemd's own waits when systemd does not read,
// and the loop would with it. False: it was not taken now.
bool tell_now(const std::string& assignments) {
  const char* named = std::getenv("NOTIFY_SOCKET");
  if (named == nullptr || *named == '\0') return true;
  const std::string path = named;
  sockaddr_un to{};
  // Another kind of address, which a later systemd may have: libsystemd knows it.
  if ((path[0] != '/' && path[0] != '@') || path.size() >= sizeof to.sun_path) return sd_notify(0, assignments.c_str()) >= 0;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, path.data(), path.size());
  if (path[0] == '@') to.sun_path[0] = '\0';
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (path[0] == '/' ? 1 : 0));
  const auto sent =
      ::sendto(socket, assignments.data(), assignments.size(), MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), length);
  const bool full = sent < 0 && (errno == EAGAIN || errno == ENOBUFS);
  ::close(socket);
  return !full;
}

// What was not taken goes out instead of the next sign of life, in order: READY=1 must not be lost. Bounded, since systemd may stay away
// for long.
void tell(const std::string& assignments) {
  static std::string untold;
  constexpr std::size_t most = 2048;
  std::string all = untold;
  if (all.empty() || assignments != sign_of_life) all += (all.empty() ? "" : "\n") + assignments;
  untold = tell_now(all) || all.size() > most ? std::string() : std::move(all);
}

}  // namespace

void ready(const std::string& status) { tell("READY=1\nSTATUS=" + one_line(status)); }
// sd_notify(3), Type=notify-reload: RELOADING=1 must come with the CLOCK_MONOTONIC time in microseconds, or systemd cannot tell this
// reload's READY=1 from an earlier one. steady_clock is CLOCK_MONOTONIC on Linux.
void reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch());
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}
void stopping(const std::string& status) { tell("STOPPING=1\nSTATUS=" + one_line(status)); }
void status(const std::string& text) { tell("STATUS=" + one_line(text)); }
void alive() { tell(sign_of_life); }

std::optional<Duration> watchdog_patience() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::microseconds(microseconds));
}

}  // namespace drwatch::notify
