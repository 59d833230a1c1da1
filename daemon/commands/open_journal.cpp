// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/open_journal.hpp"

#include "daemon/tasks/task_group.hpp"
#include "daemon/world/notify.hpp"

#include <atomic>
#include <csignal>
#include <exception>
#include <filesystem>
#include <utility>

#include <boost/asio/signal_set.hpp>

namespace drwatch::commands {
namespace {

// Longer than a journal of years takes to be read, on a disk that answers.
constexpr auto told_after = std::chrono::seconds(10);
constexpr auto look_again = std::chrono::milliseconds(100);
constexpr int tries_after_a_hang = 10;
constexpr auto try_again = std::chrono::seconds(1);

// What the thread and the loop share. The thread may be left behind: what it opened then is closed by whoever lets go of this last.
struct Opening {
  Opening(std::string p, boost::asio::any_io_executor l) : path(std::move(p)), loop(std::move(l)) {}

  // On the thread.
  void run() {
    begun = true;
    try {
      JournalContents contents;
      opened.journal = open_sqlite_journal(path, loop, contents);
      const auto all = [this](const std::function<void(const Event&)>& each) { read_journal(path, each); };
      opened.restored = restore(std::move(contents), all);
    } catch (...) {
      error = std::current_exception();
    }
    done = true;
  }

  const std::string path;
  const boost::asio::any_io_executor loop;
  OpenedJournal opened;
  std::exception_ptr error;
  std::atomic<bool> begun{false}, done{false};
};

std::string hanging_words(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path().string();
  return "the journal " + path + " is not open after " + duration_words(told_after) + ": its folder " + (folder.empty() ? "." : folder) +
         " does not answer (a disk or network mount that hangs?), or takes long to be read; nothing is watched until it is open, and then "
         "drwatch goes on by itself";
}

// Fills `into` with the opening that is over, well or not. A server that comes back may have forgotten what it was asked (ESTALE,
// ENOTCONN), so after a hang an opening that failed is tried again for a while.
Task<void> open(Disk& disk, Clock& clock, Log& log, std::string path, boost::asio::any_io_executor loop, std::shared_ptr<Opening>* into) {
  bool hung = false;
  for (int tries = 1; tries > 0; --tries) {
    const auto opening = std::make_shared<Opening>(path, loop);
    std::function<void()> work = [opening] { opening->run(); };
    const auto hangs = co_await disk.ask(path, std::move(work), told_after);
    if (hangs && !std::exchange(hung, true)) {
      log.line(Importance::error, hanging_words(path));
      notify::status("waiting for the journal " + path);
    }
    if (hangs) tries = tries_after_a_hang;
    while (opening->begun && !opening->done) co_await clock.sleep_for(look_again);
    *into = opening;
    if (opening->done && !opening->error) {
      if (hung) log.line(Importance::info, "the journal " + path + " is open after all");
      co_return;
    }
    if (hung) co_await clock.sleep_for(try_again);
  }
}

}  // namespace

bool open_journal(boost::asio::io_context& loop, Disk& disk, Clock& clock, Log& log, const std::string& path, OpenedJournal& into) {
  std::shared_ptr<Opening> opening;
  std::exception_ptr failed;
  TaskGroup starting(loop.get_executor(), [&](const std::string&, std::exception_ptr error) { failed = error; });
  boost::asio::signal_set signals(loop, SIGTERM, SIGINT);
  bool told = false;
  signals.async_wait([&told, &starting](const boost::system::error_code& over, int) {
    if (over) return;  // and both may be gone
    told = true;
    starting.cancel_all();
  });
  starting.spawn("opening the journal", open(disk, clock, log, path, loop.get_executor(), &opening), [&loop] { loop.stop(); });
  loop.run();
  loop.restart();
  if (told) {
    notify::stopping("told to");
    log.line(Importance::info, "told to stop before the journal " + path + " was open; nothing was watched");
    return false;
  }
  if (failed) std::rethrow_exception(failed);
  if (opening->error) std::rethrow_exception(opening->error);
  into = std::move(opening->opened);
  return true;
}

}  // namespace drwatch::commands
