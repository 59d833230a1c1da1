// SPDX-License-Identifier: Apache-2.0
// Every kind that speaks HTTP before servers that mean it no good: it must end in time, stay within its bounds, and never find them well.
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"
#include "tests/world/servers.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <random>

using namespace drwatch;
using namespace drwatch::testing;

namespace {

struct Unkind {
  const char* what;
  std::function<void(Peer)> behave;
};

void send_again_and_again(Peer& peer, const std::string& text, std::chrono::milliseconds pause) {
  while (peer.send(text) && (pause.count() == 0 || peer.wait(pause))) {
  }
}

std::vector<Unkind> unkind() {
  using std::chrono::milliseconds;
  return {
      {"says nothing", [](Peer peer) { peer.wait_for_close(); }},
      {"says nothing after the request",
       [](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.wait_for_close();
       }},
      {"stops in the header",
       [](Peer peer) {
         peer.send("HTTP/1.1 200 OK\r\nContent-Type: appl");
         peer.wait_for_close();
       }},
      {"stops in the body",
       [](Peer peer) {
         peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"keys\":");
         peer.wait_for_close();
       }},
      {"drips",
       [](Peer peer) {
         peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
         send_again_and_again(peer, "[", milliseconds{5});
       }},
      {"floods with header",
       [](Peer peer) {
         peer.send("HTTP/1.1 200 OK\r\n");
         send_again_and_again(peer, std::string(1000, 'x') + ": y\r\n", milliseconds{0});
       }},
      {"floods with body",
       [](Peer peer) {
         peer.send("HTTP/1.1 200 OK\r\n\r\n");
         send_again_and_again(peer, std::string(10000, '['), milliseconds{0});
       }},
      {"floods with interim answers", [](Peer peer) { send_again_and_again(peer, "HTTP/1.1 100 Continue\r\n\r\n", milliseconds{0}); }},
      {"lies about the length",
       [](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n{}");
       }},
      {"resets",
       [](Peer peer) {
         peer.receive_until("\r\n\r\n");
         const linger at_once{1, 0};
         setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
       }},
      {"nests deeply",
       [](Peer peer) {
         peer.receive_until("\r\n\r\n");
         const std::string body(200000, '[');
         peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
       }},
      {"sends random bytes",
       [](Peer peer) {
         std::mt19937 dice(99);
         std::string noise(5000, ' ');
         for (char& c : noise) c = static_cast<char>(dice());
         peer.receive_until("\r\n\r\n");
         peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + noise);
       }},
  };
}

}  // namespace

TEST_CASE("unkind: whatever an HTTP server does, a run ends in time and finds nothing well") {
  const std::pair<const char*, const char*> kinds[] = {
      {"http", "json = [{ pointer = \"/status\", equals = \"ok\" }]"},
      {"auth", ""},
      {"auth", "provider = \"openid\""},
      {"statuspage", ""},
      {"prometheus", "query = \"up\"\nmin = 1"},
  };
  Watch watch;
  for (const Unkind& one : unkind()) {
    CAPTURE(one.what);
    const TcpServer server(one.behave);
    for (const auto& [kind, toml] : kinds) {
      CAPTURE(kind);
      const auto probe = probe_of(kind, "target = \"" + server.url() + "\"\n" + toml);
      const auto began = std::chrono::steady_clock::now();
      const auto outcome = watch.try_run(*probe, milliseconds{150});
      CHECK(std::chrono::steady_clock::now() - began < seconds{10});
      if (!outcome) continue;
      CHECK(outcome->outcome != Health::up);
      CHECK(outcome->outcome != Health::degraded);
      CHECK(outcome->message.size() < 2000);
    }
  }
}
