// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/net/http_reader.hpp"

#include <doctest/doctest.h>
#include <cstring>

namespace http_reader_test {

using namespace drwatch;

namespace {

struct Read {
  bool done = false;
  std::optional<Failure> failure;
  HttpResponse response;
};

// The same bytes in pieces of `piece` bytes, and then the end when `ends`.
Read read(const std::string& bytes, std::size_t piece, bool ends = true, bool head = false, std::size_t max_body = 1000) {
  HttpReader reader(head, max_body, "127.0.0.1:80");
  Read result;
  for (std::size_t at = 0; at < bytes.size() && !reader.done() && !result.failure;) {
    auto space = reader.space();
    REQUIRE(!space.empty());
    const auto n = std::min({piece, space.size(), bytes.size() - at});
    std::memcpy(space.data(), bytes.data() + at, n);
    at += n;
    result.failure = reader.take(n);
  }
  if (ends && !reader.done() && !result.failure) result.failure = reader.take_end();
  result.done = reader.done();
  result.response = reader.response();
  return result;
}

const std::size_t pieces[] = {1, 7, 100000};

}  // namespace

TEST_CASE("http reader: a length, chunks, and a body that ends with the connection, in pieces of any size") {
  for (auto piece : pieces) {
    auto plain = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello", piece, false);
    CHECK(plain.done);
    CHECK(plain.response.status == 200);
    CHECK(plain.response.body == "hello");
    REQUIRE(plain.response.headers.size() == 3);
    CHECK(plain.response.headers[2] == std::pair<std::string, std::string>("x-a", "2"));
    auto chunked = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", piece, false);
    CHECK(chunked.done);
    CHECK(chunked.response.body == "hello");
    auto closing = read("HTTP/1.0 503 no\r\n\r\nhello", piece);
    CHECK(closing.done);
    CHECK(closing.response.status == 503);
    CHECK(closing.response.version == 10);
    CHECK(closing.response.body == "hello");
  }
}

TEST_CASE("http reader: blanks around a chunk's size are taken, as everybody else does") {
  for (auto piece : pieces) {
    for (auto text : {"3 \r\nhel\r\n2  \r\nlo\r\n0 \r\n\r\n", "  3\r\nhel\r\n\t2\r\nlo\r\n  0  \r\n\r\n",
                      " 3 ;x=y\r\nhel\r\n2\t;z\r\nlo\r\n0\r\n\r\n"}) {
      CAPTURE(std::string(text));
      CAPTURE(piece);
      auto chunked = read(std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") + text, piece, false);
      CHECK_FALSE(chunked.failure);
      CHECK(chunked.done);
      CHECK(chunked.response.body == "hello");
    }
    for (auto text : {"3 3\r\nhel\r\n", " \r\nhel\r\n", "x 3\r\nhel\r\n"}) {
      CAPTURE(std::string(text));
      auto wrong = read(std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") + text, piece, false);
      CHECK(wrong.failure);
    }
  }
}

TEST_CASE("http reader: answers without a body") {
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 7, false, true).done);
  CHECK(read("HTTP/1.1 204 No Content\r\n\r\n", 7, false).done);
  CHECK(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 7, false).done);
}

TEST_CASE("http reader: interim answers are passed over, not without end") {
  for (auto piece : pieces) {
    auto two =
        read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
             piece, false);
    CHECK(two.done);
    CHECK(two.response.status == 200);
    CHECK(two.response.body == "ok");
    CHECK(two.response.headers.size() == 1);
  }
  std::string many;
  for (int i = 0; i < 50; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
  auto flood = read(many, 100000, false);
  REQUIRE(flood.failure);
  CHECK(flood.failure->reason == Reason::protocol);
}

TEST_CASE("http reader: ends too early") {
  auto nothing = read("", 1);
  REQUIRE(nothing.failure);
  CHECK(nothing.failure->message == "127.0.0.1:80 closed the connection without an answer");
  for (auto text : {"HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
    auto early = read(text, 7);
    REQUIRE(early.failure);
    CHECK(early.failure->reason == Reason::protocol);
    CHECK(early.failure->message == "127.0.0.1:80 closed the connection in the middle of its answer");
  }
}

TEST_CASE("http reader: not HTTP, or wrong") {
  for (auto text : {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                    "\x15\x03\x01\x01\x02\x02\x46"}) {
    for (auto piece : pieces) {
      CAPTURE(std::string(text));
      auto wrong = read(text, piece, false);
      REQUIRE(wrong.failure);
      CHECK(wrong.failure->reason == Reason::protocol);
      CHECK(wrong.failure->message.starts_with("the answer of 127.0.0.1:80 is not HTTP"));
    }
  }
}

TEST_CASE("http reader: too much of a body, announced or not, and too much of a header") {
  const std::string big(2000, 'x');
  for (const auto& text : {std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), "HTTP/1.1 200 OK\r\n\r\n" + big,
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + big}) {
    auto much = read(text, 100000, false);
    REQUIRE(much.failure);
    CHECK(much.failure->reason == Reason::protocol);
    CHECK(much.failure->message == "the body from 127.0.0.1:80 is larger than 1000 bytes");
  }
  std::string header = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10000; ++i) header += "X-Flood: yes\r\n";
  for (auto piece : {std::size_t{700}, std::size_t{100000}}) {
    auto flood = read(header, piece, false);
    REQUIRE(flood.failure);
    CHECK(flood.failure->message == "the header from 127.0.0.1:80 is larger than 65536 bytes");
  }
  auto endless_line = read("HTTP/1.1 200 OK\r\nX: " + std::string(200000, 'y'), 4096, false);
  REQUIRE(endless_line.failure);
}

}  // namespace http_reader_test
