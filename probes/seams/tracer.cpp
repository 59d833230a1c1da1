// SPDX-License-Identifier: Apache-2.0
#include "probes/seams/tracer.hpp"

#include "probes/seams/excerpt.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr std::size_t most_exchanges = 24;  // the first half of them and the newest ones stay
constexpr std::size_t most_shown = 320;     // bytes of a text
// Kept of a text before it is redacted, and as many bytes more as the longest secret has: a secret across the cut would not be found.
constexpr std::size_t most_noted = 1024;
// Left off at the cut, for a secret that nobody told of and that the cut may have gone through.
constexpr std::size_t most_half = 256;

}  // namespace

Tracer::Tracer(Clock& clock, Redaction secrets, std::optional<std::chrono::nanoseconds> timeout)
    : clock_(clock), configured_(std::move(secrets)), began_(clock.boottime()), timeout_(timeout), longest_secret_(configured_.longest()) {}

std::optional<std::chrono::nanoseconds> Tracer::left() const {
  if (!timeout_) return std::nullopt;
  return std::max(std::chrono::nanoseconds{0}, began_ + *timeout_ - clock_.boottime());
}

// Kinds tell of the same secret as often as they see it, a cookie with every answer.
void Tracer::hide(const std::string& secret) {
  if (std::find(learnt_.begin(), learnt_.end(), secret) != learnt_.end()) return;
  learnt_.push_back(secret);
  all_.reset();
}

const Redaction& Tracer::secrets() const {
  if (learnt_.empty()) return configured_;
  if (!all_) all_ = configured_.and_also(learnt_);
  return *all_;
}

void Tracer::add(std::string& to, std::string_view text) const {
  const std::size_t most = most_noted + longest_secret_;
  to.append(text.substr(0, most - std::min(to.size(), most)));
}

std::string Tracer::shown(std::string text) const {
  // A text that was cut may end within a secret, which is then not found. So its end is left off, by as many bytes as the longest secret
  // may have; unless the mark at the end is gone, which means that a rule has replaced the text up to there.
  constexpr char end = '\1';
  const bool cut = text.size() >= most_noted + longest_secret_;
  secrets().hide(text, cut);
  if (cut) text += end;
  text = redacted(std::move(text));
  if (cut && text.ends_with(end)) text.resize(text.size() - std::min(text.size(), 1 + std::max(most_half, longest_secret_)));
  return excerpt(text, most_shown);
}

std::chrono::microseconds Tracer::since_began() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(clock_.boottime() - began_);
}

Tracer::Id Tracer::begin(std::string asked, Of of) {
  // The oldest of the newer half goes. How a run began and how it ended explain more than its middle, and a run that asks without end must
  // not fill the memory.
  if (noted_.size() >= most_exchanges) {
    noted_.erase(noted_.begin() + most_exchanges / 2);
    ++left_off_;
  }
  Noted noted{++last_, {}, of};
  noted.exchange.at = since_began();
  add(noted.exchange.asked, asked);
  noted_.push_back(std::move(noted));
  return last_;
}

void Tracer::end(Id id, std::string_view answered, bool failed) {
  const auto found = std::find_if(noted_.rbegin(), noted_.rend(), [&](const Noted& noted) { return noted.id == id; });
  if (found == noted_.rend()) return;  // left off
  Exchange& exchange = found->exchange;
  exchange.took = since_began() - exchange.at;
  exchange.failed = failed;
  add(exchange.answered, answered);
}

void Tracer::again(Id id) {
  // No duration: it has not ended.
  for (auto& noted : noted_)
    if (noted.id == id) noted.exchange.took.reset();
}

void Tracer::spent(const Phases& before, const Phases& phases) {
  for (int i = 0; i < phase_count; ++i) {
    const auto more = phases.took[i].value_or(std::chrono::microseconds{0}) - before.took[i].value_or(std::chrono::microseconds{0});
    if (phases.took[i]) phases_.took[i] = phases_.took[i].value_or(std::chrono::microseconds{0}) + more;
  }
}

// Not freed of secrets yet: conclude() does that with every outcome.
Outcome Tracer::ended_by_deadline(Health when_late, Duration timeout) const {
  Outcome outcome = outcome_of(when_late, Reason::timeout, "", "no answer within " + duration_words(timeout));
  outcome.phases = phases_;
  for (const auto& [fact, name] : reached_) {
    outcome.facts[fact] = shown(name);
    outcome.message += "; it had come to the " + fact + " " + outcome.facts[fact];
  }
  // Of several at once, the one that was begun last.
  const auto waits = std::find_if(noted_.rbegin(), noted_.rend(), [](const Noted& noted) { return !noted.exchange.took; });
  if (waits == noted_.rend()) return outcome;
  outcome.message += "; it waited for: " + shown(waits->exchange.asked);
  if (waits->of == Of::target) return outcome;
  outcome.outcome = Health::unknown;
  outcome.reason = Reason::own_fault;
  return outcome;
}

std::shared_ptr<const Trace> Tracer::take() {
  auto trace = std::make_shared<Trace>();
  trace->left_off = left_off_;
  trace->exchanges.reserve(noted_.size());
  for (Noted& noted : noted_) {
    noted.exchange.asked = shown(std::move(noted.exchange.asked));
    noted.exchange.answered = shown(std::move(noted.exchange.answered));
    trace->exchanges.push_back(std::move(noted.exchange));
  }
  noted_.clear();
  return trace;
}

}  // namespace drwatch
