// SPDX-License-Identifier: Apache-2.0
// /api/v1/events: a list of the newest, or all that come as server-sent events (HTML Living Standard, 9.2).
#include "daemon/web/api/reading.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <charconv>
#include <deque>

namespace drwatch::web {
namespace asio = boost::asio;
namespace {

constexpr std::size_t most_behind = 1000;      // a reader slower than this is cut off; it resumes with Last-Event-ID
constexpr std::size_t most_resumed = 100'000;  // more than the daemon remembers: all that it has
constexpr auto heartbeat = std::chrono::seconds(15);

std::string stream_text(const Event& event) {
  return "id: " + std::to_string(event.seq) + "\nevent: " + event.kind +
         "\ndata: " + event_view(event).dump(-1, ' ', false, View::error_handler_t::replace) + "\n\n";
}

// What came while the reader was being written to.
struct Waiting {
  std::deque<std::string> texts;
  bool too_slow = false;
  std::uint64_t last_seq = 0;
  asio::steady_timer wake;
  explicit Waiting(const asio::any_io_executor& executor) : wake(executor) {}
  void take(const Event& event) {
    if (event.seq <= last_seq) return;
    last_seq = event.seq;
    if (texts.size() >= most_behind)
      too_slow = true;
    else
      texts.push_back(stream_text(event));
    wake.cancel();
  }
};

Task<void> stream(Room* room, std::optional<std::uint64_t> after, Tap& tap) {
  const auto waiting = std::make_shared<Waiting>(room->world.executor);
  // The events so far are read and the subscription begins without a co_await between them, so no event is lost or sent twice.
  std::string resumed = ": drwatch events\n\n";
  if (after) {
    waiting->last_seq = *after;
    for (const auto& event : room->desk.events_since(*after, most_resumed)) {
      resumed += stream_text(*event);
      waiting->last_seq = event->seq;
    }
  }
  const auto subscription = room->desk.follow([waiting](const Event& event) { waiting->take(event); });
  if (!co_await tap.write(std::move(resumed))) co_return;
  while (!waiting->too_slow) {
    std::string text;
    if (waiting->texts.empty()) {
      waiting->wake.expires_after(heartbeat);
      const auto [error] = co_await waiting->wake.async_wait(asio::as_tuple(asio::use_awaitable));
      if (!error) text = ": still here\n\n";  // finds readers that are gone, and keeps proxies from giving up
    }
    for (; !waiting->texts.empty() && text.size() < 64 * 1024; waiting->texts.pop_front()) text += waiting->texts.front();
    if (!text.empty() && !co_await tap.write(std::move(text))) co_return;
  }
}

// From the Last-Event-ID header, or ?after=; false: it is not a number. Without either, `after` stays empty.
bool read_after(const Call& call, std::optional<std::uint64_t>& after) {
  const std::string* header = call.request.header("last-event-id");
  const auto query = call.request.query.find("after");
  if (!header && query == call.request.query.end()) return true;
  const std::string& text = header ? *header : query->second;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  after = number;
  return true;
}

}  // namespace

Response read_events(Room& room, const Call& call) {
  std::optional<std::uint64_t> after;
  if (!read_after(call, after)) return problem(400, "not understood", "Last-Event-ID and after are the seq of an event: a number");
  const std::string* accept = call.request.header("accept");
  if (accept && accept->find("text/event-stream") != std::string::npos) {
    Response response;
    response.type = "text/event-stream";
    response.stream = [own = &room, after](Tap& tap) { return stream(own, after, tap); };
    return response;
  }
  const auto limit = number_in_query(call, "limit", 100);
  if (!limit || *limit == 0 || *limit > 1000) return problem(400, "not understood", "limit is a number from 1 to 1000");
  // Without ?after the newest; with it a page forward.
  auto events = after ? room.desk.events_since(*after, *limit + 1) : room.desk.events_since(0, most_resumed);
  View document;
  document["events"] = View::array();
  document["next"] = nullptr;
  std::size_t from = 0, until = events.size();
  if (!after && until > *limit) from = until - *limit;
  if (after && until > *limit) {
    until = *limit;
    document["next"] = events[until - 1]->seq;
  }
  for (std::size_t i = from; i < until; ++i) document["events"].push_back(event_view(*events[i]));
  return json(document);
}

}  // namespace drwatch::web
