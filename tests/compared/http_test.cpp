// SPDX-License-Identifier: Apache-2.0
// The same servers asked by drwatch, by Prometheus's blackbox_exporter and by check_http of monitoring-plugins. Where the verdicts differ,
// the table says why; a difference that it does not know, or one that is gone, fails the test.
#include "tests/compared/runners.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"
#include "tests/world/servers.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <future>

namespace http_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

using Behaviour = std::function<void(Peer)>;

struct Target {
  const char* what;
  Behaviour server;  // null: nobody listens
  const char* module = "http";
  std::string toml = {};
  // What each is expected to say; check_http: nullopt where it has no such question.
  bool drwatch = true, blackbox = true;
  std::optional<bool> check_http = {};
  const char* why = "";  // of every difference
  const char* path = "/";
};

Behaviour says(std::string text) {
  return [text](Peer peer) {
    peer.receive_until("\r\n\r\n");
    peer.send(text);
  };
}
Behaviour says_and_waits(std::string text) {
  return [text](Peer peer) {
    peer.receive_until("\r\n\r\n");
    peer.send(text);
    peer.wait_for_close();
  };
}
// Over and over, until the other side goes.
Behaviour floods(std::string first, std::string again, std::chrono::milliseconds pause = std::chrono::milliseconds{0}) {
  return [=](Peer peer) {
    peer.receive_until("\r\n\r\n");
    if (!peer.send(first)) return;
    while (peer.send(again) && (pause.count() == 0 || peer.wait(pause))) {
    }
  };
}
Behaviour pages(std::map<std::string, std::string> by_path) {
  return [by_path](Peer peer) {
    const std::string request = peer.receive_until("\r\n\r\n");
    const auto from = request.find(' ') + 1;
    const auto page = by_path.find(request.substr(from, request.find(' ', from) - from));
    peer.send(page == by_path.end() ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" : page->second);
  };
}

std::string ok(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string gzipped(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  std::string made(1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(made.data());
  stream.avail_out = static_cast<uInt>(made.size());
  deflate(&stream, Z_FINISH);
  made.resize(stream.total_out);
  deflateEnd(&stream);
  return made;
}

std::vector<Target> targets() {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", zip = gzipped("hello ok");
  std::string header_flood = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 4000; ++i) header_flood += "X-Filler-" + std::to_string(i) + ": " + std::string(40, 'x') + "\r\n";
  return {
      {"good", says(ok("ok")), "http", "", true, true, true},
      {"nobody listens", nullptr, "http", "", false, false, false},
      {"not found", says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "http", "", false, false, false},
      {"server error", says("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), "http", "", false, false, false},
      {"no body", says("HTTP/1.1 204 No Content\r\n\r\n"), "http", "", true, true, true},
      {"empty body", says(ok("")), "http", "", true, true, true},
      {"redirect", pages({{"/", "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"}, {"/there", ok("ok")}}), "http", "",
       true, true, true},
      {"redirect not followed", pages({{"/", "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"}, {"/there", ok("ok")}}),
       "no_follow", "redirects = 0", false, false},
      {"redirect loop", says("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), "http", "", false, false, false},
      {"redirect to ftp", says("HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"), "http", "", false, false},
      {"redirect without location", says("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), "http", "", false, false},
      {"body matches", says(ok("hello ok")), "body", "body_matches = \"ok\"", true, true},
      {"body does not match", says(ok("maintenance")), "body", "body_matches = \"ok\"", false, false},
      {"header matches", says(ok("x", "X-Build: v7\r\n")), "header", "header_matches = { x-build = \"v7\" }", true, true},
      {"header is missing", says(ok("x")), "header", "header_matches = { x-build = \"v7\" }", false, false},
      {"packed", says(ok(zip, "Content-Encoding: gzip\r\n")), "gzip", "body_matches = \"ok\"", true, true},
      {"packed badly", says(ok("not packed", "Content-Encoding: gzip\r\n")), "gzip", "body_matches = \"ok\"", false, false},
      {"packed, cut", says(ok(zip.substr(0, 15), "Content-Encoding: gzip\r\n")), "gzip", "body_matches = \"ok\"", false, false},
      {"HTTP/1.0 until the end", says("HTTP/1.0 200 OK\r\n\r\nok"), "http", "", true, true, true},
      {"HTTP/1.0 where 1.1 is asked for", says("HTTP/1.0 200 OK\r\n\r\nok"), "v11", "versions = [\"1.1\"]", false, false},
      {"closes without an answer", says(""), "http", "", false, false, false},
      {"closes in the header", says("HTTP/1.1 200 OK\r\nContent-Le"), "http", "", false, false},
      {"closes in the body", says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok"), "http", "", false, false},
      {"length shorter than the body", says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more"), "http", "", true, true},
      {"length that is none", says("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok"), "http", "", false, false},
      {"two lengths that differ", says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"), "http", "", false, false},
      {"chunked, with extensions and a trailer", says(chunked + "2;x=y\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"), "http", "", true, true, true},
      {"chunked, padded with blanks", says(chunked + "2   \r\nok\r\n0   \r\n\r\n"), "http", "", true, true},
      {"chunked, with nonsense as a size", says(chunked + "zz\r\nok\r\n0\r\n\r\n"), "http", "", false, false},
      {"chunked, without an end", says(chunked + "2\r\nok\r\n"), "http", "", false, false},
      {"chunked and a length",
       says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
       "http",
       "",
       false,
       true,
       {},
       "both is what smuggles requests (RFC 9112 6.1): blackbox lets the chunks win"},
      {"interim answers", says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok("ok")), "http", "", true,
       true},
      {"bare line feeds", says("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), "http", "", false, true, true,
       "RFC 9112 2.2 lets a recipient take a bare LF, and blackbox and check_http do; drwatch does not: no real server sends it"},
      {"no reason phrase", says("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"), "http", "", true, true},
      {"nor the space before it",
       says("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"),
       "http",
       "",
       false,
       true,
       {},
       "the space is required (RFC 9112 4); Beast's parser insists on it, Go's does not"},
      {"random bytes", says(std::string("\x16\x03\x01\x02\x00\x01\xfc\x03\r\n\r\n", 12)), "http", "", false, false, false},
      {"a header flood",
       says(header_flood + "\r\n"),
       "http",
       "",
       false,
       true,
       {},
       "200 kB of header: drwatch bounds it at 64 KiB, blackbox at 10 MB"},
      {"an endless header", floods("HTTP/1.1 200 OK\r\n", std::string(4000, 'x') + ": y\r\n"), "http", "", false, false},
      {"an endless body", floods("HTTP/1.1 200 OK\r\n\r\n", std::string(4000, 'x')), "bounded", "max_body = 100000", false, false},
      {"a dripping header", floods("HTTP/1.1 200 OK\r\n", "X", std::chrono::milliseconds{100}), "http", "", false, false},
      {"a dripping body", floods("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "x", std::chrono::milliseconds{100}), "http", "",
       false, false},
      {"silence", [](Peer peer) { peer.wait_for_close(); }, "http", "", false, false, false},
      {"silence in the body", says_and_waits("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"), "http", "", false, false},
      {"a zero byte in a header",
       says(std::string("HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 2\r\n\r\nok", 50)),
       "http",
       "",
       false,
       true,
       {},
       "RFC 9110 5.5 calls it invalid and dangerous; blackbox lets it pass"},
  };
}

struct Verdicts {
  bool drwatch = false, blackbox = false;
  std::optional<bool> check_http;
  std::string message;
};

Verdicts judge(const Target& target, const Blackbox& blackbox) {
  std::optional<TcpServer> server;
  if (target.server) server.emplace(target.server);
  const std::string url = "http://127.0.0.1:" + std::to_string(server ? server->port() : unused_port()) + target.path;
  Verdicts verdicts;
  Watch watch;
  const auto probe = probe_of("http", "target = \"" + url + "\"\n" + target.toml);
  const auto outcome = watch.try_run(*probe, patience);
  verdicts.drwatch = outcome && (outcome->outcome == Health::up || outcome->outcome == Health::degraded);
  verdicts.message = outcome ? outcome->message : "no answer in time";
  verdicts.blackbox = blackbox.succeeds(watch, url, target.module);
  if (target.check_http) verdicts.check_http = check_http(watch, url);
  return verdicts;
}

}  // namespace

TEST_CASE("compared: drwatch, blackbox_exporter and check_http before the same servers") {
  const Blackbox blackbox;
  const auto all = targets();
  CHECK(all.size() >= 40);
  for (std::size_t begin = 0; begin < all.size(); begin += 4) {
    std::vector<std::future<Verdicts>> running;
    for (std::size_t i = begin; i < std::min(all.size(), begin + 4); ++i)
      running.push_back(std::async(std::launch::async, [&blackbox, &target = all[i]] { return judge(target, blackbox); }));
    for (std::size_t i = 0; i < running.size(); ++i) {
      const Target& target = all[begin + i];
      const Verdicts got = running[i].get();
      const std::string what = target.what;
      CAPTURE(what);
      CAPTURE(got.message);
      CHECK(got.drwatch == target.drwatch);
      CHECK(got.blackbox == target.blackbox);
      CHECK(got.check_http == target.check_http);
      const bool differ = target.drwatch != target.blackbox || (target.check_http && *target.check_http != target.drwatch);
      CHECK_MESSAGE(differ == (*target.why != '\0'), "a difference has a reason, and only a difference has one");
    }
  }
}

}  // namespace http_test
