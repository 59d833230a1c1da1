// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/net/http_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstring>

namespace drwatch {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

// Bytes. Headers of more than 64 KiB are refused by most clients and servers alike (nginx and Apache: 8 KiB for a line). A server that
// sends one interim answer (100, 103) after another without end must not hold a run until its deadline and fill the trace.
constexpr std::size_t first_buffer = 4096;
constexpr std::size_t max_header = 64 * 1024;
constexpr int max_interim = 16;

}  // namespace

// Writes what it meets straight into the response.
struct HttpReader::Parser : http::basic_parser<false> {
  explicit Parser(HttpResponse& r) : into(r) {}
  HttpResponse& into;

  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view, int version, error_code&) override {
    into.status = code;
    into.version = version;
  }
  void on_field_impl(http::field, string_view name, string_view value, error_code&) override { into.headers.emplace_back(name, value); }
  void on_header_impl(error_code&) override {}
  // Called once the header is whole; nullopt: chunked, or until the connection ends.
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length) into.body.reserve(static_cast<std::size_t>(*length));  // bounded: checked against the limit before
  }
  std::size_t on_body_impl(string_view bytes, error_code&) override {
    into.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code&) override {
    into.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}
};

HttpReader::HttpReader(bool no_body, std::size_t max_body, std::string address)
    : no_body_(no_body), max_body_(max_body), address_(std::move(address)), buffer_(first_buffer) {
  renew();
}

HttpReader::~HttpReader() = default;

void HttpReader::renew() {
  at_start_ = true;
  response_ = {};
  parser_ = std::make_unique<Parser>(response_);
  // eager: also the body is parsed, not only the header. skip: the answer to a HEAD has none, whatever Content-Length says (RFC 9110,
  // 9.3.2).
  parser_->eager(true);
  parser_->skip(no_body_);
  parser_->header_limit(max_header);
  parser_->body_limit(max_body_);
}

std::span<char> HttpReader::space() {
  // The parser takes body bytes at once and leaves only the unfinished piece of a header or a chunk's line in the buffer; take() fails when
  // that grows over max_header, so the doubling here is bounded.
  if (filled_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
  return std::span(buffer_).subspan(filled_);
}

std::optional<Failure> HttpReader::take(std::size_t n) {
  anything_ = true;
  filled_ += n;
  // The parser looks at nothing before a whole line has come, which a server of another protocol (SSH, TLS) may never send: the probe would
  // report a time-out instead of what it is. So the first bytes are compared here, as many as there are.
  const std::string_view start = "HTTP/";
  if (at_start_ && std::memcmp(buffer_.data(), start.data(), std::min(filled_, start.size())) != 0) {
    return failure(http::error::bad_version);
  }
  std::size_t used = 0;
  while (!parser_->is_done() && used < filled_) {
    error_code error;
    const auto step = parser_->put(boost::asio::const_buffer(buffer_.data() + used, filled_ - used), error);
    used += step;
    if (step > 0) at_start_ = false;
    // The line is as long as before, so whatever the parser has noted of it still holds.
    const bool of_chunk = error == http::error::bad_chunk || error == http::error::bad_chunk_extension;
    if (of_chunk && without_blanks(used)) continue;
    if (error && error != http::error::need_more) return failure(error);
    // An interim answer (RFC 9110, 15.2) stands before the real one and is dropped. 101 is the exception: it is final, other bytes follow
    // it.
    if (parser_->is_done() && response_.status / 100 == 1 && response_.status != 101) {
      if (++interim_ > max_interim) return Failure{Reason::protocol, "", address_ + " sends one interim answer after another"};
      renew();
      continue;
    }
    if (error || step == 0) break;
  }
  std::memmove(buffer_.data(), buffer_.data() + used, filled_ - used);
  filled_ -= used;
  if (filled_ > max_header && !parser_->is_done()) return failure(http::error::header_limit);
  return std::nullopt;
}

// Blanks around a chunk's size are not allowed (RFC 9112, 7.1), old servers pad with them to a fixed width, and everybody else takes them.
// Digits and blanks change places, and zeros stand in front.
bool HttpReader::without_blanks(std::size_t from) {
  const auto at = [&](std::size_t i) { return i < filled_ ? buffer_[i] : '\0'; };
  if (at(from) == '\r' && at(from + 1) == '\n') from += 2;  // the end of the chunk before
  std::size_t end = from;
  while (end < filled_ && buffer_[end] != '\r' && buffer_[end] != ';') ++end;
  const std::string_view line(buffer_.data() + from, end - from);
  const auto first = line.find_first_not_of(" \t"), last = line.find_last_not_of(" \t");
  if (end == filled_ || first == line.npos || (first == 0 && last + 1 == line.size())) return false;
  const std::string size(line.substr(first, last + 1 - first));
  const std::string padded = std::string(line.size() - size.size(), '0') + size;
  std::copy(padded.begin(), padded.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(from));
  return true;
}

std::optional<Failure> HttpReader::take_end() {
  if (!anything_) return Failure{Reason::protocol, "", address_ + " closed the connection without an answer"};
  // The other side ended before the parser has taken anything of this answer (right behind an interim answer, or within the first line).
  // Beast's put_eof asserts that the parser has begun, so the daemon would abort.
  if (at_start_) return failure(http::error::partial_message);
  error_code error;
  // The end of the connection is also the regular end of a body that has neither a length nor chunks (RFC 9112, 6.3).
  parser_->put_eof(error);
  if (error) return failure(error);
  return std::nullopt;
}

Failure HttpReader::failure(const error_code& error) const {
  std::string message;
  if (error == http::error::body_limit) {
    message = "the body from " + address_ + " is larger than " + std::to_string(max_body_) + " bytes";
  } else if (error == http::error::header_limit) {
    message = "the header from " + address_ + " is larger than " + std::to_string(max_header) + " bytes";
  } else if (error == http::error::partial_message || error == http::error::end_of_stream) {
    message = address_ + " closed the connection in the middle of its answer";
  } else {
    message = "the answer of " + address_ + " is not HTTP: " + error.message();
  }
  return {Reason::protocol, "", message};
}

bool HttpReader::done() const { return parser_->is_done(); }

HttpResponse& HttpReader::response() { return response_; }

}  // namespace drwatch
