// SPDX-License-Identifier: Apache-2.0
// Every kind that speaks HTTP.
#include "tests/probes/unkind.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

namespace unkind_http_test {

using namespace drwatch::testing;

namespace {

using std::chrono::milliseconds;
using Behaviour = std::function<void(Peer)>;

Behaviour answers(const std::string& body, const std::string& headers = "") {
  return [body, headers](Peer peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
}

std::string gzip_bomb() {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  std::string made(1 << 20, '\0');
  const std::string plain(1 << 20, '[');
  stream.next_out = reinterpret_cast<Bytef*>(made.data());
  stream.avail_out = static_cast<uInt>(made.size());
  for (int i = 0; i < 200; ++i) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    deflate(&stream, i == 199 ? Z_FINISH : Z_NO_FLUSH);
  }
  made.resize(stream.total_out);
  deflateEnd(&stream);
  return made;
}

// Each field that some kind looks for, and none of the type that it should have.
const char* const wrong_types =
    R"({"status":1e999,"data":null,"components":{},"incidents":"x","ongoing_incidents":7,"keys":[1,null,{"kty":[]}],"issuer":{},"page":7,
        "backups":[[[]],null,{"inserted_at":1,"status":[]}],"physical_backup_data":[],"pitr_enabled":"yes","jwks_uri":[],"error":{"message":[]},
        "version":18446744073709551616,"name":null})";

struct Manner {
  const char* what;
  Behaviour behave;
};

std::vector<Manner> manners() {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
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
       [ok](Peer peer) {
         peer.send(ok + "Content-Length: 1000\r\n\r\n{\"keys\":");
         peer.wait_for_close();
       }},
      {"drips a header",
       [ok](Peer peer) {
         peer.send(ok);
         send_on_and_on(peer, "x", milliseconds{5});
       }},
      {"drips a body",
       [ok](Peer peer) {
         peer.send(ok + "Content-Length: 100000\r\n\r\n");
         send_on_and_on(peer, "[", milliseconds{5});
       }},
      {"floods with header",
       [ok](Peer peer) {
         peer.send(ok);
         send_on_and_on(peer, std::string(1000, 'x') + ": y\r\n");
       }},
      {"floods with cookies",
       [ok](Peer peer) {
         peer.send(ok);
         send_on_and_on(peer, "Set-Cookie: " + std::string(1000, 'x') + "=y\r\n");
       }},
      {"floods with one line", [](Peer peer) { send_on_and_on(peer, std::string(10000, 'H')); }},
      {"floods with body",
       [ok](Peer peer) {
         peer.send(ok + "\r\n");
         send_on_and_on(peer, std::string(10000, '['));
       }},
      {"floods with chunks of a byte",
       [ok](Peer peer) {
         peer.send(ok + "Transfer-Encoding: chunked\r\n\r\n");
         std::string chunks;
         for (int i = 0; i < 1000; ++i) chunks += "1\r\n[\r\n";
         send_on_and_on(peer, chunks);
       }},
      {"floods with interim answers", [](Peer peer) { send_on_and_on(peer, "HTTP/1.1 100 Continue\r\n\r\n"); }},
      {"lies about the length",
       [ok](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send(ok + "Content-Length: 18446744073709551615\r\n\r\n{}");
       }},
      {"lies about a chunk",
       [ok](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send(ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}");
       }},
      {"resets at once", [](Peer peer) { reset(peer); }},
      {"resets after the request",
       [](Peer peer) {
         peer.receive_until("\r\n\r\n");
         reset(peer);
       }},
      {"resets in the body",
       [ok](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send(ok + "Content-Length: 1000\r\n\r\n{");
         reset(peer);
       }},
      {"redirects in a circle",
       [](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
       }},
      {"nests deeply", answers(nested(1'000'000))},
      {"nests deeply, in objects",
       [](Peer peer) {
         std::string body;
         for (int i = 0; i < 100'000; ++i) body += "{\"a\":";
         answers(body)(peer);
       }},
      {"packs a bomb", answers(gzip_bomb(), "Content-Encoding: gzip\r\n")},
      {"has all types wrong", answers(wrong_types)},
      {"answers with huge numbers", answers("{\"status\":" + std::string(500'000, '9') + ",\"data\":1e99999999}")},
      {"answers with bytes that are no text", answers("{\"status\":\"" + noise(5000) + "\"}")},
      {"sends random bytes", answers(noise(5000))},
      {"sends random bytes for a header",
       [](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send("HTTP/1.1 200 OK\r\n" + noise(5000) + "\r\n\r\n");
       }},
      {"speaks another protocol", [](Peer peer) { peer.send("SSH-2.0-OpenSSH_9.2\r\n"), peer.wait_for_close(); }},
  };
}

std::string series(std::size_t count, const std::string& value) {
  std::string body = R"({"status":"success","data":{"resultType":"vector","result":[)";
  for (std::size_t i = 0; i < count; ++i)
    body += (i ? "," : "") + std::string(R"({"metric":{"i":")") + std::to_string(i) + R"("},"value":[1,")" + value + R"("]})";
  return body + "]}}";
}

}  // namespace

std::vector<Unkind> all() {
  const std::pair<const char*, const char*> kinds[] = {
      {"http", "target = \"http://127.0.0.1:{port}/\"\njson = [{ pointer = \"/status\", equals = \"ok\" }]"},
      {"auth", "target = \"http://127.0.0.1:{port}/\""},
      {"auth", "target = \"http://127.0.0.1:{port}/\"\nprovider = \"openid\""},
      {"statuspage", "target = \"http://127.0.0.1:{port}/\""},
      {"prometheus", "target = \"http://127.0.0.1:{port}/\"\nquery = \"up\"\nmin = 1"},
      {"backup",
       "reads = \"supabase\"\nproject = \"abcdefghijklmnopqrst\"\ntoken = { env = \"DRWATCH_TEST_TOKEN\" }\napi = "
       "\"http://127.0.0.1:{port}\""},
  };
  std::vector<Unkind> rows;
  for (const auto& [kind, toml] : kinds)
    for (const Manner& manner : manners()) rows.push_back({kind, manner.what, toml, manner.behave, nullptr});
  const std::string query = "target = \"http://127.0.0.1:{port}/\"\nquery = \"sum(up)\"\nmin = 1";
  rows.push_back({"prometheus", "answers with NaN", query, answers(series(1, "NaN")), nullptr});
  rows.push_back({"prometheus", "answers with a hundred thousand series", query, answers(series(90'000, "0")), nullptr});
  rows.back().memory = 256 << 20;  // a body of 4 MB in small objects
  rows.push_back({"prometheus", "answers with a million series", query, answers(series(1'000'000, "1")), nullptr});
  rows.back().memory = 256 << 20;  // the server's own copies of 45 MB lie in this process
  rows.push_back({"prometheus", "answers with a matrix", query,
                  answers(R"({"status":"success","data":{"resultType":"matrix","result":[]}})"), nullptr});
  return rows;
}

TEST_CASE("unkind: whoever speaks HTTP") { survive(unkind_http()); }

}  // namespace unkind_http_test

std::vector<drwatch::testing::Unkind> drwatch::testing::unkind_http() { return unkind_http_test::all(); }
