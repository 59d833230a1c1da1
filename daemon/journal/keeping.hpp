// SPDX-License-Identifier: Apache-2.0
// Writing behind: events and kept values go to the journal in order, and whoever needs them durable waits here.
#pragma once

#include "daemon/journal/journal.hpp"
#include "daemon/recovery/record/state.hpp"
#include "daemon/tasks/change.hpp"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace drwatch {

class Keeping {
 public:
  // The number of a write. Writes become durable in order, so a ticket is durable when a later one is.
  using Ticket = std::uint64_t;

  Keeping(boost::asio::any_io_executor executor, Clock& clock, Journal& journal);

  // Queues one commit: the events, the kept values that changed, and those of `beside`, which are not part of the state. All of it becomes
  // durable or nothing. With nothing to write, the ticket of the last write is returned.
  //
  // Values without events melt together while such a write waits already, and go along with the next write, or when something has become
  // durable: while the disk refuses, what waits grows by the events alone.
  Ticket write(const std::vector<Event>& events, Kept& kept, std::map<std::string, std::string> beside = {});
  // The journal takes no more: events were left out, and their values melt together with all that come until one of write() has events
  // again. The ticket is that write's.
  Ticket leave_out(Kept& kept, std::map<std::string, std::string> beside = {});
  Ticket write_kept(Kept& kept);  // what changed, and alive_at
  void write_gathered();          // what still waits for another write, at the end
  bool durable(Ticket ticket) const { return ticket <= reached_; }
  Ticket last() const { return gathered_.empty() && !left_out_ ? last_ : last_ + 1; }
  // True when the write is durable; false when `patience` ran out first. The patience counts from the oldest write that still waits: while
  // the disk hangs, each caller would otherwise wait for the whole of it again.
  Task<bool> until_durable(Ticket ticket, Duration patience);
  Task<void> until_durable(Ticket ticket);  // however long it takes
  // How long the oldest write has been waiting.
  std::chrono::nanoseconds oldest_wait() const;

 private:
  Ticket put(JournalWrite write);
  Ticket queue(JournalWrite write);
  void became_durable(Ticket ticket);

  Clock& clock_;
  Journal& journal_;
  Change reached_change_;
  Ticket last_ = 0, reached_ = 0;
  Ticket values_ = 0;                            // the last write of values alone
  std::map<std::string, std::string> gathered_;  // values that go along with the next write, or become one when `values_` is durable
  bool left_out_ = false;                        // events, since the last write: values must not run ahead of them
  // Not durable yet, oldest first, with the boottime when they were queued.
  std::deque<std::pair<Ticket, std::chrono::nanoseconds>> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace drwatch
