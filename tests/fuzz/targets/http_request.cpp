// SPDX-License-Identifier: Apache-2.0
// A client's bytes to drwatch's own server: the request, its target and query, its JSON fields, a browser's form and cookies.
#include "daemon/web/api/fields.hpp"
#include "daemon/web/http/incoming.hpp"
#include "daemon/web/http/peers.hpp"
#include "daemon/web/http/session.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace http_request_target {

using namespace drwatch;
using namespace drwatch::fuzz;
using namespace drwatch::web;

namespace {

constexpr std::size_t most_header = 8192, most_body = 4096;

struct Read {
  bool done = false, refused = false;
  Request request;
};

Read read(std::string_view text, std::size_t piece) {
  Incoming incoming(most_header, most_body);
  std::string waiting;
  while (!text.empty() && !incoming.done() && !incoming.refused()) {
    waiting += text.substr(0, piece);
    text.remove_prefix(std::min(piece, text.size()));
    incoming.feed(waiting);
    must(waiting.size() <= most_header + piece || incoming.done() || incoming.refused(), "what waits is bounded");
  }
  Read made{incoming.done() && !incoming.refused(), incoming.refused().has_value(), {}};
  if (incoming.refused()) must(incoming.refused()->status / 100 == 4, "what is not understood is the client's fault");
  if (made.done) made.request = incoming.take();
  return made;
}

// What a browser sends: a form, and a cookie that nobody but drwatch can make.
void look_at_browser(const Request& request) {
  if (const auto form = form_of(request))
    for (const auto& [name, value] : *form)
      must(name.size() + value.size() <= request.body.size() && value.find('\0') == std::string::npos,
           "a form holds no more than its body");
  static const Seals seals("a key");
  static const Digest token = digest_of("a token");
  const auto cookie = cookie_of(request, session_cookie);
  must(!cookie || !seals.holds(*cookie, token, Time{}), "nobody else seals a session");
}

void look_at(Request request) {
  look_at_browser(request);
  static const Proxies proxies({"10.0.0.0/8", "2001:db8::/32"});
  const std::string client = proxies.forwarded_for(request);
  must(client.empty() || (parse_address(client) && !proxies.trusts(client)), "who is forwarded for is an address, and no proxy");
  must(request.body.size() <= most_body, "the body is bounded");
  if (read_target(request).empty())
    for (const std::string& segment : request.segments) must(!has_control(segment), "a path holds no control characters");
  Fields fields(request);
  const std::string note = fields.text("note", true);
  fields.one_of("action", {"start", "done"});
  fields.flag("force");
  fields.time("at");
  fields.duration("for", "seconds");
  const auto wrong = fields.wrong();
  must(wrong || note.size() <= Fields::most_text, "a text that is taken is bounded");
  if (!wrong) return;
  const std::string header = header_text(*wrong, true, Time{});
  must(header.find("\r\n\r\n") + 4 == header.size(), "what a client sent does not end the header of the answer");
}

}  // namespace

FUZZ_TARGET(http_request)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  const unsigned choice = take_choice(text);
  const Read whole = read(text, text.size() + 1), cut = read(text, 1 + choice);
  // Of a line that is not over yet, what is wrong may be seen sooner or later.
  must(whole.done == cut.done, "how bytes are cut does not change whether they are a request");
  if (!whole.done) return 0;
  must(whole.request.target == cut.request.target && whole.request.headers == cut.request.headers && whole.request.body == cut.request.body,
       "how bytes are cut does not change the request");
  look_at(whole.request);
  return 0;
}

}  // namespace http_request_target
