// SPDX-License-Identifier: Apache-2.0
// drwatch serve: settings, real world, journal, daemon, web; signals; exit code.
#include "config/rows/files.hpp"
#include "config/settings.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/copying.hpp"
#include "daemon/commands/loading.hpp"
#include "daemon/commands/open_journal.hpp"
#include "daemon/daemon.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/log/log.hpp"
#include "daemon/web/web.hpp"
#include "daemon/world/disk.hpp"
#include "daemon/world/notify.hpp"
#include "daemon/world/processes/guard.hpp"
#include "daemon/world/real.hpp"
#include "probes/probe.hpp"

#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <csignal>
#include <iostream>
#include <mutex>

namespace drwatch::commands {
namespace {

constexpr int failed_while_running = 1, could_not_start = 2;

// In the folder of the journal, which only drwatch's own user reads.
std::string session_key_beside(const std::string& journal) { return journal.substr(0, journal.rfind('/') + 1) + "sessions.key"; }

std::vector<std::string> texts_of(const config::Problems& problems, config::Problem::Level level) {
  std::vector<std::string> texts;
  for (const config::Problem& p : problems.all())
    if (p.level == level) texts.push_back(config::problem_text(p));
  return texts;
}

// For reading the configuration, all files together. One that takes longer lies on a disk or network mount that hangs.
constexpr auto load_patience = std::chrono::seconds(10);

// A reading of the configuration on a thread, and which file it is at.
class Reading {
 public:
  explicit Reading(std::string file) : file_(std::move(file)) {}

  // On the thread.
  void run() {
    begun_ = true;
    const config::FileWatch watch([this](const std::string& path) {
      const std::lock_guard lock(mutex_);
      at_ = path;
    });
    config::Problems problems;
    const auto schemas = kind_schemas();
    try {
      loaded_.settings = config::load(file_, schemas, with_a_look(true), problems);
      loaded_.problems = texts_of(problems, config::Problem::Level::error);
      if (loaded_.settings) identity_ = read_server_identity(loaded_.settings->server);
    } catch (const std::exception& e) {
      loaded_.settings = nullptr;
      loaded_.problems = {file_ + ": " + e.what()};
    }
  }
  bool begun() const { return begun_; }
  // Of one that is done.
  Daemon::Loaded take() { return std::move(loaded_); }
  ServerIdentity take_identity() { return std::move(identity_); }
  // Of one that is not.
  Daemon::Loaded hangs() const {
    const std::lock_guard lock(mutex_);
    Daemon::Loaded none;
    none.problems = {(at_.empty() ? file_ : at_) +
                     ": does not answer (a disk or network mount that hangs?); the configuration could not be read"};
    return none;
  }

 private:
  const std::string file_;
  std::atomic<bool> begun_{false};
  mutable std::mutex mutex_;
  std::string at_;
  Daemon::Loaded loaded_;
  ServerIdentity identity_;
};

// Before there is a loop.
Daemon::Loaded load_at_start(const std::string& file) {
  const auto reading = std::make_shared<Reading>(file);
  return done_within(load_patience, [reading] { reading->run(); }) ? reading->take() : reading->hangs();
}

// What outlives each reload.
struct Reloads {
  std::shared_ptr<Reading> stuck;  // the reading that hangs, or was the last to hang; while it does, no other is begun, and it knows where
  ServerIdentity identity;         // of the newest settings that were read
};
Task<Daemon::Loaded> load_again(Disk& disk, std::string file, std::shared_ptr<Reloads> reloads) {
  const auto reading = std::make_shared<Reading>(file);
  std::function<void()> work = [reading] { reading->run(); };
  const auto hangs = co_await disk.ask(std::move(file), std::move(work), load_patience);
  if (!hangs) {
    reloads->identity = reading->take_identity();
    co_return reading->take();
  }
  if (reading->begun() || !reloads->stuck) reloads->stuck = reading;
  co_return reloads->stuck->hangs();
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
  // Who gave a command in the last moment hears whether it is written.
  co_await s.web.answered(seconds{1});
  s.loop.stop();
}

// A task of its own: who tells drwatch to stop need not wait for files that hang.
Task<void> reload(Serving s) {
  notify::reloading();
  co_await s.daemon.reload();
  notify::ready("watching");
}

Task<void> obey_signals(Serving s) {
  for (;;) {
    int signal = co_await s.signals.async_wait(boost::asio::use_awaitable);
    if (signal != SIGHUP) break;
    s.outside.spawn("reload", reload(s));
  }
  co_await stop(s, "told to");
}

}  // namespace

// The exit code of a daemon that was told to stop. That events were never written must not end with a daemon that says nothing: who
// restarts it counts on its record.
// `not_made_up`: events that were left out, and what makes up for them waits with the others.
int ended(Journal& journal, std::uint64_t not_made_up, Log& log, const std::string& path) {
  if (journal.waiting() == 0) return 0;
  const std::uint64_t lost = journal.waiting() + not_made_up;
  const std::string line =
      std::to_string(lost) + (lost == 1 ? " event was" : " events were") + " never written: the journal " + path +
      " could not be written when drwatch stopped; the log above has what they say, and the next start knows nothing of "
      "them";
  log.line(Importance::error, line);
  std::cerr << "drwatch: " << line << "\n";
  return failed_while_running;
}

int serve(const ServeOptions& options) {
  // A reload that is asked for before there is anything to reload would end the process.
  std::signal(SIGHUP, SIG_IGN);
  use_credentials(options.credentials, options.config);
  const ProcessGuard guard;
  const auto loaded = load_at_start(options.config);
  const auto settings = loaded.settings;
  if (!settings) {
    if (loaded.problems.size() == 1) {  // one fault, one line
      std::cerr << "drwatch: cannot start: " << loaded.problems.front() << "\n";
      return could_not_start;
    }
    for (const std::string& error : loaded.problems) std::cerr << error << "\n";
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
    world.guarded_by(guard);
    world.on_left_behind([&log](const std::string& words) { log->line(Importance::warning, words); });
    const auto reloads = std::make_shared<Reloads>();
    // From here on no signal ends the process as the kernel does it; those that come while the journal is being opened are kept.
    boost::asio::signal_set signals(loop, SIGTERM, SIGINT, SIGHUP);
    OpenedJournal opened;
    if (!open_journal(loop, world.disk(), world.world().clock, *log, settings->journal.path, opened)) return 0;
    const auto journal = std::move(opened.journal);
    std::unique_ptr<Web> web;
    Daemon daemon(
        {.world = world.world(),
         .journal = *journal,
         .log = *log,
         .make_probe = make_probe,
         .load = [&, reloads] { return load_again(world.disk(), options.config, reloads); },
         .reloaded =
             [&, reloads](const Settings& next) {
               world.forget_tls();
               web->reload(next.server, std::move(reloads->identity));
             },
         .alive = notify::alive,
         .copy_journal = [&](std::optional<JournalPart> part) { return copy_journal(world.disk(), settings->journal.path, part); },
         .house_turn = Duration{250}},
        settings, std::move(opened.restored));
    TaskGroup outside(loop.get_executor(), [&](const std::string& task, std::exception_ptr error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& e) {
        daemon.log().line(Importance::error, task + " ended with an error: " + e.what());
      }
    });
    web = std::make_unique<Web>(world.world(), daemon, daemon.log(), outside, settings->server, session_key_beside(settings->journal.path));
    daemon.start();
    log->line(Importance::info, "drwatch " DRWATCH_VERSION " watches " + std::to_string(settings->probes.size()) +
                                    " probes; the page is at http" + (settings->server.tls_certificate.empty() ? "" : "s") + "://" +
                                    web->address() + "/");
    outside.spawn("signals", obey_signals({loop, daemon, *web, outside, signals}));
    notify::ready("watching");
    running = true;
    loop.run();
    const int code = ended(*journal, daemon.figures().journal_not_made_up, *log, settings->journal.path);
    web.reset();
    return code;
  } catch (const std::exception& e) {
    std::cerr << "drwatch: " << e.what() << "\n";
    return running ? failed_while_running : could_not_start;
  }
}

}  // namespace drwatch::commands
