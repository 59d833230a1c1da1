// SPDX-License-Identifier: Apache-2.0
// A real Alertmanager, a receiver that hears its notifications, and a real world to reach them: all on loopback, all gone with the test.
#pragma once

#include "daemon/tasks/task_group.hpp"
#include "daemon/world/real.hpp"
#include "tests/alerting/fake_world.hpp"

#include <sys/types.h>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace drwatch::testing {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void write_file(const std::string& path, const std::string& text);
std::string read_file(const std::string& path);  // empty when it is not there
int free_port();

// A program in a process of its own, ended with TERM and reaped.
class Child {
 public:
  Child(std::vector<std::string> argv, const std::string& output);
  ~Child() { stop(); }
  Child(const Child&) = delete;
  void stop();

 private:
  pid_t pid_ = -1;
};
// Runs to the end: exit code, and what it printed.
std::pair<int, std::string> run_to_end(std::vector<std::string> argv);

// Runs `act` in a child of this process, and returns how that ended.
int ended_in_child(const std::function<void()>& act);

// Takes POSTs on a free port and keeps their bodies.
class Receiver {
 public:
  Receiver();
  ~Receiver();
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<nlohmann::json> bodies() const;
  // How many notifications of this state named this alert.
  std::size_t heard(const std::string& status, const std::string& alertname) const;

 private:
  void serve();
  void answer(int connection);

  int port_ = 0;  // before the socket, which fills it in
  int socket_ = -1;
  std::atomic<bool> over_ = false;
  mutable std::mutex lock_;
  std::vector<nlohmann::json> bodies_;
  std::thread thread_;
};

class RealAlertmanager {
 public:
  explicit RealAlertmanager(std::string configuration);
  void start();  // again: on the same port, with what it saved
  void stop();
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  TempFolder folder_;
  int port_ = free_port();
  std::optional<Child> child_;
};
// One receiver that is told at once.
std::string prompt_configuration(const std::string& receiver_url);

class RealBench {
 public:
  RealBench();
  ~RealBench();
  // Turns the loop until `done` holds; false after `most`.
  bool until(const std::function<bool()>& done, std::chrono::milliseconds most = std::chrono::seconds(10));
  void turn_for(std::chrono::milliseconds d);
  // The alerts that it lists; nullopt: no answer.
  std::optional<nlohmann::json> alerts(const RealAlertmanager& alertmanager);
  // The listed alert of this name; null when it is not listed.
  nlohmann::json alert(const RealAlertmanager& alertmanager, const std::string& name);
  Time now() { return real.world().clock.now(); }

  boost::asio::io_context loop;
  RealWorld real{loop.get_executor()};
  std::vector<std::string> bugs;
  TaskGroup tasks;
  ListLog log;
};

}  // namespace drwatch::testing
