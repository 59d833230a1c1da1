// SPDX-License-Identifier: Apache-2.0
// What people and other systems ask of the daemon, and the answers that are kept for those who ask again.
#include "daemon/answers.hpp"
#include "daemon/daemon.hpp"

#include "daemon/recovery/incidents/commands.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace drwatch {
namespace {

constexpr Duration answers_kept = hours{24};
constexpr std::size_t most_answers = 10'000;  // of those the newest

Answer closed() {
  Answer answer;
  answer.refused = Refusal{503, "drwatch is stopping", "nothing was done; ask again when it is back", {}};
  return answer;
}
Answer full() {
  Answer answer;
  answer.refused = Refusal{503,
                           "the journal takes no more",
                           "its disk has refused for so long that nothing more can be kept for it; nothing was done: free or mend the "
                           "disk of the journal, then ask again",
                           {}};
  return answer;
}

}  // namespace

std::map<std::string, std::string> Daemon::remember_answer(const std::string& key, const Answer& answer) {
  std::map<std::string, std::string> changed;
  std::erase_if(answers_, [&](const auto& entry) {
    bool old = entry.second.first < now() - answers_kept;
    if (old) changed["answer/" + entry.first] = "";
    return old;
  });
  while (answers_.size() >= most_answers && !answers_.contains(key)) {
    const auto oldest =
        std::min_element(answers_.begin(), answers_.end(), [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
    changed["answer/" + oldest->first] = "";
    answers_.erase(oldest);
  }
  answers_[key] = {now(), answer};
  changed["answer/" + key] = answer_text(now(), answer);
  return changed;
}

Task<Answer> Daemon::submit(Input input, std::string key, std::string of) {
  if (stopping_) co_return closed();
  if (auto known = answers_.find(key); !key.empty() && known != answers_.end() && known->second.first > now() - answers_kept) {
    Answer again = known->second.second;
    if (!of.empty() && !again.of.empty() && again.of != of) {
      Answer other;
      other.refused = Refusal{422,
                              "idempotency key used before",
                              "this Idempotency-Key came with another request; nothing was done: send each request with a key of its own",
                              {}};
      co_return other;
    }
    again.repeated = true;
    if (!again.refused) again.durable = co_await keeping_.until_durable(keeping_.last(), settings_->journal.patience);
    co_return again;
  }
  // A ping is only heard: its values are bounded, whatever the disk does.
  const bool ping = std::holds_alternative<Pinged>(input);
  if (is_full() && !ping) co_return full();
  Decision decision = feed(std::move(input), is_full() ? "" : key, of);
  Answer answer{decision.refused, decision.subject, true, false, "", makes_its_subject(decision), changes(decision)};
  if (!answer.refused) answer.durable = co_await keeping_.until_durable(keeping_.last(), settings_->journal.patience);
  co_return answer;
}

Task<std::vector<Answer>> Daemon::submit_all(std::vector<Input> inputs) {
  // So many are decided on before others have their turn.
  constexpr std::size_t in_a_turn = 16;
  std::vector<Answer> answers;
  for (Input& input : inputs) {
    if (!answers.empty() && answers.size() % in_a_turn == 0) co_await boost::asio::post(parts_.world.executor, boost::asio::use_awaitable);
    if (stopping_ || is_full()) {
      answers.push_back(stopping_ ? closed() : full());
      continue;
    }
    Decision decision = feed(std::move(input));
    answers.push_back({decision.refused, decision.subject, true, false});
  }
  const bool done = std::any_of(answers.begin(), answers.end(), [](const Answer& answer) { return !answer.refused; });
  const bool durable = !done || co_await keeping_.until_durable(keeping_.last(), settings_->journal.patience);
  for (Answer& answer : answers) answer.durable = durable || answer.refused;
  co_return answers;
}

// What was answered as done is in the copy: it waits for the disk first.
Task<Copied> Daemon::copy_journal(std::string incident) {
  std::optional<JournalPart> part;
  Copied refused;
  if (!incident.empty()) {
    const Incident* found = worked(state_.record, incident);
    if (!found || found->timeline.empty()) {
      refused.refused = Refusal{404, "no incident '" + incident + "'", "'drwatch incident list' shows them", {}};
      co_return refused;
    }
    const auto& events = found->timeline;
    part = JournalPart{events.front().seq, events.back().seq, std::min(found->started_at, events.front().at)};
  }
  if (!parts_.copy_journal) {
    refused.refused = Refusal{422, "there is no journal to copy", "this drwatch keeps none in a file", {}};
    co_return refused;
  }
  co_await keeping_.until_durable(keeping_.last(), settings_->journal.patience);
  co_return co_await parts_.copy_journal(part);
}

std::optional<std::string> Daemon::heard(const std::string& incident, const std::string& step) const {
  const std::pair key{incident, step};
  const auto found = std::find_if(heard_.rbegin(), heard_.rend(), [&](const auto& each) { return each.first == key; });
  if (found == heard_.rend()) return std::nullopt;
  std::string text = *found->second;
  // Half a line may be half a secret.
  const Incident* its = worked(state_.record, incident);
  const IncidentStep* running = its ? its->step(step) : nullptr;
  if (running && running->state == StepState::running) text.resize(text.find_last_of("\r\n") + 1);
  secrets_.hide(text);
  return text;
}

}  // namespace drwatch
