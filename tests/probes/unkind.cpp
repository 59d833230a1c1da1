// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/unkind.hpp"

#include "daemon/world/real.hpp"
#include "probes/seams/within.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>

namespace drwatch::testing {
namespace {

namespace fs = std::filesystem;
using Stopwatch = std::chrono::steady_clock;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;  // what is freed stays for a while, and everything takes longer
#else
constexpr bool sanitized = false;
#endif

constexpr Duration deadline = milliseconds{250};

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// Time as this thread has it: without what it waited for a processor, which on a busy machine is most of it.
std::chrono::nanoseconds own_time() {
  std::uint64_t ran = 0, waited = 0;
  std::ifstream("/proc/thread-self/schedstat") >> ran >> waited;
  return Stopwatch::now().time_since_epoch() - std::chrono::nanoseconds(waited);
}

std::size_t status_bytes(const std::string& key) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key + ":")) return std::stoul(line.substr(key.size() + 1)) * 1024;
  return 0;
}

// False where the kernel does not let the peak begin anew.
bool forget_peak() { return static_cast<bool>(std::ofstream("/proc/self/clear_refs") << "5" << std::flush); }

// Another task of the same loop, which wants its turn all the time.
class Neighbour {
 public:
  explicit Neighbour(boost::asio::io_context& io) : timer_(io) { wait(); }
  ~Neighbour() { *here_ = false; }
  void end() { ended_ = true, timer_.cancel(); }
  std::chrono::nanoseconds waited{0};  // at the most

 private:
  void wait() {
    timer_.expires_after(milliseconds{5});
    // Its turn may come when it is gone: a timer that had expired already is not cancelled any more.
    timer_.async_wait([this, here = here_](const boost::system::error_code& error) {
      if (!*here) return;
      waited = std::max(waited, own_time() - last_);
      last_ = own_time();
      if (!error && !ended_) wait();
    });
  }
  boost::asio::steady_timer timer_;
  std::chrono::nanoseconds last_ = own_time();
  bool ended_ = false;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

// One world for all runs: what one of them leaves behind must show.
class Bench {
 public:
  // nullopt: it was cut off at its deadline, and has unwound.
  std::optional<Outcome> run(Probe& probe) {
    std::optional<std::optional<Outcome>> outcome;
    std::exception_ptr thrown_out;
    Neighbour neighbour(io_);
    io_.restart();
    const auto began = own_time();
    boost::asio::co_spawn(io_, within(real_.world().clock, deadline, probe.run(world_)),
                          [&](std::exception_ptr thrown, std::optional<Outcome> made) {
                            thrown_out = thrown;
                            outcome = std::move(made);
                          });
    while (!outcome) io_.run_one();
    CHECK(own_time() - began < seconds{10});
    neighbour.end();
    turn();
    CHECK(neighbour.waited < (sanitized ? seconds{8} : seconds{4}));
    if (thrown_out) std::rethrow_exception(thrown_out);
    return *outcome;
  }

  void turn() {
    io_.restart();
    io_.run_for(milliseconds{10});
  }

 private:
  boost::asio::io_context io_;
  RealWorld real_{io_.get_executor()};
  World world_ = real_.world();
};

std::string filled(std::string text, const std::string& mark, const std::string& value) {
  for (std::size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + value.size())) text.replace(at, mark.size(), value);
  return text;
}

void look(const Unkind& row, Bench& bench) {
  const TempFolder folder;
  row.furnish(folder);
  std::optional<TcpServer> server;
  std::optional<UdpServer> names;
  if (row.behave) server.emplace(row.behave);
  if (row.datagrams) names.emplace(row.datagrams, server ? server->port() : 0);
  const std::string port = server ? std::to_string(server->port()) : names ? names->address().substr(10) : "1";
  const auto probe = probe_of(row.kind, filled(filled(row.toml, "{port}", port), "{folder}", folder.path()));
  const std::size_t before = status_bytes("VmRSS");
  const bool measured = forget_peak() && !sanitized;
  const auto outcome = bench.run(*probe);
  if (const std::size_t peak = status_bytes("VmHWM"); measured && peak > before) CHECK(peak - before < row.memory);
  if (!outcome) return;
  CAPTURE(outcome->message);
  CHECK(outcome->outcome != Health::up);
  CHECK(outcome->outcome != Health::degraded);
  CHECK(outcome->reason != Reason::none);
  CHECK(outcome->message.size() < 2000);
  for (const auto& [name, value] : outcome->facts) CHECK(value.size() < 4000);
}

}  // namespace

void survive(const std::vector<Unkind>& rows) {
  ::setenv("DRWATCH_TEST_TOKEN", "sbp_0123456789abcdef", 1);
  ::setenv("PGPASSWORD", "hunter22", 1);
  static Bench bench;
  look(rows.front(), bench);  // what a world opens once, and keeps
  for (const Unkind& row : rows) {
    CAPTURE(row.kind);
    CAPTURE(row.what);
    const std::size_t before = open_descriptors();
    look(row, bench);
    // A program that ignores TERM gets KILL after two seconds; a statement is called off beside the loop.
    const auto until = Stopwatch::now() + seconds{10};
    while (open_descriptors() > before && Stopwatch::now() < until) bench.turn();
    CHECK(open_descriptors() <= before);
  }
}

void send_on_and_on(Peer& peer, const std::string& text, std::chrono::milliseconds pause) {
  while (peer.send(text) && (pause.count() == 0 || peer.wait(pause))) {
  }
}

void reset(Peer& peer) {
  const linger at_once{1, 0};
  ::setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 dice(seed);
  std::string made(size, ' ');
  for (char& c : made) c = static_cast<char>(dice());
  return made;
}

std::string nested(std::size_t depth) { return std::string(depth, '['); }

}  // namespace drwatch::testing
