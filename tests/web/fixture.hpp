// SPDX-License-Identifier: Apache-2.0
// A daemon that only remembers what it was asked, a small platform in trouble, and a client that sends raw bytes.
#pragma once

#include "daemon/desk.hpp"
#include "daemon/log/log.hpp"
#include "daemon/tasks/task_group.hpp"
#include "daemon/web/http/server.hpp"
#include "daemon/web/room.hpp"
#include "daemon/web/web.hpp"
#include "daemon/world/real.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace drwatch::test {

Settings small_platform();  // database (down) with a backup, api, cron; tokens viewer, oncall and boss, whose secret is "NAME-secret"
State in_trouble(const Settings& settings);
inline const Time now_there = *parse_time("2026-03-01T02:13:00Z");
inline const std::string incident_id = "20260301-0211-database-outage";

class FakeDesk final : public Desk {
 public:
  explicit FakeDesk(Settings settings) : settings_(std::make_shared<const Settings>(std::move(settings))), state_(in_trouble(*settings_)) {}
  const State& state() const override { return state_; }
  std::shared_ptr<const Settings> settings() const override { return settings_; }
  Time now() const override { return now_there; }
  DaemonFigures figures() const override { return figures_; }
  std::optional<Time> next_run(const std::string&) const override { return now_there + seconds{7}; }
  Task<Answer> submit(Input input, std::string idempotency_key, std::string of = "") override;
  Task<std::vector<Answer>> submit_all(std::vector<Input> inputs) override;
  Task<std::optional<Outcome>> run_probe(std::string name) override;
  Task<std::vector<std::pair<std::string, bool>>> send_test_alert() override;
  Task<std::vector<std::string>> reload() override { co_return reload_problems_; }
  Task<Copied> copy_journal(std::string incident) override;
  std::optional<std::string> heard(const std::string& incident, const std::string& step) const override {
    const auto found = heard_.find(incident + "/" + step);
    return found == heard_.end() ? std::nullopt : std::optional(found->second);
  }
  std::shared_ptr<void> follow(std::function<void(const Event&)> each) override;
  std::vector<std::shared_ptr<const Event>> events_since(std::uint64_t seq, std::size_t most) const override;
  std::vector<std::shared_ptr<const Event>> newest_events(std::size_t most) const override;
  void emit(std::string kind, std::string message);  // an event, to all who follow

  std::shared_ptr<const Settings> settings_;
  State state_;
  DaemonFigures figures_;
  std::vector<Input> inputs_;
  std::vector<std::string> keys_, reload_problems_;
  std::vector<std::shared_ptr<const Event>> events_;
  std::map<int, std::function<void(const Event&)>> followers_;
  std::map<std::string, std::string> heard_;
  std::map<std::string, Answer> answered_;
  bool durable_ = true, stopping_ = false, held_ = false;
  bool decides_ = false;  // the heart itself answers
  int batches_ = 0, test_alerts_ = 0;
};

struct Quiet final : Log {
  std::vector<std::string> lines;
  void event(const Event&) override {}
  void line(Importance, const std::string& message, const std::map<std::string, std::string>&) override { lines.push_back(message); }
};

// The server on a loop in a thread of its own; everything that belongs to the loop is touched through on_loop.
class Running {
 public:
  explicit Running(web::Limits limits = {}, std::function<void(Settings&)> change = {}, const std::string& local_socket = "");
  ~Running();
  void on_loop(const std::function<void()>& work);
  int port() const { return port_; }
  std::string log_lines();

  FakeDesk& desk() { return *desk_; }
  web::Room& room() { return *room_; }  // on the loop
  std::size_t connections();
  void hold_commands(bool hold);  // runs of probes end when it is over
  std::size_t answering();
  void stop();
  void reads_of_a_client(std::size_t most);
  // A moment is shown for so long when no event comes. None here, since the desk's state is changed without one.
  void keep_moments(std::chrono::nanoseconds fresh_for);
  void trust(const std::vector<std::string>& proxies, bool loopback = true) {
    server_->trust(web::Proxies(proxies, loopback));
  }  // on the loop
  void use_identity(std::shared_ptr<web::Identity> identity) { server_->identity(std::move(identity)); }  // on the loop

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{io_.get_executor()};
  RealWorld world_{io_.get_executor()};
  Quiet log_;
  std::vector<std::string> bugs_;
  TaskGroup tasks_;
  std::unique_ptr<FakeDesk> desk_;
  std::shared_ptr<web::Room> room_;
  std::shared_ptr<web::Server> server_;
  int port_ = 0;
  std::thread thread_;
};

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  // lower case
  std::string body;
  Json json() const { return Json::parse(body); }
};

// A blocking socket; every wait ends after five seconds.
class Client {
 public:
  explicit Client(int port, int receive_buffer = 0, const std::string& source = "127.0.0.1");
  ~Client();
  Client(Client&& other) noexcept : socket_(other.socket_), read_(std::move(other.read_)) { other.socket_ = -1; }
  Client(const Client&) = delete;
  bool send(const std::string& bytes);
  Reply reply(bool to_head = false);                // status 0: the connection ended before a whole one came
  std::string read_until(const std::string& what);  // "" when it ended first
  bool ended();                                     // waits for the end; false: it did not come, or bytes did

 private:
  bool more();
  int socket_ = -1;
  std::string read_;
};

// One exchange on a fresh connection.
Reply ask(int port, const std::string& method, const std::string& target, const std::vector<std::string>& headers = {},
          const std::string& body = "");
inline const std::string as_viewer = "Authorization: Bearer viewer-secret", as_oncall = "Authorization: Bearer oncall-secret",
                         as_boss = "Authorization: Bearer boss-secret", of_json = "Content-Type: application/json";

}  // namespace drwatch::test
