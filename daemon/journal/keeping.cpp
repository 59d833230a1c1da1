// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/keeping.hpp"

#include "probes/seams/within.hpp"

#include <algorithm>

namespace drwatch {

Keeping::Keeping(boost::asio::any_io_executor executor, Clock& clock, Journal& journal)
    : clock_(clock), journal_(journal), reached_change_(std::move(executor)) {}

Keeping::Ticket Keeping::put(JournalWrite write) {
  if (!write.events.empty() || (values_ <= reached_ && !left_out_)) return queue(std::move(write));
  for (auto& [key, value] : write.kept) gathered_[key] = std::move(value);
  return last();
}

Keeping::Ticket Keeping::queue(JournalWrite write) {
  // merge keeps what the write has itself: that is newer.
  write.kept.merge(gathered_);
  gathered_.clear();
  left_out_ = false;
  Ticket ticket = ++last_;
  if (write.events.empty()) values_ = ticket;
  waiting_.emplace_back(ticket, clock_.boottime());
  journal_.write(std::move(write), [this, ticket, alive = std::weak_ptr<bool>(alive_)] {
    // The journal may be closed, and call back, after this object has gone.
    if (!alive.expired()) became_durable(ticket);
  });
  return ticket;
}

void Keeping::became_durable(Ticket ticket) {
  reached_ = ticket;
  while (!waiting_.empty() && waiting_.front().first <= ticket) waiting_.pop_front();
  if (values_ <= reached_) write_gathered();
  reached_change_.made();
}

void Keeping::write_gathered() {
  if (!gathered_.empty() && !left_out_) queue({});
}

namespace {
std::map<std::string, std::string> changed(Kept& kept) {
  std::map<std::string, std::string> values;
  for (const std::string& key : kept.changed) values[key] = kept_text(kept, key);
  kept.changed.clear();
  return values;
}
}  // namespace

Keeping::Ticket Keeping::write(const std::vector<Event>& events, Kept& kept, std::map<std::string, std::string> beside) {
  if (events.empty() && kept.changed.empty() && beside.empty()) return last();
  // merge keeps what is in `beside` already when both have the same key.
  beside.merge(changed(kept));
  return put({events, std::move(beside)});
}

Keeping::Ticket Keeping::leave_out(Kept& kept, std::map<std::string, std::string> beside) {
  beside.merge(changed(kept));
  for (auto& [key, value] : beside) gathered_[key] = std::move(value);
  left_out_ = true;
  return last();
}

Keeping::Ticket Keeping::write_kept(Kept& kept) {
  kept.changed.insert("alive_at");
  return put({{}, changed(kept)});
}

namespace {
Task<bool> reach(Change& change, const std::uint64_t& reached, std::uint64_t ticket) {
  while (reached < ticket) co_await change.wait();
  co_return true;
}
}  // namespace

Task<bool> Keeping::until_durable(Ticket ticket, Duration patience) {
  if (durable(ticket)) co_return true;
  // At least a twentieth of the patience, even when the oldest write has waited longer than that: after a suspension of the machine all
  // waits look long, and the disk may answer in a moment.
  auto left = std::max<std::chrono::nanoseconds>(patience - oldest_wait(), patience / 20);
  auto reached = co_await within(clock_, left, reach(reached_change_, reached_, ticket));
  co_return reached.has_value();
}

Task<void> Keeping::until_durable(Ticket ticket) {
  while (!durable(ticket)) co_await reached_change_.wait();
}

std::chrono::nanoseconds Keeping::oldest_wait() const {
  return waiting_.empty() ? std::chrono::nanoseconds{0} : clock_.boottime() - waiting_.front().second;
}

}  // namespace drwatch
