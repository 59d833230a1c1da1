// SPDX-License-Identifier: Apache-2.0
// tls, tcp with its scripts, STARTTLS of each sort, and icmp.
#include "tests/probes/unkind.hpp"

#include <doctest/doctest.h>

namespace unkind_streams_test {

using namespace drwatch::testing;

namespace {

using std::chrono::milliseconds;
using Behaviour = std::function<void(Peer)>;

struct Manner {
  std::string what;
  Behaviour behave;
};

std::vector<Manner> manners() {
  return {
      {"says nothing", [](Peer peer) { peer.wait_for_close(); }},
      {"resets at once", [](Peer peer) { reset(peer); }},
      {"ends at once", [](Peer) {}},
      {"makes noise", [](Peer peer) { peer.send(noise(100'000)), peer.wait_for_close(); }},
      {"floods with a line without an end", [](Peer peer) { send_on_and_on(peer, std::string(10000, 'x')); }},
      {"floods with lines", [](Peer peer) { send_on_and_on(peer, "220-x\r\n220-x\r\n220-x\r\n220-x\r\n"); }},
      {"floods with empty lines", [](Peer peer) { send_on_and_on(peer, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"); }},
      {"floods with zero bytes", [](Peer peer) { send_on_and_on(peer, std::string(10000, '\0')); }},
      {"drips", [](Peer peer) { send_on_and_on(peer, "2", milliseconds{5}); }},
      {"drips lines", [](Peer peer) { send_on_and_on(peer, "220-\n", milliseconds{5}); }},
  };
}

// Once TLS should begin.
std::vector<Manner> handshakes() {
  const std::string hello("\x16\x03\x03\x40\x00\x02\xff\xff\xff\x03\x03", 11);  // a ServerHello of 16 MB
  return {
      {"says nothing to the hello",
       [](Peer peer) {
         peer.receive_until("\x03\x03");
         peer.wait_for_close();
       }},
      {"resets at the hello",
       [](Peer peer) {
         peer.receive_until("\x03\x03");
         reset(peer);
       }},
      {"answers the hello with an alert",
       [](Peer peer) { peer.send(std::string("\x15\x03\x03\x00\x02\x02\x28", 7)), peer.wait_for_close(); }},
      {"answers with warnings on and on", [](Peer peer) { send_on_and_on(peer, std::string("\x15\x03\x03\x00\x02\x01\x5a", 7)); }},
      {"answers the hello with noise in a record",
       [](Peer peer) { peer.send(std::string("\x16\x03\x03\x10\x00", 5) + noise(4096)), peer.wait_for_close(); }},
      {"answers with empty records on and on", [](Peer peer) { send_on_and_on(peer, std::string("\x16\x03\x03\x00\x00", 5)); }},
      {"lies about the length of its hello", [hello](Peer peer) { peer.send(hello), send_on_and_on(peer, std::string(10000, '\0')); }},
      {"drips its hello", [hello](Peer peer) { peer.send(hello), send_on_and_on(peer, "x", milliseconds{5}); }},
      {"says back what it hears",
       [](Peer peer) {
         const std::string heard = peer.receive_until("\x03\x03");
         peer.send(heard);
         peer.wait_for_close();
       }},
  };
}

Behaviour agreeing(bool mail, Behaviour then) {
  return [=](Peer peer) {
    if (mail) {
      peer.send("220 mail\r\n");
      peer.receive_until("\r\n");
      peer.send("250-mail\r\n250 STARTTLS\r\n");
      peer.receive_until("\r\n");
      peer.send("220 go\r\n");
    } else {
      peer.receive_until("\x2f");
      peer.send("S");
    }
    then(peer);
  };
}

}  // namespace

std::vector<Unkind> all() {
  const std::string at = "target = \"127.0.0.1:{port}\"\n";
  const std::string script =
      "script = [{ expect = \"^220 \", fail = \"^5\" }, { send = \"EHLO x\\r\\n\" }, { expect = \"STARTTLS\" }, { send = "
      "\"STARTTLS\\r\\n\" }, { expect = \"^220 \" }, "
      "{ starttls = true }, { send = \"QUIT\\r\\n\", expect = \"^221 \" }]";
  std::vector<Unkind> rows;
  for (const std::string& more : std::vector<std::string>{"starttls = \"none\"", "starttls = \"smtp\"", "starttls = \"postgres\""}) {
    for (const Manner& manner : manners()) rows.push_back({"tls", manner.what, at + more, manner.behave, nullptr});
    const bool mail = more.find("smtp") != more.npos;
    for (const Manner& manner : handshakes())
      rows.push_back(
          {"tls", manner.what, at + more, more.find("none") != more.npos ? manner.behave : agreeing(mail, manner.behave), nullptr});
  }
  for (const std::string& more :
       {std::string("send = \"PING\\r\\n\"\nexpect = \"^\\\\+PONG\""), std::string("expect = \"^221 \"\ntls = {}"), script})
    for (const Manner& manner : manners()) rows.push_back({"tcp", manner.what, at + more, manner.behave, nullptr});
  for (const Manner& manner : handshakes()) {
    rows.push_back({"tcp", manner.what, at + "expect = \"^221 \"\ntls = {}", manner.behave, nullptr});
    rows.push_back({"tcp", manner.what, at + script, agreeing(true, manner.behave), nullptr});
  }
  // Nobody can be made to answer echoes wrongly without privileges; what a reply must be is tested in tests/world/icmp_test.cpp.
  for (const char* whom : {"240.0.0.1", "unkind.invalid", "ff02::1", "a..b", "-"})
    rows.push_back({"icmp", whom, "count = 20\nwait = \"1s\"\ntarget = \"" + std::string(whom) + "\"", nullptr, nullptr});
  return rows;
}

TEST_CASE("unkind: whoever speaks over a stream") { survive(unkind_streams()); }

}  // namespace unkind_streams_test

std::vector<drwatch::testing::Unkind> drwatch::testing::unkind_streams() { return unkind_streams_test::all(); }
