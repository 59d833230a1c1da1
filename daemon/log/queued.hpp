// SPDX-License-Identifier: Apache-2.0
// A log that nobody waits for. journald may stand still, and a pipe may have nobody who reads it; watching and paging go on.
#pragma once

#include "daemon/log/sinks.hpp"

#include <cstddef>

namespace drwatch {

// Writes on a thread of its own, in the order in which lines were said. When the sink takes none, the bounded memory for them fills, and
// then the newest lines are lost: they are counted, and their number is told between the line before and the line after them, once the sink
// takes lines again. A crash of the program (a signal, std::terminate) waits for what the sink still takes. One such log in a program at a
// time is kept for that.
class QueuedLog : public Log {
 public:
  struct Bounds {
    std::size_t entries = 10'000, bytes = 8 << 20;
    std::chrono::milliseconds at_end{2000};  // how long the destructor waits for what is left
  };
  QueuedLog(std::unique_ptr<LogSink> sink, Bounds bounds);
  ~QueuedLog() override;

  void event(const Event& event) override { push(entry_of(event)); }
  void line(Importance importance, const std::string& message, const std::map<std::string, std::string>& fields) override {
    push(entry_of(importance, message, fields));
  }
  std::uint64_t lost() const override;

  // From now on a crash gives this log a moment to write what was said before it.
  void write_before_a_crash();

 private:
  struct Shared;
  void push(LogEntry entry);

  std::shared_ptr<Shared> shared_;  // with the thread, which may be left behind in a write that does not end
};

}  // namespace drwatch
