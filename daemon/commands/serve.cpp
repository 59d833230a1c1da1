// SPDX-License-Identifier: Apache-2.0
// drwatch serve: settings, real world, journal, daemon, web; signals; exit code.
#include "config/settings.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/loading.hpp"
#include "daemon/daemon.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/log/log.hpp"
#include "daemon/web/web.hpp"
#include "daemon/world/notify.hpp"
#include "daemon/world/real.hpp"
#include "probes/probe.hpp"

#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <iostream>

namespace drwatch::commands {
namespace {

constexpr int failed_while_running = 1, could_not_start = 2;

std::vector<std::string> texts_of(const config::Problems& problems, config::Problem::Level level) {
  std::vector<std::string> texts;
  for (const config::Problem& p : problems.all())
    if (p.level == level) texts.push_back(config::problem_text(p));
  return texts;
}

std::shared_ptr<const Settings> load(const std::string& file, std::vector<std::string>& errors) {
  config::Problems problems;
  auto schemas = kind_schemas();
  auto settings = config::load(file, schemas, with_a_look(true), problems);
  errors = texts_of(problems, config::Problem::Level::error);
  return settings;
}

// One descriptor a probe that hangs, and room for connections and files.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

struct Serving {
  boost::asio::io_context& loop;
  Daemon& daemon;
  Web& web;
  TaskGroup& outside;  // what must outlive the daemon's own tasks while it stops
  boost::asio::signal_set& signals;
};

Task<void> stop(Serving s, std::string reason) {
  notify::stopping(reason);
  s.web.stop();
  co_await s.daemon.stop(reason);
  s.loop.stop();
}

Task<void> obey_signals(Serving s) {
  for (;;) {
    int signal = co_await s.signals.async_wait(boost::asio::use_awaitable);
    if (signal != SIGHUP) break;
    notify::reloading();
    s.daemon.reload();
    notify::ready("watching");
  }
  co_await stop(s, "told to");
}

}  // namespace

// The exit code of a daemon that was told to stop. That events were never written must not end with a daemon that says nothing: who
// restarts it counts on its record.
int ended(Journal& journal, Log& log, const std::string& path) {
  const std::size_t lost = journal.waiting();
  if (lost == 0) return 0;
  const std::string line =
      std::to_string(lost) + (lost == 1 ? " event was" : " events were") + " never written: the journal " + path +
      " could not be written when drwatch stopped; the log above has what they say, and the next start knows nothing of "
      "them";
  log.line(Importance::error, line);
  std::cerr << "drwatch: " << line << "\n";
  return failed_while_running;
}

int serve(const ServeOptions& options) {
  std::vector<std::string> errors;
  auto settings = load(options.config, errors);
  if (!settings) {
    for (const std::string& error : errors) std::cerr << error << "\n";
    std::cerr << "drwatch: cannot start: the configuration has errors; mend them and try again\n";
    return could_not_start;
  }
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context loop(1);
  auto log = make_log();
  bool running = false;
  try {
    RealWorld world(loop.get_executor(), settings->workers);
    JournalContents contents;
    auto journal = open_sqlite_journal(settings->journal.path, loop.get_executor(), contents);
    auto all = [&](const std::function<void(const Event&)>& each) { read_journal(settings->journal.path, each); };
    std::unique_ptr<Web> web;
    Daemon daemon({.world = world.world(),
                   .journal = *journal,
                   .log = *log,
                   .make_probe = make_probe,
                   .load = [&](std::vector<std::string>& problems) { return load(options.config, problems); },
                   .reloaded =
                       [&](const Settings& next) {
                         world.forget_tls();
                         web->reload(next.server);
                       },
                   .alive = notify::alive},
                  settings, restore(std::move(contents), all));
    TaskGroup outside(loop.get_executor(), [&](const std::string& task, std::exception_ptr error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& e) {
        daemon.log().line(Importance::error, task + " ended with an error: " + e.what());
      }
    });
    // Before anybody can see that it listens: who is told to stop in that moment stops in good order too.
    boost::asio::signal_set signals(loop, SIGTERM, SIGINT, SIGHUP);
    web = std::make_unique<Web>(world.world(), daemon, daemon.log(), outside, settings->server);
    daemon.start();
    log->line(Importance::info, "drwatch " DRWATCH_VERSION " watches " + std::to_string(settings->probes.size()) +
                                    " probes; the page is at http" + (settings->server.tls_certificate.empty() ? "" : "s") + "://" +
                                    web->address() + "/");
    outside.spawn("signals", obey_signals({loop, daemon, *web, outside, signals}));
    notify::ready("watching");
    running = true;
    loop.run();
    const int code = ended(*journal, *log, settings->journal.path);
    web.reset();
    journal.reset();
    return code;
  } catch (const std::exception& e) {
    std::cerr << "drwatch: " << e.what() << "\n";
    return running ? failed_while_running : could_not_start;
  }
}

}  // namespace drwatch::commands
