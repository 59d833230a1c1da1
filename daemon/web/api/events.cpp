// SPDX-License-Identifier: Apache-2.0
// /api/v1/events: a list of the newest, or all that come as server-sent events (HTML Living Standard, 9.2).
#include "daemon/web/api/reading.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <deque>
#include <limits>

namespace drwatch::web {
namespace asio = boost::asio;
namespace {

using Events = std::vector<std::shared_ptr<const Event>>;

constexpr std::size_t most_behind = 1000;  // a reader slower than this is cut off; it resumes with Last-Event-ID
constexpr std::size_t resumed_at_once = 200, resumed_bytes = 128 * 1024;  // whichever is less
constexpr auto heartbeat = std::chrono::seconds(15);

std::string stream_text(const Event& event) {
  return "id: " + std::to_string(event.seq) + "\nevent: " + event.kind +
         "\ndata: " + event_view(event).dump(-1, ' ', false, View::error_handler_t::replace) + "\n\n";
}

// What came while the reader was being written to.
struct Waiting {
  std::deque<std::shared_ptr<const std::string>> texts;
  bool too_slow = false;
  std::uint64_t last_seq = 0;
  asio::steady_timer wake;
  explicit Waiting(const asio::any_io_executor& executor) : wake(executor) {}
  void take(Room& room, const Event& event) {
    if (event.seq <= last_seq) return;
    last_seq = event.seq;
    // Made for the first of all readers.
    if (!room.newest_event || room.newest_event_seq != event.seq) {
      room.newest_event = std::make_shared<const std::string>(stream_text(event));
      room.newest_event_seq = event.seq;
    }
    if (texts.size() >= most_behind)
      too_slow = true;
    else
      texts.push_back(room.newest_event);
    wake.cancel();
  }
};

Renderer::Make text_of(Events events) {
  return [events = std::move(events)] {
    Response text;
    std::uint64_t last = 0;
    for (const auto& event : events) {
      if (text.body.size() >= resumed_bytes) break;
      text.body += stream_text(*event);
      last = event->seq;
    }
    text.headers.emplace_back("last", std::to_string(last));
    return text;
  };
}

// A comment for a reader that has seen `after` and is given `next`; empty: nothing is between them.
std::string gap_behind(std::uint64_t after, const Event& next) {
  if (next.seq == after + 1) return "";
  return ": gap: events " + std::to_string(after + 1) + " to " + std::to_string(next.seq - 1) +
         " are not in memory any more; drwatch journal show has them\n\n";
}

// What was before, a piece at a time, made beside the loop: a history of thousands of events is megabytes, and many may ask for it at once.
// Returns the seq of the last event that was sent; nullopt: the reader has gone.
Task<std::optional<std::uint64_t>> send_history(Room* room, Renderer* renderer, std::uint64_t after, Tap& tap) {
  for (;;) {
    Events piece = room->desk.events_since(after, resumed_at_once);
    if (piece.empty()) co_return after;
    // So much may have come while a slow reader took a piece that what was next is not in memory any more.
    if (auto gap = gap_behind(after, *piece.front()); !gap.empty()) {
      auto comment = std::make_shared<const std::string>(std::move(gap));
      after = piece.front()->seq - 1;
      if (!co_await tap.write(std::move(comment))) co_return std::nullopt;
      continue;
    }
    std::string key = "history/" + std::to_string(after) + "/" + std::to_string(piece.back()->seq);
    Renderer::Prepare prepare = [piece = std::move(piece)] { return text_of(piece); };
    const auto made = co_await renderer->make(std::move(key), std::move(prepare));
    if (made->status != 200) {  // too many want something: it goes on when they have it
      co_await room->world.clock.sleep_for(seconds{1});
      continue;
    }
    after = std::stoull(made->headers.front().second);
    std::shared_ptr<const std::string> text(made, &made->body);
    if (!co_await tap.write(std::move(text))) co_return std::nullopt;
  }
}

std::uint64_t newest_seq(const Desk& desk) {
  const auto newest = desk.newest_events(1);
  return newest.empty() ? 0 : newest.front()->seq;
}

// Where a reader that has seen `after` goes on.
struct Place {
  std::uint64_t after;
  std::string gap;  // what it is told that it misses, as a comment; empty: nothing
};
Place place_of(const Desk& desk, std::uint64_t after) {
  if (after > newest_seq(desk)) {
    // Of an event that was told and never written, or of another journal: nobody knows what this reader has seen of what came since, so it
    // is given all of this life.
    const Events known = desk.events_since(0, std::numeric_limits<std::size_t>::max());
    const auto start = std::find_if(known.rbegin(), known.rend(), [](const auto& event) { return event->kind == "daemon.started"; });
    const std::uint64_t first = start != known.rend() ? (*start)->seq : known.empty() ? 1 : known.front()->seq;
    return {first - 1, ": gap: event " + std::to_string(after) +
                           " is not in this journal; what is known since the last start follows, from event " + std::to_string(first) +
                           "\n\n"};
  }
  return {after, ""};
}

// A stream ends with the token, or the session, that it was begun with.
bool still_admitted(const Room& room, const Request& head, bool anonymous) {
  return anonymous || std::holds_alternative<Caller>(room.auth.admit(head, Needs::reading, room.world.clock.now()));
}

Task<void> stream(Room* room, Renderer* renderer, std::uint64_t after, std::shared_ptr<const Request> head, bool anonymous, Tap& tap) {
  const auto waiting = std::make_shared<Waiting>(room->world.executor);
  auto place = place_of(room->desk, after);
  auto hello = std::make_shared<const std::string>(": drwatch events\n\n" + place.gap);
  if (!co_await tap.write(std::move(hello))) co_return;
  const auto reached = co_await send_history(room, renderer, place.after, tap);
  if (!reached) co_return;
  waiting->last_seq = *reached;
  // The history ended, and the subscription begins, without a co_await between them: no event is lost or sent twice.
  const auto subscription = room->desk.follow([waiting, room](const Event& event) { waiting->take(*room, event); });
  while (!waiting->too_slow) {
    std::string text;
    if (waiting->texts.empty()) {
      waiting->wake.expires_after(heartbeat);
      const auto [error] = co_await waiting->wake.async_wait(asio::as_tuple(asio::use_awaitable));
      if (!error) text = ": still here\n\n";  // finds readers that are gone, and keeps proxies from giving up
    }
    if (!still_admitted(*room, *head, anonymous)) co_return;
    for (; !waiting->texts.empty() && text.size() < 64 * 1024; waiting->texts.pop_front()) text += *waiting->texts.front();
    if (text.empty()) continue;
    auto shared = std::make_shared<const std::string>(std::move(text));
    if (!co_await tap.write(std::move(shared))) co_return;
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

Task<SharedResponse> read_events(Room& room, Call call) {
  std::optional<std::uint64_t> after;
  if (!read_after(call, after))
    co_return shared(problem(400, "not understood", "Last-Event-ID and after are the seq of an event: a number"));
  const std::string* accept = call.request.header("accept");
  if (accept && accept->find("text/event-stream") != std::string::npos) {
    Response response;
    response.type = "text/event-stream";
    // Without an id from here on: what is decided while the header is on its way is not lost.
    const std::uint64_t from = after ? *after : newest_seq(room.desk);
    response.anonymous = call.caller.name.empty();
    call.request.body.clear();
    const auto head = std::make_shared<const Request>(call.request);
    response.stream = [own = &room, renderer = &room.renderer_for(call.caller), from, head, anonymous = response.anonymous](Tap& tap) {
      return stream(own, renderer, from, head, anonymous, tap);
    };
    co_return shared(std::move(response));
  }
  const auto limit = number_in_query(call, "limit", 100);
  if (!limit || *limit == 0 || *limit > 1000) co_return shared(problem(400, "not understood", "limit is a number from 1 to 1000"));
  // Without ?after the newest; with it a page forward.
  Events events = after ? room.desk.events_since(*after, *limit + 1) : room.desk.newest_events(*limit);
  const bool more = events.size() > *limit;
  if (more) events.pop_back();
  std::function<Response(const Moment&)> make = [events = std::move(events), more](const Moment&) {
    View document;
    document["events"] = View::array();
    document["next"] = more ? View(events.back()->seq) : View(nullptr);
    for (const auto& event : events) document["events"].push_back(event_view(*event));
    return json(document);
  };
  co_return co_await rendered(room, call.caller, std::move(make));
}

// For docs/http.md: all kinds, as they are journaled, logged and streamed.
std::string event_reference() {
  std::string text =
      "\n## Events\n\nWhat `/api/v1/events`, the journal (`drwatch journal show`) and the log bring, by `kind`.\n\n| kind | what it means "
      "|\n"
      "| --- | --- |\n";
  for (const EventKind& kind : event_kinds()) text += "| `" + std::string(kind.name) + "` | " + std::string(kind.doc) + " |\n";
  return text;
}

}  // namespace drwatch::web
