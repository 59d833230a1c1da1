// SPDX-License-Identifier: Apache-2.0
// The client against a server that answers one request and remembers it.
#include "daemon/commands/client.hpp"
#include "daemon/commands/commands.hpp"

#include "tests/commands/documents.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace drwatch::commands::tests::client_test {

namespace {

class OneAnswer {
 public:
  OneAnswer(int status, std::string type, std::string body) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket_, 1) == 0);
    socklen_t length = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    answer_ = "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\nConnection: close\r\n\r\n" + body;
    thread_ = std::thread([this] { serve(); });
  }
  ~OneAnswer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // Waits until the client was served.
  const std::string& request() {
    while (!served_) std::this_thread::yield();
    return request_;
  }

 private:
  void serve() {
    const int client = ::accept(socket_, nullptr, nullptr);
    if (client < 0) return;
    char buffer[4096];
    while (!complete()) {
      const ssize_t count = ::recv(client, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      request_.append(buffer, static_cast<std::size_t>(count));
    }
    ::send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    ::shutdown(client, SHUT_WR);
    while (::recv(client, buffer, sizeof buffer, 0) > 0) {
    }
    ::close(client);
    served_ = true;
  }
  bool complete() const {
    const auto end = request_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const auto length = request_.find("Content-Length: ");
    const std::size_t body = length == std::string::npos ? 0 : static_cast<std::size_t>(std::atoi(request_.c_str() + length + 16));
    return request_.size() >= end + 4 + body;
  }
  int socket_ = -1, port_ = 0;
  std::string answer_, request_;
  std::thread thread_;
  std::atomic<bool> served_ = false;
};

std::string header(const std::string& request, const std::string& name) {
  const auto at = request.find(name + ": ");
  return at == std::string::npos ? "" : request.substr(at + name.size() + 2, request.find("\r\n", at) - at - name.size() - 2);
}

ClientOptions to(const std::string& server) {
  ClientOptions options;
  options.server = server;
  return options;
}

std::string refusal(const std::function<void()>& what) {
  try {
    what();
  } catch (const CommandRefused& refused) {
    return refused.what();
  }
  return "not refused";
}

}  // namespace

TEST_CASE("reading sends no key; acting sends one, the token and the body") {
  ::setenv("DRWATCH_TOKEN", "s3cret", 1);
  std::string first_key;
  {
    OneAnswer server(200, "application/json", R"({"incidents": [], "next": null})");
    CHECK(Client(to(server.url() + "/")).get("/api/v1/incidents")["incidents"].empty());
    CHECK(server.request().starts_with("GET /api/v1/incidents HTTP/1.1\r\n"));
    CHECK(header(server.request(), "Idempotency-Key") == "");
    CHECK(header(server.request(), "Authorization") == "Bearer s3cret");
  }
  for (int i = 0; i < 2; ++i) {
    OneAnswer server(201, "application/json", R"({"id": "x"})");
    CHECK(Client(to(server.url())).post("/api/v1/incidents", Json{{"scenario", "database-outage"}})["id"] == "x");
    CHECK(server.request().starts_with("POST /api/v1/incidents HTTP/1.1\r\n"));
    CHECK(server.request().ends_with("\r\n\r\n{\"scenario\":\"database-outage\"}"));
    CHECK(header(server.request(), "Content-Type") == "application/json");
    const auto key = header(server.request(), "Idempotency-Key");
    CHECK(key.size() == 32);
    CHECK(key.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(key != first_key);
    first_key = key;
  }
  ::unsetenv("DRWATCH_TOKEN");
}

TEST_CASE("a problem is one line with what to do, and its document is kept") {
  const std::string body =
      R"({"type": "about:blank", "title": "cannot be resolved", "status": 409, "detail": "critical steps are open", "list": ["scope", "restore"]})";
  OneAnswer server(409, "application/problem+json", body);
  try {
    Client(to(server.url())).post("/api/v1/incidents/x/resolve", Json::object());
    FAIL("not refused");
  } catch (const CommandRefused& refused) {
    CHECK(std::string(refused.what()) == "cannot be resolved; critical steps are open: scope, restore");
    CHECK(refused.problem == body);
  }
}

TEST_CASE("what to do follows from the status") {
  CHECK(has(problem_line(401, R"({"title": "no token"})", false), "give a token: --token-file FILE"));
  CHECK(has(problem_line(401, R"({"title": "no token"})", true), "not one of [server.tokens]"));
  CHECK(problem_line(404, R"({"title": "not found", "detail": "did you mean 'fire'?", "list": ["fire"]})", false) ==
        "not found; did you mean 'fire'?");
  CHECK(has(problem_line(403, R"({"title": "not allowed"})", true), "higher role"));
  CHECK(has(problem_line(503, "<html>", false), "drwatch answered 503; try again"));
  CHECK_FALSE(has(problem_line(404, "{\"title\": \"a\\nb\\u001b[2J\"}", false), "\n"));
  CHECK_FALSE(has(problem_line(404, "{\"title\": \"a\\nb\\u001b[2J\"}", false), "\x1b"));
}

TEST_CASE("nobody there, and something else there") {
  int free_port = 0;
  {
    OneAnswer gone(200, "text/plain", "");
    free_port = std::atoi(gone.url().c_str() + gone.url().rfind(':') + 1);
  }
  const auto line = refusal([&] { Client(to("127.0.0.1:" + std::to_string(free_port))).get("/api/v1/status"); });
  CHECK(has(line, "cannot reach drwatch at http://127.0.0.1:"));
  CHECK(has(line, "start it with drwatch serve --config FILE"));
  OneAnswer other(200, "text/html", "<html>hello</html>");
  CHECK(has(refusal([&] { Client(to(other.url())).get("/api/v1/status"); }), "is not drwatch"));
  CHECK(has(refusal([] { Client(to("gopher://x")).get("/"); }), "cannot reach drwatch at gopher://x"));
}

TEST_CASE("the token's file: read without its line end; missing or torn says so and never shows it") {
  const auto folder = std::filesystem::temp_directory_path() / ("drwatch-token-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string path = (folder / "token").string();
  std::ofstream(path) << "from-a-file\n";
  ClientOptions options;
  options.token_file = path;
  {
    OneAnswer server(200, "application/json", "{}");
    options.server = server.url();
    Client(options).get("/api/v1/status");
    CHECK(header(server.request(), "Authorization") == "Bearer from-a-file");
  }
  std::ofstream(path) << "two words";
  const auto torn = refusal([&] { Client{options}; });
  CHECK(has(torn, "characters that no token has"));
  CHECK_FALSE(has(torn, "two words"));
  options.token_file = path + "-nowhere";
  CHECK(has(refusal([&] { Client{options}; }), "cannot read the token in " + path + "-nowhere"));
  std::filesystem::remove_all(folder);
}

TEST_CASE("a reload takes the socket of the unit when this user may open it, and nothing else was asked for") {
  const std::string folder = (std::filesystem::temp_directory_path() / ("drwatch-reload-" + std::to_string(::getpid()))).string();
  std::filesystem::create_directory(folder);
  const std::string socket = folder + "/control.sock", other = "https://drwatch.example";
  std::filesystem::permissions(folder, std::filesystem::perms::all);
  CHECK(reload_server(default_server, socket) == default_server);
  std::ofstream(socket) << "";
  CHECK(reload_server(default_server, socket) == "unix:" + socket);
  CHECK(reload_server(other, socket) == other);
  std::filesystem::permissions(socket, std::filesystem::perms::none);
  const pid_t child = ::fork();  // root may open everything
  if (child == 0) {
    if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
    ::_exit(reload_server(default_server, socket) == default_server ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  std::filesystem::remove_all(folder);
}

TEST_CASE("names become one element of a path") {
  CHECK(path_element("20260301-0211-database-outage") == "20260301-0211-database-outage");
  CHECK(path_element("../a b/ü?") == "..%2Fa%20b%2F%C3%BC%3F");
}

}  // namespace drwatch::commands::tests::client_test
