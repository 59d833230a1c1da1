// SPDX-License-Identifier: Apache-2.0
// Writing behind: events and kept values go to the journal in order, and whoever needs them durable waits here.
#pragma once

#include "daemon/change.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/recovery/state.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace drwatch {

class Keeping {
 public:
  using Ticket = std::uint64_t;

  Keeping(boost::asio::any_io_executor executor, Clock& clock, Journal& journal);

  // Queues the events, and with them the kept values that changed.
  Ticket write(const std::vector<Event>& events, Kept& kept);
  Ticket write_kept(Kept& kept);                               // what changed, and alive_at
  Ticket write_value(std::string key, std::string text);       // one kept value that is not part of the state
  bool durable(Ticket ticket) const { return ticket <= reached_; }
  Ticket last() const { return last_; }
  // False when `patience` ran out first.
  Task<bool> until_durable(Ticket ticket, Duration patience);
  Task<void> until_durable(Ticket ticket);                     // however long it takes
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
