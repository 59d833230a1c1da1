// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "daemon/recovery/incidents/commands.hpp"
#include "daemon/recovery/input.hpp"

#include <doctest/doctest.h>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>

namespace drwatch::test {

Task<Answer> FakeDesk::submit(Input input, std::string idempotency_key, std::string) {
  inputs_.push_back(input);
  keys_.push_back(idempotency_key);
  const bool makes = std::holds_alternative<OpenIncident>(input) || std::holds_alternative<StartMaintenance>(input) ||
                     std::holds_alternative<StartDrill>(input) || std::holds_alternative<RecordDrill>(input);
  if (const auto known = answered_.find(idempotency_key); makes && known != answered_.end()) {
    Answer again = known->second;
    again.repeated = true;
    co_return again;
  }
  Answer answer;
  answer.durable = durable_;
  if (decides_) {
    const Decision decision = decide(state_, *settings_, input, now_there);
    answer.refused = decision.refused;
    answer.subject = decision.subject;
    answer.made = makes_its_subject(decision);
    answer.changed = changes(decision);
  } else if (const auto* open = std::get_if<OpenIncident>(&input)) {
    Incident made = state_.record.incidents.at(incident_id);
    made.id = answer.subject = "20260301-0213-" + open->scenario;
    answer.made = !state_.record.incidents.contains(made.id);
    made.scenario = open->scenario;
    state_.record.incidents.put(std::move(made));
  } else if (std::holds_alternative<Resolve>(input)) {
    answer.refused = Refusal{409, "steps are open", "finish or skip them, or force with a note", {"connectivity", "scope"}};
  } else if (const auto* signal = std::get_if<SetSignal>(&input)) {
    SignalRecord& record = state_.record.signals[signal->signal];
    if (signal->raised)
      record.raisings[signal->alert] = {signal->by, signal->note, now_there, std::nullopt};
    else
      record.raisings.erase(signal->alert);
    record.raised = !record.raisings.empty();
    record.since = now_there;
    record.by = signal->by;
    record.note = signal->note;
  } else if (const auto* maintenance = std::get_if<StartMaintenance>(&input)) {
    answer.subject = "m-1";
    answer.made = true;
    state_.record.maintenance["m-1"] =
        MaintenanceRecord{"m-1", maintenance->components, now_there, now_there + maintenance->lasts, maintenance->by, maintenance->note};
  } else if (std::holds_alternative<RecordDrill>(input)) {
    answer.made = true;
  } else if (const auto* ended = std::get_if<EndMaintenance>(&input)) {
    state_.record.maintenance.erase(ended->id);
  }
  if (makes && !idempotency_key.empty()) answered_[idempotency_key] = answer;
  co_return answer;
}

Task<std::vector<Answer>> FakeDesk::submit_all(std::vector<Input> inputs) {
  ++batches_;
  std::vector<Answer> answers;
  for (Input& input : inputs) {
    Answer answer;
    if (stopping_)
      answer.refused = Refusal{503, "drwatch is stopping", "nothing was done", {}};
    else
      answer = co_await submit(std::move(input), "");
    answers.push_back(std::move(answer));
  }
  co_return answers;
}

Task<std::optional<Outcome>> FakeDesk::run_probe(std::string name) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  while (held_) {
    timer.expires_after(std::chrono::milliseconds(2));
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  Outcome outcome = outcome_of(Health::down, Reason::connect, "ECONNREFUSED", name + " refused");
  outcome.at = now_there;
  state_.sight.probes[name].last = std::make_shared<const Outcome>(outcome);
  co_return outcome;
}

Task<std::vector<std::pair<std::string, bool>>> FakeDesk::send_test_alert() {
  std::vector<std::pair<std::string, bool>> lines{{"http://127.0.0.1:9093: accepted and read back", true}};
  ++test_alerts_;
  co_return lines;
}

namespace {
struct TwoPieces final : Pieces {
  int given = 0;
  Task<std::string> next() override {
    ++given;
    co_return given == 1 ? "SQLite " : given == 2 ? "format 3" : "";
  }
};
}  // namespace

Task<Copied> FakeDesk::copy_journal(std::string) {
  Copied copied;
  copied.pieces = std::make_shared<TwoPieces>();
  co_return copied;
}

std::shared_ptr<void> FakeDesk::follow(std::function<void(const Event&)> each) {
  static int last = 0;
  const int id = ++last;
  followers_[id] = std::move(each);
  return std::shared_ptr<void>(this, [id](void* desk) { static_cast<FakeDesk*>(desk)->followers_.erase(id); });
}

std::vector<std::shared_ptr<const Event>> FakeDesk::events_since(std::uint64_t seq, std::size_t most) const {
  std::vector<std::shared_ptr<const Event>> found;
  for (const auto& event : events_)
    if (event->seq > seq && found.size() < most) found.push_back(event);
  return found;
}

std::vector<std::shared_ptr<const Event>> FakeDesk::newest_events(std::size_t most) const {
  return {events_.end() - static_cast<std::ptrdiff_t>(std::min(most, events_.size())), events_.end()};
}

void FakeDesk::emit(std::string kind, std::string message) {
  Event event;
  event.seq = events_.size() + 1;
  event.at = now_there;
  event.kind = std::move(kind);
  event.message = std::move(message);
  events_.push_back(std::make_shared<const Event>(event));
  const auto followers = followers_;
  for (const auto& [id, each] : followers) each(event);
}

Running::Running(web::Limits limits, std::function<void(Settings&)> change, const std::string& local_socket)
    : tasks_(io_.get_executor(), [this](const std::string& name, std::exception_ptr error) {
        try {
          std::rethrow_exception(error);
        } catch (const std::exception& e) {
          bugs_.push_back(name + ": " + e.what());
        }
      }) {
  Settings settings = small_platform();
  if (change) change(settings);
  desk_ = std::make_unique<FakeDesk>(settings);
  room_ = std::make_shared<web::Room>(world_.world(), *desk_, log_, settings.server);
  room_->base_url = "http://here";
  room_->moments.fresh_for = std::chrono::nanoseconds(0);  // the desk's state is changed without an event
  auto respond = [room = room_](web::Request request) { return web::respond(room, std::move(request)); };
  server_ = std::make_shared<web::Server>(world_.world(), tasks_, "127.0.0.1:0", limits, respond,
                                          [room = room_](const web::Request& head) { return web::admit(*room, head); });
  server_->refuse_with(
      [room = room_](const web::Request& head, web::Response refusal) { return web::refused(*room, head, std::move(refusal)); });
  if (!settings.server.tls_certificate.empty())
    server_->identity(web::load_identity(settings.server.tls_certificate, settings.server.tls_key));
  server_->trust(web::Proxies(settings.server.trusted_proxies));
  if (!local_socket.empty()) server_->listen_locally(local_socket);
  server_->start();
  const std::string address = server_->address();
  port_ = std::stoi(address.substr(address.rfind(':') + 1));
  thread_ = std::thread([this] { io_.run(); });
}

Running::~Running() {
  on_loop([this] {
    server_->stop();
    tasks_.cancel_all();
  });
  for (int i = 0; i < 500; ++i) {
    std::size_t running = 0;
    on_loop([&] { running = tasks_.running(); });
    if (running == 0) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  io_.stop();
  thread_.join();
  CHECK(tasks_.running() == 0);
  CHECK(bugs_ == std::vector<std::string>{});
}

void Running::on_loop(const std::function<void()>& work) {
  std::promise<void> done;
  boost::asio::post(io_, [&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void Running::hold_commands(bool hold) {
  on_loop([&] { desk_->held_ = hold; });
}
std::size_t Running::answering() {
  std::size_t count = 0;
  on_loop([&] { count = server_->answering(); });
  return count;
}
void Running::stop() {
  on_loop([&] { server_->stop(); });
}
void Running::reads_of_a_client(std::size_t most) {
  on_loop([&] { room_->reads_of_a_client = most; });
}
void Running::keep_moments(std::chrono::nanoseconds fresh_for) {
  on_loop([&] { room_->moments.fresh_for = fresh_for; });
}

std::string Running::log_lines() {
  std::string lines;
  on_loop([&] {
    for (const auto& line : log_.lines) lines += line + "\n";
  });
  return lines;
}

std::size_t Running::connections() {
  std::size_t n = 0;
  on_loop([&] { n = server_->connections(); });
  return n;
}

}  // namespace drwatch::test
