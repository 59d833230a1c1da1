// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/http/incoming.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>

namespace drwatch::web {
namespace http = boost::beast::http;

struct Incoming::Inside {
  http::request_parser<http::string_body> parser;
  std::size_t header_limit, body_limit, header_bytes = 0;
  Admit admit;
  std::optional<Response> refused;
  bool of_a_browser = false;  // told by a header that was not read as a whole

  Inside(std::size_t header, std::size_t body, Admit a) : header_limit(header), body_limit(body), admit(std::move(a)) {
    parser.header_limit(static_cast<std::uint32_t>(header));
    // Which bound it has is known when the header has come.
    parser.eager(false);
    parser.body_limit(boost::none);
  }
  Request head() const;
  void look_at_header();
  void refuse(const boost::system::error_code& error);
  void refuse_ambiguous();
  void look_for_browser(std::string_view bytes);
};

void Incoming::Inside::refuse(const boost::system::error_code& error) {
  if (error == http::error::header_limit)
    refused = problem(431, "the header is too large", "all header lines together may have " + std::to_string(header_limit) + " bytes");
  else if (error == http::error::body_limit || error == http::error::buffer_overflow)
    refused = problem(413, "the body is too large", "a body may have " + std::to_string(body_limit) + " bytes");
  else
    refused = problem(400, "not understood", "this is not an HTTP/1.1 request: " + error.message());
}

// Of a header that is too large nothing was parsed: whether a person reads the answer stands in what has come of it.
void Incoming::Inside::look_for_browser(std::string_view bytes) {
  constexpr std::string_view name = "\naccept:";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  const auto line = std::search(bytes.begin(), bytes.end(), name.begin(), name.end(), same);
  const auto end = std::find(line == bytes.end() ? line : line + 1, bytes.end(), '\n');
  of_a_browser = std::string_view(line, end).find("text/html") != std::string_view::npos;
}

// A request that a proxy and we could understand in two ways is refused, because that is how a second request is smuggled past the proxy
// (RFC 9112, 6.1 and 3.2).
void Incoming::Inside::refuse_ambiguous() {
  const auto& fields = parser.get();
  if (fields.count(http::field::transfer_encoding) > 0 && fields.count(http::field::content_length) > 0)
    refused = problem(400, "not understood", "a request has a Content-Length or a Transfer-Encoding, not both");
  else if (fields.count(http::field::transfer_encoding) > 0 && !parser.chunked())
    refused = problem(400, "not understood", "the only Transfer-Encoding understood here is 'chunked'");
  else if (fields.version() == 11 && fields.count(http::field::host) != 1)
    refused = problem(400, "not understood", "an HTTP/1.1 request has exactly one Host header");
}

// The header has come: whether its body is read, and how much of it.
void Incoming::Inside::look_at_header() {
  refuse_ambiguous();
  if (refused || parser.is_done()) return;
  if (admit) {
    auto verdict = admit(head());
    if (auto* no = std::get_if<Response>(&verdict)) {
      refused = std::move(*no);
      return;
    }
    if (const std::size_t own = std::get<std::size_t>(verdict); own != 0) body_limit = own;
  }
  parser.body_limit(body_limit);
  parser.eager(true);
  if (const auto length = parser.content_length(); length && *length > body_limit) refuse(http::error::body_limit);
}

Incoming::Incoming(std::size_t header_limit, std::size_t body_limit, Admit admit)
    : inside_(std::make_unique<Inside>(header_limit, body_limit, std::move(admit))) {}
Incoming::~Incoming() = default;

void Incoming::feed(std::string& bytes) {
  auto& in = *inside_;
  while (!bytes.empty() && !in.refused && !done()) {
    boost::system::error_code error;
    const bool in_header = !in.parser.is_header_done();
    const std::size_t used = in.parser.put(boost::asio::buffer(bytes), error);
    if (in_header && !in.parser.is_header_done()) in.header_bytes += used;
    bytes.erase(0, used);
    if (error == http::error::header_limit) in.look_for_browser(bytes);
    if (error && error != http::error::need_more) return in.refuse(error);
    // Beast bounds what has not been parsed yet; many small lines, parsed one after the other, must not add up without end.
    if (!in.parser.is_header_done() && in.header_bytes + bytes.size() > in.header_limit) {
      in.look_for_browser(bytes);
      return in.refuse(http::error::header_limit);
    }
    if (in_header && in.parser.is_header_done()) in.look_at_header();
    if (used != 0 && error != http::error::need_more) continue;
    // A chunk's first line and the trailer behind the last chunk wait here until they are whole: not without an end.
    if (bytes.size() > in.header_limit) in.refuse(http::error::header_limit);
    return;
  }
}

bool Incoming::header_done() const { return inside_->parser.is_header_done(); }
bool Incoming::done() const { return inside_->parser.is_done(); }
const std::optional<Response>& Incoming::refused() const { return inside_->refused; }

bool Incoming::wants_continue() const {
  const auto& message = inside_->parser.get();
  return header_done() && !done() && message.version() == 11 && boost::beast::iequals(message[http::field::expect], "100-continue");
}

// Header names in lower case, as Request has them; values as they came.
Request Incoming::Inside::head() const {
  const auto& message = parser.get();
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.http_1_0 = message.version() == 10;
  request.keep_alive = message.keep_alive();
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    request.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  if (of_a_browser && !request.header("accept")) request.headers.emplace_back("accept", "text/html");
  return request;
}

Request Incoming::head() const { return inside_->head(); }
Request Incoming::take() {
  Request request = inside_->head();
  request.body = std::move(inside_->parser.get().body());
  return request;
}

}  // namespace drwatch::web
