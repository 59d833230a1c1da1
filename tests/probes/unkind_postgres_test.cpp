// SPDX-License-Identifier: Apache-2.0
// Every kind that speaks PostgreSQL's protocol (version 3), before servers that get as far as each phase and then misbehave.
#include "tests/probes/unkind.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

namespace unkind_postgres_test {

using namespace drwatch::testing;

namespace {

using std::chrono::milliseconds;
using Behaviour = std::function<void(Peer)>;

std::string u16(unsigned n) { return {static_cast<char>(n >> 8), static_cast<char>(n)}; }
std::string u32(std::uint32_t n) { return u16(n >> 16) + u16(n & 0xffff); }
std::string message(char type, const std::string& body) { return type + u32(static_cast<std::uint32_t>(body.size() + 4)) + body; }
std::string text(const std::string& t) { return t + '\0'; }

// What a client says first has no type, only a length: SSLRequest, StartupMessage. Empty: it has gone.
std::string receive_packet(Peer& peer) {
  std::string bytes;
  const auto octet = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])); };
  while (bytes.size() < 4 || bytes.size() < (octet(2) << 8 | octet(3))) {
    char byte = 0;
    if (::recv(peer.fd(), &byte, 1, 0) <= 0) return "";
    bytes += byte;
  }
  return bytes;
}

const std::string authenticated = message('R', u32(0));
const std::string ready = message('K', u32(7) + u32(9)) + message('Z', "I");
const std::string notice = message('N', text("SNOTICE") + text("C00000") + text("Mhello") + '\0');
const std::string startup = authenticated + message('S', text("server_version") + text("15.4")) + ready;
const std::string parsed = message('1', "") + message('2', "");
const std::string one_column = message('T', u16(1) + text("a") + u32(0) + u16(0) + u32(25) + u16(0xffff) + u32(0xffffffff) + u16(0));

std::string row(const std::string& value) { return message('D', u16(1) + u32(static_cast<std::uint32_t>(value.size())) + value); }

// Refuses TLS and reads the startup message; then `then`.
Behaviour after_startup(Behaviour then) {
  return [then](Peer peer) {
    receive_packet(peer);
    peer.send("N");
    if (!receive_packet(peer).empty()) then(peer);
  };
}
// Lets the client in and reads its first statement; then `then`.
Behaviour after_query(Behaviour then) {
  return after_startup([then](Peer peer) {
    peer.send(startup);
    char bytes[4096];
    if (::recv(peer.fd(), bytes, sizeof bytes, 0) > 0) then(peer);
  });
}
Behaviour says(std::string bytes) {
  return [bytes](Peer peer) {
    peer.send(bytes);
    peer.wait_for_close();
  };
}
Behaviour on_and_on(std::string first, std::string again, milliseconds pause = milliseconds{0}) {
  return [=](Peer peer) {
    peer.send(first);
    send_on_and_on(peer, again, pause);
  };
}
void resets(Peer peer) { reset(peer); }
void stalls(Peer peer) { peer.wait_for_close(); }
void ends(Peer) {}

std::string many(const std::string& one, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += one;
  return all;
}

// Each under a name of its own: a client that keeps them keeps ever more.
void parameters_on_and_on(Peer peer) {
  for (int n = 0;;) {
    std::string some;
    for (int i = 0; i < 500; ++i) some += message('S', text("p" + std::to_string(n++)) + text("v"));
    if (!peer.send(some)) return;
  }
}

struct Manner {
  const char* what;
  Behaviour behave;
};

std::vector<Manner> first_words() {
  return {
      {"accepts and says nothing", stalls},
      {"resets at once", resets},
      {"ends at once", ends},
      {"refuses TLS and stalls",
       [](Peer peer) {
         receive_packet(peer);
         peer.send("N");
         peer.wait_for_close();
       }},
      {"agrees to TLS and stalls",
       [](Peer peer) {
         receive_packet(peer);
         peer.send("S");
         peer.wait_for_close();
       }},
      {"agrees to TLS and makes noise",
       [](Peer peer) {
         receive_packet(peer);
         peer.send("S" + noise(5000));
       }},
      {"answers the wish for TLS with noise",
       [](Peer peer) {
         receive_packet(peer);
         peer.send("\x07" + noise(5000));
       }},
      {"answers the wish for TLS with a huge error",
       [](Peer peer) {
         receive_packet(peer);
         peer.send("E" + std::string("\x7f\xff\xff\xff", 4));
         send_on_and_on(peer, std::string(10000, 'x'));
       }},
      {"speaks HTTP", [](Peer peer) { peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"), peer.wait_for_close(); }},
      {"says nothing after the startup", after_startup(stalls)},
      {"resets after the startup", after_startup(resets)},
      {"makes noise after the startup", after_startup(says(noise(5000)))},
      {"asks for a password and says nothing", after_startup(says(message('R', u32(3))))},
      {"asks for an unknown authentication", after_startup(says(message('R', u32(4711))))},
      {"asks with nonsense for SCRAM",
       after_startup(says(message('R', u32(10) + text("SCRAM-SHA-256") + '\0') + message('R', u32(11) + noise(500))))},
      {"asks for a password again and again", after_startup(on_and_on("", message('R', u32(3))))},
      {"lies about the length of its authentication", after_startup(on_and_on("R" + u32(0x7fffffff), std::string(10000, '\0')))},
      {"lies about the length of its error", after_startup(on_and_on("E" + u32(0x7fffffff), std::string(10000, 'x')))},
      {"refuses with a long error",
       after_startup(says(message('E', text("SFATAL") + text("C53300") + text("M" + std::string(29000, 'x')) + '\0')))},
      {"refuses with an error without an end", after_startup(says(message('E', std::string(20000, 'M'))))},
      {"drips its authentication", after_startup(on_and_on(authenticated.substr(0, 5), std::string(1, '\0'), milliseconds{5}))},
      {"floods with notices before it is ready", after_startup(on_and_on(authenticated, many(notice, 200)))},
      {"floods with parameters before it is ready", after_startup([](Peer peer) {
         peer.send(authenticated);
         parameters_on_and_on(peer);
       })},
      {"resets before it is ready", after_startup([](Peer peer) {
         peer.send(authenticated);
         reset(peer);
       })},
  };
}

std::vector<Manner> answers() {
  return {
      {"says nothing to a statement", after_query(stalls)},
      {"resets at a statement", after_query(resets)},
      {"ends at a statement", after_query(ends)},
      {"makes noise at a statement", after_query(says(noise(5000)))},
      {"drips an answer", after_query(on_and_on(parsed + one_column + "D" + u32(100000), "x", milliseconds{5}))},
      {"floods with notices at a statement", after_query(on_and_on("", many(notice, 200)))},
      {"floods with parameters at a statement", after_query(parameters_on_and_on)},
      {"floods with notifications", after_query(on_and_on("", many(message('A', u32(1) + text("c") + text("p")), 500)))},
      {"floods with rows", after_query(on_and_on(parsed + one_column, many(row("1"), 500)))},
      {"floods with large rows", after_query(on_and_on(parsed + one_column, row(std::string(1 << 20, 'x'))))},
      {"floods with one row",
       after_query(on_and_on(parsed + one_column + "D" + u32(0x3fffffff) + u16(1) + u32(0x3ffffff0), std::string(100'000, 'x')))},
      {"floods with results", after_query(on_and_on("", parsed + one_column + message('C', text("SELECT 0"))))},
      {"has a negative length in a row", after_query(says(parsed + one_column + message('D', u16(1) + u32(0x80000000) + "x")))},
      {"has more columns than it says", after_query(says(parsed + one_column + message('D', u16(500) + u32(1) + "x")))},
      {"has columns without an end", after_query(says(parsed + message('T', u16(32000) + std::string(2000, 'x'))))},
      {"answers with a copy", after_query(on_and_on(parsed + message('H', std::string(1, '\0') + u16(0)), message('d', "x\n")))},
      {"wants a copy", after_query(says(parsed + message('G', std::string(1, '\0') + u16(0))))},
      {"wants to replicate", after_query(says(parsed + message('W', std::string(1, '\0') + u16(0))))},
      {"fails with a long error",
       after_query(says(message('E', text("SERROR") + text("CXX000") + text("M" + std::string(1 << 20, 'x')) + '\0') + message('Z', "E")))},
      {"fails in two thousand lines",
       after_query(says(message('E', text("SERROR") + text("C42P01") + text("M" + many("a\n", 2000)) + '\0') + message('Z', "E")))},
  };
}

}  // namespace

std::vector<Unkind> all() {
  const std::string dsn = "\"host=127.0.0.1 port={port} user=x dbname=x\"\n";
  const std::pair<const char*, std::string> kinds[] = {
      {"postgres", "dsn = " + dsn},
      {"pg_cron", "job = \"nightly\"\ndsn = " + dsn},
      {"backup", "reads = \"pg_stat_archiver\"\ndsn = " + dsn},
      {"backup", "reads = \"standby\"\ndsn = " + dsn},
  };
  std::vector<Unkind> rows;
  for (const auto& [kind, toml] : kinds) {
    // They all connect in the same way.
    if (std::string(kind) == "postgres")
      for (const Manner& manner : first_words()) rows.push_back({kind, manner.what, toml, manner.behave, nullptr});
    for (const Manner& manner : answers()) {
      rows.push_back({kind, manner.what, toml, manner.behave, nullptr});
      // libpq reads within one message until the flood guard has its turn, which on a busy machine may take a while.
      if (std::string(manner.what) == "floods with one row") rows.back().memory = std::size_t{256} << 20;
    }
  }
  return rows;
}

TEST_CASE("unkind: whoever speaks PostgreSQL's protocol") { survive(unkind_postgres()); }

}  // namespace unkind_postgres_test

std::vector<drwatch::testing::Unkind> drwatch::testing::unkind_postgres() { return unkind_postgres_test::all(); }
