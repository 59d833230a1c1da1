// SPDX-License-Identifier: Apache-2.0
#include "probes/tcp/script.hpp"

#include "probes/parts/tls_facts.hpp"
#include "probes/seams/excerpt.hpp"

#include <re2/re2.h>

namespace drwatch {
namespace {

constexpr std::size_t most_read = 64 * 1024, longest_line = 8 * 1024, most_steps = 100;

const std::vector<config::Row>& step_rows() {
  using S = TcpStep;
  static const std::vector<config::Row> rows = {
      config::row<S>("send", &S::send, {.doc = "What to say."}),
      config::row<S>("expect", &S::expect, {.doc = "A regex (RE2) that a line must match.", .pattern_name = "regex"}),
      config::row<S>("fail", &S::fail, {.doc = "A regex (RE2) that no line before it may match.", .pattern_name = "regex"}),
      config::row<S>("starttls", &S::starttls, {.doc = "Begin TLS here.", .fallback = "false"}),
  };
  return rows;
}

// What the last `expect` found, by the number of its parentheses.
using Found = std::vector<std::string>;

// \0 is the whole match; a number without a group is nothing.
std::string filled(const std::string& text, const Found& found) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool marked = text[i] == '\\' && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9';
    if (!marked) {
      made += text[i];
      continue;
    }
    const auto number = static_cast<std::size_t>(text[++i] - '0');
    if (number < found.size()) made += found[number];
  }
  return made;
}

class Conversation {
 public:
  Conversation(World* world, Connected connected, TlsSettings tls, std::string name, Phases* phases)
      : world_(world), connected_(std::move(connected)), tls_(std::move(tls)), name_(std::move(name)), phases_(phases) {}

  // nullopt: go on.
  Task<std::optional<Outcome>> take(TcpStep step, std::size_t number) {
    world_->reached("step", std::to_string(number));
    if (!step.send.empty()) {
      const auto sent = co_await connected_.stream->write_all(filled(step.send, found_));
      if (!sent) co_return at(number, outcome_of(sent.error()));
    }
    if (!step.expect.empty()) {
      if (auto wrong = co_await wait_for(step)) co_return at(number, *wrong);
    }
    if (!step.starttls) co_return std::nullopt;
    if (auto failed = co_await begin_tls()) co_return at(number, *failed);
    co_return std::nullopt;
  }

  Outcome end(std::size_t steps) const {
    Outcome outcome =
        outcome_of(Health::up, Reason::none, "", connected_.address + " followed the script, all " + std::to_string(steps) + " steps");
    if (!last_.empty()) outcome.message += "; its last word: " + quote(last_);
    return outcome;
  }
  std::map<std::string, std::string> facts() const {
    auto facts = tls_facts(shown_, world_->clock.now());
    facts.insert(connected_.facts.begin(), connected_.facts.end());
    facts["address"] = connected_.address;
    return facts;
  }

 private:
  static Outcome at(std::size_t number, Outcome outcome) {
    outcome.message = "step " + std::to_string(number) + ": " + outcome.message;
    outcome.facts["step"] = std::to_string(number);
    return outcome;
  }

  Task<std::optional<Outcome>> wait_for(TcpStep step) {
    // Compiled anew for each step of a run: a script has a handful.
    const RE2 expect(step.expect, RE2::Quiet), fail(step.fail, RE2::Quiet);
    while (true) {
      auto line = co_await next_line();
      if (!line) co_return outcome_of(line.error());
      if (!*line)
        co_return outcome_of(Health::down, Reason::assertion, "",
                             "expected " + quote(step.expect) + ", got " + quote(last_) + " and the end");
      last_ = **line;
      if (matches(expect)) co_return std::nullopt;
      if (!step.fail.empty() && RE2::PartialMatch(last_, fail))
        co_return outcome_of(Health::down, Reason::assertion, "", "expected " + quote(step.expect) + ", got " + quote(last_));
    }
  }

  bool matches(const RE2& expect) {
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(std::min(expect.NumberOfCapturingGroups(), 9)) + 1);
    if (!expect.Match(last_, 0, last_.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()))) return false;
    found_.clear();
    for (const auto& group : groups) found_.emplace_back(group.data() ? std::string(group.data(), group.size()) : "");
    return true;
  }

  // Without its end; nullopt: there is none any more. While TLS may still begin, a byte at a time: what is behind the line is not ours to
  // read then.
  Task<Result<std::optional<std::string>>> next_line() {
    std::string line;
    while (line.size() < longest_line) {
      if (at_ == part_.size()) {
        char bytes[4096];
        const auto got = co_await connected_.stream->read_some(std::span<char>(bytes, secured_ ? sizeof bytes : 1));
        if (!got) co_return got.error();
        if (*got == 0 && line.empty()) co_return std::optional<std::string>();
        if (*got == 0) co_return std::optional<std::string>(line);
        part_.assign(bytes, *got);
        at_ = 0;
        if ((read_ += *got) > most_read)
          co_return Failure{Reason::protocol, "", connected_.address + " talks without end; last: " + quote(last_)};
      }
      const char c = part_[at_++];
      if (c != '\n') {
        line += c;
        continue;
      }
      if (!line.empty() && line.back() == '\r') line.pop_back();
      co_return std::optional<std::string>(line);
    }
    co_return Failure{Reason::protocol, "", connected_.address + " sent a line without end: " + quote(line)};
  }

  Task<std::optional<Outcome>> begin_tls() {
    auto secured = co_await world_->net.secure(std::move(connected_.stream), tls_, name_, shown_, *phases_);
    if (!secured) co_return outcome_of(secured.error());
    connected_.stream = std::move(*secured);
    secured_ = true;
    co_return std::nullopt;
  }

  World* world_;
  Connected connected_;
  TlsSettings tls_;
  std::string name_;
  Phases* phases_;
  TlsShown shown_;
  bool secured_ = false;
  std::string part_, last_;
  std::size_t at_ = 0, read_ = 0;
  Found found_;
};

}  // namespace

void read_script(std::vector<TcpStep>& into, const config::Value& value, const config::Reading& reading) {
  const config::Array* steps = value.array();
  if (!steps || steps->empty() || steps->size() > most_steps) {
    reading.problems.error(value.place, reading.key, "must be a list of 1 to 100 tables",
                           "write [{ expect = \"^220 \" }, { send = \"QUIT\\r\\n\" }]");
    return;
  }
  bool secured = false;
  for (const config::Value& item : *steps) {
    TcpStep step;
    if (!item.table()) {
      reading.problems.error(item.place, reading.key, "must be tables, not " + std::string(item.type_name()),
                             "write { expect = \"^220 \" }");
      continue;
    }
    const auto before = reading.problems.error_count();
    config::read_table(*item.table(), item.place, step_rows(), &step, reading);
    if (reading.problems.error_count() > before) continue;
    if (step.starttls && (secured || !step.send.empty() || !step.expect.empty()))
      reading.problems.error(item.place, reading.key, "starttls stands in a step of its own, once", "write { starttls = true }");
    else if (step.send.empty() && step.expect.empty() && !step.starttls)
      reading.problems.error(item.place, reading.key, "is a step that does nothing", "give send, expect or starttls");
    else if (step.expect.empty() && !step.fail.empty())
      reading.problems.error(item.place, reading.key, "fail needs an expect beside it", "give both");
    secured = secured || step.starttls;
    into.push_back(std::move(step));
  }
}

Task<Outcome> follow_script(World* world, std::vector<TcpStep> script, Connected connected, TlsSettings tls, std::string name,
                            Phases* phases) {
  Conversation conversation(world, std::move(connected), std::move(tls), std::move(name), phases);
  for (std::size_t i = 0; i < script.size(); ++i) {
    auto ended = co_await conversation.take(script[i], i + 1);
    if (!ended) continue;
    const auto facts = conversation.facts();
    ended->facts.insert(facts.begin(), facts.end());
    co_return std::move(*ended);
  }
  Outcome outcome = conversation.end(script.size());
  outcome.facts = conversation.facts();
  co_return outcome;
}

}  // namespace drwatch
