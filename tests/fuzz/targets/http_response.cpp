// SPDX-License-Identifier: Apache-2.0
// An HTTP server's bytes: however they are cut into reads, the same comes out, within its bounds.
#include "daemon/world/net/http_reader.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <cstring>

namespace http_response_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

constexpr std::size_t most = 4096;

struct Read {
  std::optional<Failure> failure;
  HttpResponse response;
};

Read read(std::string_view bytes, std::size_t piece, bool head) {
  HttpReader reader(head, most, "192.0.2.1:80");
  Read made;
  while (!reader.done() && !made.failure) {
    if (bytes.empty()) {
      made.failure = reader.take_end();
      must(made.failure || reader.done(), "an end ends it, well or not");
      continue;
    }
    const auto space = reader.space();
    must(!space.empty(), "there is room for more");
    const std::size_t n = std::min({space.size(), piece, bytes.size()});
    std::memcpy(space.data(), bytes.data(), n);
    made.failure = reader.take(n);
    bytes.remove_prefix(n);
  }
  made.response = reader.response();
  return made;
}

}  // namespace

FUZZ_TARGET(http_response)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  const unsigned choice = take_choice(text);
  const Read whole = read(text, text.size() + 1, choice & 1), cut = read(text, 1 + choice / 2, choice & 1);
  must(whole.failure.has_value() == cut.failure.has_value(), "how bytes are cut does not change whether they are an answer");
  must(whole.response.body.size() <= most, "the body is bounded");
  std::size_t header = 0;
  for (const auto& [name, value] : whole.response.headers) header += name.size() + value.size();
  must(header <= 128 * 1024, "the header is bounded");
  if (whole.failure) {
    must(whole.failure->reason == Reason::protocol && whole.failure->message.size() < 300, "a failure is one of the protocol, and short");
    return 0;
  }
  must(whole.response.status == cut.response.status && whole.response.headers == cut.response.headers &&
           whole.response.body == cut.response.body,
       "how bytes are cut does not change the answer");
  must(!(choice & 1) || whole.response.body.empty(), "the answer to a HEAD has no body");
  return 0;
}

}  // namespace http_response_target
