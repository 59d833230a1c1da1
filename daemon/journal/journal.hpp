// SPDX-License-Identifier: Apache-2.0
// drwatch's durable record. Events are chained by hash and never changed; kept values are a plain table overwritten in the same commits.
#pragma once

#include "config/rows/time.hpp"
#include "daemon/recovery/record/event.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

namespace drwatch {

struct JournalWrite {
  std::vector<Event> events;                // seq already given, gapless after the last one
  std::map<std::string, std::string> kept;  // overwritten; an empty text deletes
};
// What became of a write.
struct JournalOutcome {
  bool durable = false;
  std::string error;  // for a person, when not durable
};

// While the disk refuses, no more than this waits in memory.
struct JournalBound {
  std::size_t events = 100'000, bytes = 64u << 20;
};

class Journal {
 public:
  virtual ~Journal() = default;
  // Queues a write; never blocks, never throws. All writes are committed in order, many to a commit. `done` is called on the loop once the
  // disk has it. While the disk refuses, writes wait (bounded by the caller) and are tried again; `failing` tells.
  virtual void write(JournalWrite write, std::function<void()> done) = 0;
  // A snapshot of the record as of `seq`: a cache, thrown away when it does not fit.
  virtual void snapshot(std::uint64_t seq, std::string text) = 0;
  // Called on the loop when commits begin to fail (with the error), and when they succeed again (empty).
  virtual void on_health(std::function<void(std::string)> callback) = 0;
  // Called on the loop after each commit with how long it took, from begin to durable.
  virtual void on_commit(std::function<void(Duration, std::size_t)> callback) = 0;
  virtual std::size_t waiting() const = 0;                 // events not yet durable
  virtual std::size_t waiting_bytes() const { return 0; }  // about as much of memory as those take
  virtual void close() = 0;                                // waits for what is queued (bounded), then closes
};

// So many of the newest events are kept in memory for readers, also over a restart.
inline constexpr std::size_t recent_events = 10000;

struct JournalContents {
  std::optional<std::pair<std::uint64_t, std::string>> snapshot;  // seq, text
  std::vector<Event> earlier;  // those of the newest `recent_events` that the snapshot holds already: for readers, not to be applied
  std::vector<Event> events;   // all after the snapshot (all, without one)
  std::map<std::string, std::string> kept;
  std::string notice;  // not empty: something was wrong with the file and this is what was done about it
  std::uint64_t last_seq = 0;
};

// A break in the chain or in the file.
struct JournalBreak {
  std::uint64_t seq = 0;  // the first event that cannot be trusted
  std::string message;
};
struct JournalVerdict {
  std::uint64_t events = 0, first_seq = 0, last_seq = 0;
  std::string last_hash;
  std::optional<JournalBreak> broken;
};

// Opens (makes) the journal at `path` and reads it. A torn or tampered file: the damaged file is kept aside ("PATH.damaged-TIME"), the good
// part goes on in a new one, `notice` says so. Throws std::runtime_error with what to do when nothing can be opened (not writable, locked
// by another drwatch).
std::unique_ptr<Journal> open_sqlite_journal(const std::string& path, boost::asio::any_io_executor loop, JournalContents& contents);

// Both read-only, on a file that a running daemon may be writing.
JournalVerdict verify_journal(const std::string& path);
void read_journal(const std::string& path, const std::function<void(const Event&)>& each);

}  // namespace drwatch
