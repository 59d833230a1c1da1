// SPDX-License-Identifier: Apache-2.0
#include "tests/alerting/real_parts.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace drwatch::testing {

using nlohmann::json;

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "drwatch-alerting-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}
TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

// A listening socket on a free port of loopback.
int listen_somewhere(int& port) {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at = loopback(0);
  socklen_t size = sizeof at;
  REQUIRE(bind(made, reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(listen(made, 16) == 0);
  getsockname(made, reinterpret_cast<sockaddr*>(&at), &size);
  port = ntohs(at.sin_port);
  return made;
}

bool somebody_listens(int port) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in at = loopback(port);
  const bool listens = connect(probe, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  close(probe);
  return listens;
}

pid_t start_program(std::vector<std::string>& argv, int output) {
  std::vector<char*> words;
  for (std::string& word : argv) words.push_back(word.data());
  words.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execvp(words[0], words.data());
  _exit(127);
}

}  // namespace

int free_port() {
  int port = 0;
  close(listen_somewhere(port));
  return port;
}

Child::Child(std::vector<std::string> argv, const std::string& output) {
  const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ = start_program(argv, file);
  close(file);
  REQUIRE(pid_ > 0);
}
void Child::stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::pair<int, std::string> run_to_end(std::vector<std::string> argv) {
  const TempFolder folder;
  const int file = open((folder / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const pid_t pid = start_program(argv, file);
  close(file);
  int status = 0;
  waitpid(pid, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, read_file(folder / "out")};
}

int ended_in_child(const std::function<void()>& act) {
  const pid_t child = fork();
  if (child == 0) {
    act();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

Receiver::Receiver() : socket_(listen_somewhere(port_)), thread_([this] { serve(); }) {}
Receiver::~Receiver() {
  over_ = true;
  thread_.join();
  close(socket_);
}

void Receiver::serve() {
  while (!over_) {
    pollfd waiting{socket_, POLLIN, 0};
    if (poll(&waiting, 1, 20) <= 0) continue;
    const int connection = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    answer(connection);
    close(connection);
  }
}

void Receiver::answer(int connection) {
  const timeval patience{2, 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string text;
  char part[4096];
  std::size_t whole = std::string::npos;
  while (text.size() < whole) {
    const ssize_t got = recv(connection, part, sizeof part, 0);
    if (got <= 0) return;
    text.append(part, static_cast<std::size_t>(got));
    const auto head = text.find("\r\n\r\n");
    const auto length = text.find("Content-Length: ");
    if (head != std::string::npos) whole = head + 4 + (length < head ? std::stoul(text.substr(length + 16)) : 0);
  }
  const json body = json::parse(text.substr(text.find("\r\n\r\n") + 4), nullptr, false);
  {
    const std::lock_guard held(lock_);
    if (!body.is_discarded()) bodies_.push_back(body);
  }
  const std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
}

std::vector<json> Receiver::bodies() const {
  const std::lock_guard held(lock_);
  return bodies_;
}

std::size_t Receiver::heard(const std::string& status, const std::string& alertname) const {
  std::size_t count = 0;
  for (const json& body : bodies())
    for (const json& alert : body["alerts"])
      if (alert["status"] == status && alert["labels"]["alertname"] == alertname) ++count;
  return count;
}

RealAlertmanager::RealAlertmanager(std::string configuration) {
  write_file(folder_ / "alertmanager.yml", configuration);
  start();
}

void RealAlertmanager::start() {
  child_.emplace(std::vector<std::string>{"prometheus-alertmanager", "--config.file=" + (folder_ / "alertmanager.yml"),
                                          "--storage.path=" + (folder_ / "storage"),
                                          "--web.listen-address=127.0.0.1:" + std::to_string(port_), "--cluster.listen-address="},
                 folder_ / "log");
  for (int i = 0; i < 500 && !somebody_listens(port_); ++i) std::this_thread::sleep_for(milliseconds(10));
  REQUIRE_MESSAGE(somebody_listens(port_), read_file(folder_ / "log"));
}
void RealAlertmanager::stop() { child_.reset(); }

std::string prompt_configuration(const std::string& receiver_url) {
  return "route: {receiver: all, group_by: [alertname, scenario], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
         "receivers:\n- name: all\n  webhook_configs: [{url: '" +
         receiver_url + "', send_resolved: true}]\n";
}

RealBench::RealBench() : tasks(loop.get_executor(), [this](const std::string& name, std::exception_ptr) { bugs.push_back(name); }) {}

RealBench::~RealBench() {
  tasks.cancel_all();
  CHECK(until([this] { return tasks.running() == 0; }));
  CHECK(bugs.empty());
}

bool RealBench::until(const std::function<bool()>& done, milliseconds most) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    if (loop.stopped()) loop.restart();
    if (loop.run_one_for(milliseconds(5)) == 0) std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

void RealBench::turn_for(milliseconds d) {
  until([] { return false; }, d);
}

namespace {

Task<void> fetch_alerts(World world, std::string url, std::shared_ptr<std::optional<json>> into) {
  HttpRequest request;
  request.url = url + "/api/v2/alerts";
  Phases phases;
  const auto answer = co_await world.http.fetch(request, phases);
  if (answer && answer->status == 200) *into = json::parse(answer->body);
}

}  // namespace

std::optional<json> RealBench::alerts(const RealAlertmanager& alertmanager) {
  auto into = std::make_shared<std::optional<json>>();
  bool ended = false;
  tasks.spawn("query", fetch_alerts(real.world(), alertmanager.url(), into), [&ended] { ended = true; });
  REQUIRE(until([&] { return ended; }));
  return *into;
}

json RealBench::alert(const RealAlertmanager& alertmanager, const std::string& name) {
  const auto listed = alerts(alertmanager);
  REQUIRE(listed);
  for (const json& one : *listed)
    if (one["labels"]["alertname"] == name) return one;
  return nullptr;
}

}  // namespace drwatch::testing
