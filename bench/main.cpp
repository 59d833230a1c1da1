// SPDX-License-Identifier: Apache-2.0
// What watching costs: drwatch beside a bare Asio loop that makes the same connections at the same moments. Absolute figures move with the
// machine; the ratio is what holds.
#include "bench/bare.hpp"
#include "bench/heart.hpp"
#include "bench/micro.hpp"
#include "bench/processes.hpp"
#include "bench/target.hpp"

#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <fmt/core.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

using namespace drwatch::bench;

namespace {

namespace asio = boost::asio;
constexpr auto first_run_within = std::chrono::seconds(20);
constexpr std::size_t most_arrivals = 1 << 21;

struct TempFolder {
  std::string path;
  TempFolder() {
    std::string name = std::filesystem::temp_directory_path() / "drwatch-bench-XXXXXX";
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder in " + std::filesystem::temp_directory_path().string());
    path = name;
  }
  ~TempFolder() {
    std::error_code left;
    std::filesystem::remove_all(path, left);
  }
};

struct Figures {
  double cpu_per_thousand = 0, resident = 0;
  Starts starts;
  std::string lag;  // of drwatch's loop
};

// ---- the loop's lag, from /metrics

using Lag = std::map<double, double>;  // bound (s) → how many were not later

Lag read_lag(std::uint16_t port) {
  asio::io_context loop;
  asio::ip::tcp::socket socket(loop);
  socket.connect({asio::ip::address_v4::loopback(), port});
  asio::write(socket, asio::buffer(std::string("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")));
  std::string page;
  boost::system::error_code end;
  asio::read(socket, asio::dynamic_buffer(page), end);
  Lag lag;
  std::istringstream lines(page);
  const std::string start = "drwatch_loop_lag_seconds_bucket{le=\"";
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(start)) continue;
    const auto bound = line.substr(start.size(), line.find('"', start.size()) - start.size());
    lag[bound == "+Inf" ? 1e9 : std::stod(bound)] = std::stod(line.substr(line.rfind(' ') + 1));
  }
  if (lag.empty()) throw std::runtime_error("drwatch answers no loop lag at /metrics: " + page.substr(0, page.find('\r')));
  return lag;
}

// The bound that all of the time between was under.
std::string worst_lag(const Lag& before, const Lag& after) {
  const double all = after.rbegin()->second - before.rbegin()->second;
  for (const auto& [bound, count] : after)
    if (count - before.at(bound) >= all) return bound > 1000 ? "> 2.5 s" : fmt::format("<= {:g} ms", bound * 1000);
  return "?";
}

// ---- one row

// Waits until every probe has had a turn, then looks on for `length`.
Figures observe(const Plan& plan, Process& watcher, Arrivals& arrivals, std::chrono::seconds length, std::uint16_t metrics_port) {
  const std::size_t known = arrivals.count();
  const auto patience = monotonic() + first_run_within;
  while (arrivals.count() == known) {
    if (watcher.ended()) throw std::runtime_error("it ended before its first run; its last words are in " + plan.folder + "/log");
    if (monotonic() > patience) throw std::runtime_error("nothing came to the target");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::this_thread::sleep_for(interval + std::chrono::milliseconds(1050));

  Figures figures;
  Lag lag_before;
  if (metrics_port) lag_before = read_lag(metrics_port);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // what the page cost does not count
  const Moment from = monotonic();
  const double cpu = watcher.cpu_seconds();
  std::this_thread::sleep_for(length);
  const double used = watcher.cpu_seconds() - cpu;
  const Moment until = monotonic();
  figures.resident = watcher.resident_mebibytes();
  figures.starts = starts_of(arrivals.between(from, until), phases_of(plan.probes), interval, until - from);
  if (metrics_port) figures.lag = worst_lag(lag_before, read_lag(metrics_port));
  figures.cpu_per_thousand = used * 1000 / static_cast<double>(figures.starts.runs);
  const double wanted = static_cast<double>(plan.probes) * std::chrono::duration<double>(until - from).count() / interval.count();
  if (static_cast<double>(figures.starts.runs) < 0.9 * wanted || figures.starts.runs == 0)
    throw std::runtime_error(fmt::format("only {} of {:.0f} runs reached the target", figures.starts.runs, wanted));
  return figures;
}

void print_row(const char* who, const Plan& plan, const Figures& f, const std::string& ratio) {
  fmt::print("{:<8} {:>5} {:<5} {:>9.4f} {:>6} {:>8.1f} {:>9.1f} {:>8.1f} {:>9.2f}   {}\n", who, plan.probes, plan.tls ? "https" : "http",
             f.cpu_per_thousand, ratio, f.resident, f.starts.deviation_p99_ms, f.starts.deviation_max_ms, f.starts.burst, f.lag);
  std::fflush(stdout);
}

void compare(std::size_t probes, bool tls, std::chrono::seconds length) {
  TempFolder folder;
  Plan plan;
  plan.probes = probes;
  plan.tls = tls;
  plan.folder = folder.path;
  if (tls) make_certificate(plan);
  Arrivals arrivals(most_arrivals);
  const Listening listening = listen_on_loopback();
  plan.port = listening.port;
  const Process target = Process::doing([&] { serve_target(plan, listening, arrivals); });

  Figures bare, drwatch;
  {
    Process watcher = Process::doing([&] {
      close(listening.descriptor);
      run_bare(plan);
    });
    bare = observe(plan, watcher, arrivals, length, 0);
    print_row("bare", plan, bare, "");
  }
  {
    const Listening free = listen_on_loopback();
    close(free.descriptor);
    const std::string configuration = write_configuration(plan, free.port);
    Process watcher = Process::running({DRWATCH_PROGRAM, "serve", "--config", configuration}, plan.folder + "/log");
    drwatch = observe(plan, watcher, arrivals, length, free.port);
    print_row("drwatch", plan, drwatch, fmt::format("{:.2f}", drwatch.cpu_per_thousand / bare.cpu_per_thousand));
  }
  close(listening.descriptor);
}

constexpr const char* head =
    "                      CPU s /  ratio  resident   deviation (ms)   most in\n"
    "         probes     1000 runs to bare       MiB       p99      max  100 ms/mean  loop lag\n";

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What watching costs, against a bare Asio loop in the same slots.");
  int seconds = 20;
  std::vector<std::size_t> http = {100, 1000, 5000}, https = {1000};
  bool parts = true;
  app.add_option("--seconds", seconds, "How long each program is observed, after every probe has had a turn")->check(CLI::Range(5, 600));
  app.add_option("--http", http, "How many http probes, one size after the other; 0: none");
  app.add_option("--https", https, "The same over TLS; 0: none");
  app.add_flag("--parts,!--no-parts", parts, "Also measure parts by themselves");
  CLI11_PARSE(app, argc, argv);
  try {
    if (parts) {
      TempFolder folder;
      // In a process of its own: what is forked later must not carry its memory.
      Process measuring = Process::doing([&] {
        measure_deciding(folder.path);
        measure_metrics(folder.path);
        measure_history(folder.path);
        measure_ticks();
        measure_virtual_days();
        std::fflush(stdout);
      });
      while (!measuring.ended()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    fmt::print("\nEach probe every {} s, a fresh connection each; {} s observed.\n{}", interval.count(), seconds, head);
    for (const std::size_t n : http)
      if (n) compare(n, false, std::chrono::seconds(seconds));
    for (const std::size_t n : https)
      if (n) compare(n, true, std::chrono::seconds(seconds));
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench: {}\n", e.what());
    return 1;
  }
  return 0;
}
