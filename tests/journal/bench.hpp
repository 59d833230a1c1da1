// SPDX-License-Identifier: Apache-2.0
// A place for journals that goes away with the test, a loop that is turned until something is true, and events of every shape.
#pragma once

#include "daemon/journal/journal.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include <stdlib.h>

namespace drwatch::journal_tests {

class Folder {
 public:
  Folder() : path_((std::filesystem::temp_directory_path() / "drwatch-test-XXXXXX").string()) {
    if (!::mkdtemp(path_.data())) throw std::runtime_error("mkdtemp");
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Turns the loop until `holds`; false after a minute: a sanitized build on a busy machine is slow.
inline bool turn_until(boost::asio::io_context& loop, const std::function<bool()>& holds, seconds most = seconds{60}) {
  const auto until = std::chrono::steady_clock::now() + most;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    loop.restart();
    loop.run_for(milliseconds{5});
  }
  return true;
}

inline Event event(std::uint64_t seq, std::string message = "database is down: primary: connection refused") {
  Event e;
  e.seq = seq;
  e.at = *parse_time("2026-03-01T02:09:30.125Z") + seconds{seq};
  e.kind = "component.changed";
  e.component = "database";
  e.message = std::move(message);
  e.body = {{"health", "down"}, {"from", "up"}};
  return e;
}

inline std::vector<Event> events(std::uint64_t first, std::uint64_t last) {
  std::vector<Event> list;
  for (auto seq = first; seq <= last; ++seq) list.push_back(event(seq));
  return list;
}

struct Opened {
  JournalContents contents;
  std::unique_ptr<Journal> journal;
};
inline Opened open(const std::string& path, boost::asio::io_context& loop) {
  Opened opened;
  opened.journal = open_sqlite_journal(path, loop.get_executor(), opened.contents);
  return opened;
}

// Writes and waits for the disk.
inline bool write_durably(Journal& journal, boost::asio::io_context& loop, JournalWrite write) {
  bool done = false;
  journal.write(std::move(write), [&] { done = true; });
  return turn_until(loop, [&] { return done; });
}

// A journal of `count` events, closed again.
inline void make_journal(const std::string& path, std::uint64_t count) {
  boost::asio::io_context loop;
  auto opened = open(path, loop);
  JournalWrite write;
  write.events = events(1, count);
  write.kept = {{"alive_at", "2026-03-01T02:13:00Z"}, {"probe/primary", "{\"last_up_at\":\"2026-03-01T02:09:30Z\"}"}};
  if (!write_durably(*opened.journal, loop, std::move(write))) throw std::runtime_error("not durable");
  opened.journal->close();
}

}  // namespace drwatch::journal_tests
