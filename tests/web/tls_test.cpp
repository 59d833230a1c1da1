// SPDX-License-Identifier: Apache-2.0
// TLS as curl speaks it, with a certificate made for the test; a new one serves new connections after a reload.
#include "fixture.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

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

void make_certificate(const std::string& stem) {
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost -addext "
      "subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " +
      stem + ".key -out " + stem + ".pem 2>/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
}

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

TEST_CASE("a reload waits for no file, and stays with the certificate that works when another cannot be used") {
  const Folder folder;
  const std::string pipe = folder.path + "/pipe.pem", stem = folder.path + "/server";
  make_certificate(stem);
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  boost::asio::io_context loop;
  RealWorld world(loop.get_executor(), 1);
  FakeDesk desk(small_platform());
  Quiet log;
  TaskGroup tasks(loop.get_executor(), [](const std::string&, std::exception_ptr) {});
  ServerSettings settings = desk.settings()->server;
  settings.listen = "127.0.0.1:0";
  Web web(world.world(), desk, log, tasks, settings);
  settings.tls_certificate = stem + ".pem";
  settings.tls_key = stem + ".key";
  ServerIdentity identity = read_server_identity(settings);
  CHECK(identity.identity);
  CHECK(identity.error.empty());
  settings.tls_certificate = settings.tls_key = pipe;  // hangs since
  web.reload(settings, std::move(identity));
  CHECK(log.lines.empty());
  settings.tls_certificate = folder.path + "/none.pem";
  web.reload(settings, read_server_identity(settings));
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines.front().find("none.pem: No such file or directory; the certificate loaded before stays in use") != std::string::npos);
  web.stop();
  tasks.cancel_all();
  for (int i = 0; i < 500 && tasks.running() > 0; ++i) loop.run_for(std::chrono::milliseconds(10));
}

}  // namespace tls_test
