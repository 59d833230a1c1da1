// SPDX-License-Identifier: Apache-2.0
// The daemon as the web room sees it: read the state, hand in an input, follow the events. On the loop's thread only.
#pragma once

#include "daemon/recovery/input.hpp"
#include "daemon/recovery/record/state.hpp"
#include "probes/seams/world.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace drwatch {

struct Answer {
  std::optional<Refusal> refused;
  std::string subject;    // id of what was made or touched
  bool durable = true;    // false: the journal did not take it within its patience
  bool repeated = false;  // the idempotency key was seen before: nothing was done again
  std::string of;         // with a key: which request it was the key of, in a form that only equal ones share
  bool made = false;      // `subject` is new by this request: also when it is answered again
  bool changed = true;    // false: it was so already, and nothing was done
};

struct Histogram {  // cumulative, as Prometheus has it
  std::vector<double> bounds;
  std::vector<std::uint64_t> counts;  // one more than bounds
  double sum = 0;
  void observe(double value);
};

// What is not in the state but on the page and in the metrics.
struct DaemonFigures {
  std::string version;
  Time started_at{};
  bool last_reload_successful = true;
  std::optional<Time> last_reload_at;
  std::string last_reload_error;
  bool durable = true;  // the journal keeps up
  std::size_t journal_waiting = 0, journal_waiting_bytes = 0;
  std::uint64_t journal_left_out = 0;     // events that were not written one by one, since the start
  std::uint64_t journal_not_made_up = 0;  // of those, the ones whose outcome is not durable either
  std::uint64_t log_lines_lost = 0;       // journald, or whoever reads standard error, did not take them
  Histogram loop_lag, journal_append;
  std::size_t alerts_active = 0, alerts_undelivered = 0;
  std::map<std::pair<std::string, std::string>, std::uint64_t> alerts_sent;  // (alertmanager, result)
  std::uint64_t wrong_tokens = 0;                                            // requests that showed one; the web room counts them
  std::vector<std::string> probes_not_seen;                                  // active probes that have not run since the start
};

// A file that is given away, a piece at a time.
struct Pieces {
  virtual ~Pieces() = default;
  virtual Task<std::string> next() = 0;  // empty: it ends here
};
struct Copied {
  std::optional<Refusal> refused;
  std::shared_ptr<Pieces> pieces;
};

class Desk {
 public:
  virtual ~Desk() = default;
  virtual const State& state() const = 0;
  virtual std::shared_ptr<const Settings> settings() const = 0;
  virtual Time now() const = 0;
  virtual DaemonFigures figures() const = 0;
  virtual std::optional<Time> next_run(const std::string& probe) const = 0;

  // Decides, applies, and returns once what follows is on disk or the journal's patience is over. The same non-empty key within 24 h: the
  // first answer again; for another request (`of`) a refusal, since what it asks for was not done.
  virtual Task<Answer> submit(Input input, std::string idempotency_key, std::string of = "") = 0;
  // Many at once, in their order: all of them wait for the disk together, and the loop turns meanwhile. An answer for each.
  virtual Task<std::vector<Answer>> submit_all(std::vector<Input> inputs) = 0;
  virtual Task<std::optional<Outcome>> run_probe(std::string name) = 0;  // now; nullopt: no such probe
  // One line per Alertmanager and channel: what happened, and whether it was taken.
  virtual Task<std::vector<std::pair<std::string, bool>>> send_test_alert() = 0;
  virtual Task<std::vector<std::string>> reload() = 0;  // the problems; empty: done
  // The journal, or of an incident its events and all between them, as a journal that verifies by itself. `incident` empty: all.
  virtual Task<Copied> copy_journal(std::string incident) = 0;
  // What a step's command has printed so far, in whole lines while it runs; nullopt: it was not run since the start.
  virtual std::optional<std::string> heard(const std::string& incident, const std::string& step) const = 0;

  // Every event from now on, on the loop. The subscription ends when the returned handle is destroyed.
  virtual std::shared_ptr<void> follow(std::function<void(const Event&)> each) = 0;
  // From the bounded memory of the newest events, which reaches back over restarts; in order, the oldest first.
  virtual std::vector<std::shared_ptr<const Event>> events_since(std::uint64_t seq, std::size_t most) const = 0;
  virtual std::vector<std::shared_ptr<const Event>> newest_events(std::size_t most) const = 0;
};

}  // namespace drwatch
