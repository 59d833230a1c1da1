// SPDX-License-Identifier: Apache-2.0
// Writes down what one run does outside, for the person who asks why it failed. Every seam is wrapped here, once, so no kind can forget to
// write something down. A kind knows of it only when it learns a secret (World::hide).
#pragma once

#include "probes/seams/world.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

class Tracer {
 public:
  // `hidden`: what is never shown (hidden_forms of the probe's secrets); must outlive the tracer. Times are counted from here, in
  // microseconds.
  Tracer(Clock& clock, const std::vector<std::string>& hidden);

  using Id = std::size_t;
  // Whom it says something about when the run's deadline ends the exchange.
  enum class Of { target, drwatch };
  Id begin(std::string asked, Of of = Of::target);                  // it has not ended until `end`
  void end(Id id, std::string_view answered, bool failed = false);  // adds to what was answered before
  void again(Id id);                                                // more of the answer is waited for
  void hide(const std::string& secret) { learnt_.push_back(secret); }
  void reached(const std::string& fact, const std::string& name) { reached_[fact] = name; }
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
  std::vector<std::string> all_hidden() const;
  std::chrono::microseconds since_began() const;
  void add(std::string& to, std::string_view text) const;
  std::string shown(std::string text, const std::vector<std::string>& hidden) const;

  Clock& clock_;
  const std::vector<std::string>& hidden_;
  std::chrono::nanoseconds began_;
  std::size_t longest_hidden_ = 0;
  std::vector<std::string> learnt_;
  std::map<std::string, std::string> reached_;
  Phases phases_;
  std::vector<Noted> noted_;
  Id last_ = 0;
  std::size_t left_off_ = 0;
};

// The world as one run sees it: the same seams, and each use of them noted.
class TracedWorld {
 public:
  TracedWorld(World& world, const std::vector<std::string>& hidden);
  ~TracedWorld();
  TracedWorld(const TracedWorld&) = delete;
  TracedWorld& operator=(const TracedWorld&) = delete;

  World& world() { return world_; }
  std::shared_ptr<const Trace> take() { return tracer_.take(); }
  Outcome ended_by_deadline(Health when_late, Duration timeout) const { return tracer_.ended_by_deadline(when_late, timeout); }

 private:
  struct Seams;
  Tracer tracer_;
  std::unique_ptr<Seams> seams_;
  World world_;
};

}  // namespace drwatch
