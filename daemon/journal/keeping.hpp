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
  using Ticket = std::uint64_t;

  Keeping(boost::asio::any_io_executor executor, Clock& clock, Journal& journal);

  // Queues the events, and with them the kept values that changed and those `beside` that are not part of the state: all of it or nothing.
  Ticket write(const std::vector<Event>& events, Kept& kept, std::map<std::string, std::string> beside = {});
  Ticket write_kept(Kept& kept);  // what changed, and alive_at
  bool durable(Ticket ticket) const { return ticket <= reached_; }
  Ticket last() const { return last_; }
  // False when `patience` ran out first. It counts from the oldest write that still waits: behind it nobody waits as long again.
  Task<bool> until_durable(Ticket ticket, Duration patience);
  Task<void> until_durable(Ticket ticket);  // however long it takes
  // How long the oldest write has been waiting.
  std::chrono::nanoseconds oldest_wait() const;

 private:
  Ticket put(JournalWrite write);

  Clock& clock_;
  Journal& journal_;
  Change reached_change_;
  Ticket last_ = 0, reached_ = 0;
  std::deque<std::pair<Ticket, std::chrono::nanoseconds>> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace drwatch
