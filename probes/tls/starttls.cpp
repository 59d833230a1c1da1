// SPDX-License-Identifier: Apache-2.0
#include "probes/tls/starttls.hpp"

#include "probes/seams/excerpt.hpp"

namespace drwatch {
namespace {

constexpr std::size_t longest_reply = 8192;  // bytes of one reply of a mail server, all its lines

Failure ended(const std::string& address) { return {Reason::protocol, "", address + " closed the connection before TLS could begin"}; }

Task<Result<std::size_t>> ask_postgres(Stream* stream, std::string address) {
  // Length 8 and the code 80877103 (04 d2 16 2f), both big-endian.
  const std::string ssl_request("\x00\x00\x00\x08\x04\xd2\x16\x2f", 8);
  auto sent = co_await stream->write_all(ssl_request);
  if (!sent) co_return sent;
  char answer = 0;
  auto got = co_await stream->read_some(std::span<char>(&answer, 1));
  if (!got) co_return got;
  if (*got == 0) co_return ended(address);
  if (answer == 'S') co_return std::size_t{1};
  if (answer == 'N') co_return Failure{Reason::tls, "NO_TLS", "the PostgreSQL server at " + address + " has TLS switched off"};
  co_return Failure{Reason::protocol, "", address + " does not answer as a PostgreSQL server: " + quote(std::string_view(&answer, 1))};
}

// A reply of one or more lines, "250-..." up to "250 ...". A byte at a time: what is behind the last line belongs to TLS.
Task<Result<std::string>> read_reply(Stream* stream, std::string address) {
  std::string reply;
  std::size_t line = 0;  // where the last one begins
  while (reply.size() < longest_reply) {
    char byte = 0;
    auto got = co_await stream->read_some(std::span<char>(&byte, 1));
    if (!got) co_return got.error();
    if (*got == 0) co_return ended(address);
    reply += byte;
    if (byte != '\n') continue;
    const bool more = reply.size() - line > 3 && reply[line + 3] == '-';
    if (!more) co_return reply;
    line = reply.size();
  }
  co_return Failure{Reason::protocol, "", address + " answers without end: " + quote(reply)};
}

// Each line of the reply to EHLO is "250-KEYWORD" or "250 KEYWORD"; keywords without regard to case (RFC 5321, 4.1.1.1).
bool offers_starttls(const std::string& reply) {
  for (std::size_t at = 0; at < reply.size(); at = reply.find('\n', at) + 1) {
    const auto word = reply.substr(std::min(at + 4, reply.size()), 8);
    const char after = at + 12 < reply.size() ? reply[at + 12] : '\n';
    const auto same = [](char a, char b) { return (a & ~0x20) == b; };
    if (word.size() == 8 && std::equal(word.begin(), word.end(), "STARTTLS", same) && (after == '\r' || after == '\n' || after == ' '))
      return true;
    if (reply.find('\n', at) == std::string::npos) break;
  }
  return false;
}

Failure not_mail(const std::string& address, const std::string& reply) {
  return {Reason::protocol, reply.substr(0, 3), "the mail server at " + address + " said " + quote(reply)};
}

Task<Result<std::size_t>> ask_smtp(Stream* stream, std::string address) {
  auto greeting = co_await read_reply(stream, address);
  if (!greeting) co_return greeting.error();
  if (!greeting->starts_with("220")) co_return not_mail(address, *greeting);
  auto sent = co_await stream->write_all("EHLO drwatch\r\n");
  if (!sent) co_return sent;
  auto extensions = co_await read_reply(stream, address);
  if (!extensions) co_return extensions.error();
  if (!extensions->starts_with("250")) co_return not_mail(address, *extensions);
  if (!offers_starttls(*extensions)) co_return Failure{Reason::tls, "NO_TLS", "the mail server at " + address + " does not offer STARTTLS"};
  sent = co_await stream->write_all("STARTTLS\r\n");
  if (!sent) co_return sent;
  auto ready = co_await read_reply(stream, address);
  if (!ready) co_return ready.error();
  if (!ready->starts_with("220")) co_return not_mail(address, *ready);
  co_return ready->size();
}

}  // namespace

Task<Result<std::size_t>> agree_on_tls(Stream* stream, std::string protocol, std::string address) {
  if (protocol == "postgres") co_return co_await ask_postgres(stream, std::move(address));
  co_return co_await ask_smtp(stream, std::move(address));
}

}  // namespace drwatch
