// SPDX-License-Identifier: Apache-2.0
// Packed bodies never unpack to more than was allowed.
#include "probes/http/decoding.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace http_decoding_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(http_decoding)(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t most = 100'000;
  std::string_view text = text_of(data, size);
  const std::string encoding(take_line(text));
  HttpResponse answer;
  answer.headers.emplace_back("Content-Encoding", encoding);
  answer.body = text;
  const auto wrong = unpack(answer, most);
  must(wrong || answer.body.size() <= std::max(most, text.size()), "what is unpacked is bounded");
  must(!wrong || (wrong->reason == Reason::protocol && wrong->message.size() < 300), "what is wrong is said, briefly");
  return 0;
}

}  // namespace http_decoding_target
