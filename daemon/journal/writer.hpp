// SPDX-License-Identifier: Apache-2.0
// The thread that writes: takes all that waits, commits it at once, and when the disk refuses keeps it and tries again.
#pragma once

#include "daemon/journal/journal.hpp"
#include "daemon/journal/lock.hpp"
#include "daemon/journal/tables.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

namespace drwatch::journal {

// What waits for the disk. Writes melt together: kept values overwrite each other, so while the disk refuses, memory grows only by the
// events, which the caller bounds, and by one callback for each write.
struct Batch {
  std::deque<Event> events;
  std::map<std::string, std::string> kept;
  std::optional<std::pair<std::uint64_t, std::string>> snapshot;
  std::vector<std::function<void()>> done;

  bool empty() const { return events.empty() && kept.empty() && !snapshot && done.empty(); }
  void append(Batch&& later);
};

// Called on the loop only, so they may be set there without a lock.
struct Listeners {
  std::function<void(std::string)> health;
  std::function<void(Duration, std::size_t)> commit;
};

// The loop's side (add, waiting, close) never blocks on the disk, except close(), and that for ten seconds at the most.
class Writer : public std::enable_shared_from_this<Writer> {
 public:
  // `end`: the last durable event; `lock` is held until the file is closed.
  Writer(std::string path, Link end, boost::asio::any_io_executor loop, FileLock lock);

  // The thread holds the writer, so it lives for as long as the thread does, even when it hangs in the disk for ever.
  static void start(const std::shared_ptr<Writer>& writer);
  void add(Batch batch);
  std::size_t waiting() const { return waiting_; }
  std::size_t waiting_bytes() const { return waiting_bytes_; }
  void close();  // the thread ends once all is written, or after a bound; a thread that hangs in the disk is left behind
  const std::shared_ptr<Listeners>& listeners() const { return listeners_; }

 private:
  using Steady = std::chrono::steady_clock;

  void run();
  bool wait_for_work(Batch& batch);   // false: nothing more will come, or time is up
  bool try_commit(Batch& batch);      // false: the disk refused; what is left stays in `batch`
  void commit_some(Batch& batch);     // a bounded part; throws StoreError
  void take_back();                   // ends a commit that failed
  void make_do(std::size_t waiting);  // with little room
  void open();
  void look_at_files();       // throws StoreError when somebody cut or moved them under the open connection
  void put_back(Link there);  // events that were durable and are not in the file any more
  void remember(std::deque<Row> rows, const std::map<std::string, std::string>& kept);
  void forget_rest();
  Snapshot prove(std::pair<std::uint64_t, std::string> snapshot, const Link& head);
  void tidy();
  void say(const std::string& health);
  void on_loop(std::function<void()> does);  // from the thread; nothing once it was left behind: the loop may have gone

  const std::string path_;
  const boost::asio::any_io_executor loop_;
  std::optional<FileLock> lock_;  // until closed
  const std::shared_ptr<Listeners> listeners_ = std::make_shared<Listeners>();
  std::atomic<std::size_t> waiting_ = 0, waiting_bytes_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_, ended_;
  Batch pending_;
  bool stopping_ = false, over_ = false, left_behind_ = false;
  Steady::time_point give_up_at_{};
  std::thread thread_;

  // Of the thread alone.
  Link end_;  // as far as is durable
  std::unique_ptr<Database> db_;
  std::unique_ptr<Inserts> inserts_;
  std::int64_t file_bytes_ = 0;  // so large the file has been
  bool cut_ = false;             // somebody cut it
  // What is durable only in the write-ahead log so far: should somebody empty that, it is written again from here. Of the events those
  // after `before`.
  struct {
    Link before;
    std::deque<Row> rows;
    std::map<std::string, std::string> kept;
    std::size_t bytes = 0;
  } rest_;
  bool failing_ = false;
  Duration pause_{0};
  std::size_t events_per_commit_ = 10'000;  // fewer while room is short
  int tidy_at_pages_ = 1000;
};

}  // namespace drwatch::journal
