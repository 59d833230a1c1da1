// SPDX-License-Identifier: Apache-2.0
// Writes down what one run does outside, for the person who asks why it failed. Every seam is wrapped here, once, so no kind can forget to
// write something down. A kind knows of it only when it learns a secret (World::hide).
#pragma once

#include "probes/seams/redaction.hpp"
#include "probes/seams/world.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

class Tracer {
 public:
  // `secrets`: those of the probe. Times are counted from here, in microseconds. `timeout`: of the run; nullopt: it has no deadline.
  Tracer(Clock& clock, Redaction secrets, std::optional<std::chrono::nanoseconds> timeout = {});

  using Id = std::size_t;
  // Whom it says something about when the run's deadline ends the exchange.
  enum class Of { target, drwatch };
  Id begin(std::string asked, Of of = Of::target);                  // it has not ended until `end`
  void end(Id id, std::string_view answered, bool failed = false);  // adds to what was answered before
  void again(Id id);                                                // more of the answer is waited for
  void hide(const std::string& secret);
  // Those of the probe, and what the run came to know.
  const Redaction& secrets() const;
  void reached(const std::string& fact, const std::string& name) { reached_[fact] = name; }
  // Until the run is ended by its deadline; nullopt: it has none.
  std::optional<std::chrono::nanoseconds> left() const;
  // Adds what `phases` has more than `before`.
  void spent(const Phases& before, const Phases& phases);
  // The outcome of a run that its deadline has ended, before take(): as far as it came, and what it waited for. While it waited for
  // something of drwatch's own machine (a file), it is unknown (own-fault), otherwise `when_late` (timeout).
  Outcome ended_by_deadline(Health when_late, Duration timeout) const;

  // All that was written down, redacted and cut to some hundred bytes for each text. To be called once, at the end of the run. An exchange
  // that has not ended has no duration.
  std::shared_ptr<const Trace> take();

 private:
  struct Noted {
    Id id = 0;
    Exchange exchange;
    Of of = Of::target;
  };
  std::chrono::microseconds since_began() const;
  void add(std::string& to, std::string_view text) const;
  std::string shown(std::string text) const;

  Clock& clock_;
  Redaction configured_;
  std::chrono::nanoseconds began_;
  std::optional<std::chrono::nanoseconds> timeout_;
  std::size_t longest_secret_ = 0;
  std::vector<std::string> learnt_;
  mutable std::optional<Redaction> all_;  // made when it is asked for; gone when something was learnt since
  std::map<std::string, std::string> reached_;
  Phases phases_;
  std::vector<Noted> noted_;
  Id last_ = 0;
  std::size_t left_off_ = 0;
};

// The world as one run sees it: the same seams, and each use of them noted.
class TracedWorld {
 public:
  TracedWorld(World& world, Redaction secrets, std::optional<std::chrono::nanoseconds> timeout = {});
  ~TracedWorld();
  TracedWorld(const TracedWorld&) = delete;
  TracedWorld& operator=(const TracedWorld&) = delete;

  World& world() { return world_; }
  // The end of a run, whichever way it ended: gives its outcome the trace, and hides every secret in it, configured or learnt. All outcomes
  // pass here before anybody sees them. To be called once.
  void conclude(Outcome& outcome);
  // Before conclude().
  Outcome ended_by_deadline(Health when_late, Duration timeout) const { return tracer_.ended_by_deadline(when_late, timeout); }

 private:
  struct Seams;
  Tracer tracer_;
  std::unique_ptr<Seams> seams_;
  World world_;
};

}  // namespace drwatch
