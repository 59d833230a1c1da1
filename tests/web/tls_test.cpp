// SPDX-License-Identifier: Apache-2.0
// TLS as curl speaks it, with a certificate made for the test; a new one serves new connections after a reload.
#include "fixture.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace tls_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char bytes[4096];
  for (std::size_t n; (n = fread(bytes, 1, sizeof bytes, pipe)) > 0;) text.append(bytes, n);
  text += "rc=" + std::to_string(pclose(pipe));
  return text;
}

struct Folder {
  std::string path = "/tmp/drwatch-tls-XXXXXX";
  Folder() { REQUIRE(mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
};

void make_certificate(const std::string& stem, const std::string& kind = "ec -pkeyopt ec_paramgen_curve:P-256") {
  const std::string command = "openssl req -x509 -newkey " + kind +
                              " -nodes -days 1 -subj /CN=localhost -addext "
                              "subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " +
                              stem + ".key -out " + stem + ".pem 2>/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
}

// The first message of a TLS client.
std::string client_hello() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> client(SSL_new(context.get()), SSL_free);
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(client.get(), BIO_new(BIO_s_mem()), out);
  SSL_set_connect_state(client.get());
  SSL_do_handshake(client.get());
  std::string bytes(BIO_pending(out), ' ');
  REQUIRE(BIO_read(out, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()));
  return bytes;
}

// A connection from an address of this machine's own choice.
struct From {
  int own = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  From(const char* source, int port) {
    const timeval patience{20, 0};
    setsockopt(own, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = inet_addr(source);
    REQUIRE(bind(own, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(own, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  From(From&& other) noexcept : own(std::exchange(other.own, -1)) {}
  ~From() {
    if (own >= 0) close(own);
  }
  bool send(const std::string& bytes) const {
    return ::send(own, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  // Reads to the end, within the patience.
  bool ended(std::size_t& bytes) const {
    char some[4096];
    ssize_t size = 0;
    while ((size = recv(own, some, sizeof some, 0)) > 0) bytes += static_cast<std::size_t>(size);
    return size == 0 || errno == ECONNRESET;
  }
  bool answered(int flags) const {
    char byte = 0;
    return recv(own, &byte, 1, MSG_PEEK | flags) == 1;
  }
};

}  // namespace

TEST_CASE("a configured certificate is what clients are shown") {
  const Folder folder;
  const std::string stem = folder.path + "/server";
  make_certificate(stem);
  Running server({}, [&](Settings& settings) {
    settings.server.tls_certificate = stem + ".pem";
    settings.server.tls_key = stem + ".key";
  });
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port()) + "/healthz";
  CHECK(output_of("curl -s --max-time 5 --cacert " + stem + ".pem " + url + " " + url) == "ok\nok\nrc=0");
  CHECK(output_of("curl -s --max-time 5 " + url + " >/dev/null 2>&1") != "rc=0");  // nobody vouches for it
  Client plain(server.port());
  plain.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(plain.reply().status == 0);  // never an answer in the clear

  make_certificate(stem + "2");
  server.on_loop([&] { server.use_identity(web::load_identity(stem + "2.pem", stem + "2.key")); });
  CHECK(output_of("curl -s --max-time 5 --cacert " + stem + "2.pem " + url) == "ok\nrc=0");
  CHECK_THROWS_WITH_AS(web::load_identity(stem + ".pem", stem + "2.key"), doctest::Contains("must be PEM and belong to"),
                       std::runtime_error);
}

TEST_CASE("a key under a passphrase is refused, and no terminal asked for it") {
  const Folder folder;
  const std::string stem = folder.path + "/server";
  make_certificate(stem);
  REQUIRE(std::system(("openssl pkey -aes128 -passout pass:secret -in " + stem + ".key -out " + stem + "-locked.key").c_str()) == 0);
  CHECK_THROWS_WITH_AS(web::load_identity(stem + ".pem", stem + "-locked.key"),
                       doctest::Contains("-locked.key: it is protected by a passphrase, which drwatch can't ask for; give it one without"),
                       std::runtime_error);
}

TEST_CASE("a certificate whose file does not answer is refused within a moment") {
  const Folder folder;
  const std::string pipe = folder.path + "/pipe.pem";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);  // opening it waits for a writer
  const auto begin = std::chrono::steady_clock::now();
  CHECK_THROWS_WITH_AS(web::load_identity(pipe, pipe), doctest::Contains("one of the two does not answer"), std::runtime_error);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

// Counted, not timed: how many of the others had their answer when the one had it. With a large key, so that the rest of them takes
// seconds.
TEST_CASE("handshakes are taken by turns of the peers, and a silent or halting client has none") {
  const Folder folder;
  const std::string stem = folder.path + "/server";
  make_certificate(stem, "rsa:4096");
  web::Limits limits;
  limits.header_within = minutes{2};
  Running server(limits, [&](Settings& settings) {
    settings.server.tls_certificate = stem + ".pem";
    settings.server.tls_key = stem + ".key";
  });
  constexpr std::size_t many = 150;
  const std::string hello = client_hello();
  std::vector<From> others, silent;
  for (int i = 0; i < 20; ++i) silent.emplace_back("127.0.0.1", server.port());
  for (std::size_t i = 0; i < silent.size(); i += 2) CHECK(silent[i].send(hello.substr(0, 100)));
  for (std::size_t i = 0; i < many; ++i) others.emplace_back("127.0.0.2", server.port());
  const From one("127.0.0.3", server.port());
  for (int i = 0; i < 500 && server.connections() < silent.size() + many + 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  REQUIRE(server.connections() == silent.size() + many + 1);
  // The loop stands while all of them begin, the one last.
  std::promise<void> stands, goes_on;
  std::thread holding([&] {
    server.on_loop([&] {
      stands.set_value();
      goes_on.get_future().wait();
    });
  });
  stands.get_future().wait();
  for (const auto& other : others) CHECK(other.send(hello));
  CHECK(one.send(hello));
  goes_on.set_value();
  holding.join();
  CHECK(one.answered(0));
  const auto had = std::count_if(others.begin(), others.end(), [](const From& other) { return other.answered(MSG_DONTWAIT); });
  CHECK(had < static_cast<std::ptrdiff_t>(many / 2));
  // What was begun in pieces goes on.
  CHECK(silent[0].send(hello.substr(100)));
  CHECK(silent[0].answered(0));
  for (const auto& other : others) CHECK(other.answered(0));
}

TEST_CASE("a peer that floods with handshakes makes room among its own") {
  const Folder folder;
  const std::string stem = folder.path + "/server";
  make_certificate(stem, "rsa:4096");
  web::Limits limits;
  limits.header_within = minutes{2};
  limits.connections = 40;
  Running server(limits, [&](Settings& settings) {
    settings.server.tls_certificate = stem + ".pem";
    settings.server.tls_key = stem + ".key";
  });
  const From one("127.0.0.3", server.port());  // the oldest, and as slow as any
  for (int i = 0; i < 500 && server.connections() < 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::vector<From> others;
  const std::string hello = client_hello();
  for (int i = 0; i < 120; ++i) others.emplace_back("127.0.0.2", server.port()), others.back().send(hello);
  CHECK(one.send(hello));
  CHECK(one.answered(0));
  // One that makes room is there until it has ended.
  std::size_t left = server.connections();
  for (int i = 0; i < 500 && left > 40; ++i, left = server.connections()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(left <= 40);
}

TEST_CASE("who waits for his turn longer than a header may take is let go") {
  const Folder folder;
  const std::string stem = folder.path + "/server";
  make_certificate(stem, "rsa:4096");
  web::Limits limits;
  limits.header_within = milliseconds{50};
  limits.look_every = milliseconds{10};
  Running server(limits, [&](Settings& settings) {
    settings.server.tls_certificate = stem + ".pem";
    settings.server.tls_key = stem + ".key";
  });
  const std::string hello = client_hello();
  std::vector<From> all;
  for (int i = 0; i < 200; ++i) all.emplace_back("127.0.0.1", server.port()), all.back().send(hello);
  // Each hears of it, one that was accepted late as well.
  const auto had = std::count_if(all.begin(), all.end(), [](const From& each) {
    std::size_t bytes = 0;
    CHECK(each.ended(bytes));
    return bytes > 0;
  });
  CHECK(had < 200);
}

}  // namespace tls_test
