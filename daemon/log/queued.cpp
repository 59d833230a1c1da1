// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/queued.hpp"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <deque>
#include <mutex>
#include <thread>

namespace drwatch {
namespace {

std::size_t size_of(const LogEntry& entry) {
  std::size_t size = sizeof entry + entry.kind.size() + entry.message.size();
  for (const auto& [name, value] : entry.fields) size += sizeof entry.fields.front() + name.size() + value.size();
  return size;
}

LogEntry notice_of(std::uint64_t lost) {
  return entry_of(Importance::warning,
                  std::to_string(lost) + (lost == 1 ? " line of the log was" : " lines of the log were") +
                      " lost here: nobody took them; the journal has every event (drwatch journal show FILE)",
                  {});
}

// What a signal's handler may touch: these live as long as the program. `unwritten` is of the log that is kept for a crash.
std::atomic<std::size_t> unwritten{0};
std::atomic<pid_t> writer{0};

constexpr int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
struct sigaction before[std::size(fatal)];

// Lets the writer, which is another thread, go on for up to half a second. Then the signal does what it did before there was this handler.
void wait_for_the_writer(int number, siginfo_t* what, void*) {
  if (gettid() != writer) {
    const timespec piece{0, 1'000'000};
    for (int i = 0; i < 500 && unwritten > 0; ++i) nanosleep(&piece, nullptr);
  }
  for (std::size_t i = 0; i < std::size(fatal); ++i)
    if (fatal[i] == number) sigaction(number, &before[i], nullptr);
  // A fault comes again by itself when the handler returns; what was sent must be sent again.
  if (what->si_code <= 0) raise(number);
}

}  // namespace

struct QueuedLog::Shared {
  Shared(std::unique_ptr<LogSink> s, Bounds b) : sink(std::move(s)), bounds(b) {}

  struct Waiting {
    LogEntry entry;
    std::uint64_t lost_before = 0;  // so many were lost between the one before and this
  };

  const std::unique_ptr<LogSink> sink;
  const Bounds bounds;
  std::mutex mutex;
  std::condition_variable wanted, idle;
  std::deque<Waiting> waiting;
  std::size_t bytes = 0;
  bool writing = false, closed = false;
  bool full = false;          // until half of the room is free again
  std::uint64_t dropped = 0;  // since the last one that was taken in
  std::atomic<std::uint64_t> lost{0};
  std::atomic<bool> kept_for_a_crash{false};

  // Under the lock.
  void count_unwritten() {
    if (kept_for_a_crash) unwritten = waiting.size() + (writing ? 1 : 0);
  }

  static void serve(const std::shared_ptr<Shared>& self) {
    std::uint64_t untold = 0;  // lost, and nobody was told yet
    std::unique_lock lock(self->mutex);
    while (true) {
      self->wanted.wait(lock, [&] { return self->closed || !self->waiting.empty(); });
      if (self->waiting.empty()) return;
      Waiting next = std::move(self->waiting.front());
      self->waiting.pop_front();
      self->bytes -= size_of(next.entry);
      self->writing = true;
      if (self->kept_for_a_crash) writer = gettid();
      lock.unlock();
      untold += next.lost_before;
      if (untold > 0 && self->sink->write(notice_of(untold))) untold = 0;
      if (!self->sink->write(next.entry)) {
        ++untold;
        ++self->lost;
      }
      lock.lock();
      self->writing = false;
      // The last of those that were lost have no line behind them that could bring the notice.
      if (self->waiting.empty() && self->dropped > 0) {
        untold += std::exchange(self->dropped, 0);
        self->full = false;
        self->writing = true;
        lock.unlock();
        if (self->sink->write(notice_of(untold))) untold = 0;
        lock.lock();
        self->writing = false;
      }
      self->count_unwritten();
      if (self->waiting.empty()) self->idle.notify_all();
    }
  }
};

QueuedLog::QueuedLog(std::unique_ptr<LogSink> sink, Bounds bounds) : shared_(std::make_shared<Shared>(std::move(sink), bounds)) {
  std::thread([shared = shared_] { Shared::serve(shared); }).detach();
}

QueuedLog::~QueuedLog() {
  std::unique_lock lock(shared_->mutex);
  shared_->closed = true;
  shared_->wanted.notify_all();
  shared_->idle.wait_for(lock, shared_->bounds.at_end, [this] { return shared_->waiting.empty() && !shared_->writing; });
  if (shared_->kept_for_a_crash.exchange(false)) unwritten = 0;
}

void QueuedLog::push(LogEntry entry) {
  Shared& s = *shared_;
  const std::size_t size = size_of(entry);
  const std::lock_guard lock(s.mutex);
  // Half of the room has to be free before lines are taken in again: not every other line is lost then, with a notice for each.
  const std::size_t most = s.full ? s.bounds.entries / 2 : s.bounds.entries, most_bytes = s.full ? s.bounds.bytes / 2 : s.bounds.bytes;
  s.full = s.waiting.size() >= most || (!s.waiting.empty() && s.bytes + size > most_bytes);
  if (s.full) {
    ++s.dropped;
    ++s.lost;
    return;
  }
  s.waiting.push_back({std::move(entry), std::exchange(s.dropped, 0)});
  s.bytes += size;
  s.count_unwritten();
  s.wanted.notify_one();
}

std::uint64_t QueuedLog::lost() const { return shared_->lost; }

void QueuedLog::write_before_a_crash() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->kept_for_a_crash = true;
    shared_->count_unwritten();
  }
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction handler{};
    handler.sa_sigaction = wait_for_the_writer;
    handler.sa_flags = SA_SIGINFO;
    for (std::size_t i = 0; i < std::size(fatal); ++i) sigaction(fatal[i], &handler, &before[i]);
  });
}

}  // namespace drwatch
