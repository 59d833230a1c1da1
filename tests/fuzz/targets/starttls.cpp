// SPDX-License-Identifier: Apache-2.0
// What a server says before TLS: agreed upon only when it said so, and not a byte more is read.
#include "probes/tls/starttls.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstring>

namespace starttls_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

struct TextStream : Stream {
  explicit TextStream(std::string_view t) : text(t) {}
  std::string_view text;
  std::size_t read = 0;
  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    const std::size_t n = std::min(into.size(), text.size() - read);
    std::memcpy(into.data(), text.data() + read, n);
    read += n;
    co_return n;
  }
  Task<Result<std::size_t>> write_all(std::string bytes) override { co_return bytes.size(); }
};

Result<std::size_t> agree(TextStream& stream, const char* protocol) {
  boost::asio::io_context io;
  std::optional<Result<std::size_t>> answer;
  boost::asio::co_spawn(io, agree_on_tls(&stream, protocol, "192.0.2.1:25"), [&](std::exception_ptr thrown, Result<std::size_t> made) {
    if (!thrown) answer = std::move(made);
  });
  io.run();
  must(answer.has_value(), "it comes to an end");
  return *answer;
}

}  // namespace

FUZZ_TARGET(starttls)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  const bool mail = take_choice(text) % 2 == 0;
  TextStream stream(text);
  const auto agreed = agree(stream, mail ? "smtp" : "postgres");
  must(stream.read <= 3 * 8192, "what is read is bounded");
  if (!agreed) return 0;
  const auto heard = text.substr(0, stream.read);
  if (!mail) must(heard == "S", "a PostgreSQL server says one letter");
  if (mail)
    must(heard.starts_with("220") && heard.ends_with('\n') && heard.find("\n250") != heard.npos, "a mail server greets, offers and agrees");
  return 0;
}

}  // namespace starttls_target
