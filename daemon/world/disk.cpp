// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/disk.hpp"

#include "daemon/world/bell.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

namespace drwatch {
namespace {

// Each is a thread in the kernel. The paths that are asked about stand in the configuration, so there are seldom many.
constexpr std::size_t most_hanging = 32;
// Some more, so that those that answer are never behind those that do not.
constexpr int most_threads = static_cast<int>(most_hanging) + 16;

}  // namespace

struct Disk::Question {
  explicit Question(const boost::asio::any_io_executor& loop) : over(std::make_shared<Bell>(loop)), impatience(loop) {}
  void give_up() {
    given_up = true;
    over->ring();
  }
  const std::chrono::steady_clock::time_point asked = std::chrono::steady_clock::now();
  std::shared_ptr<Bell> over;  // rung when it was answered, or given up
  boost::asio::steady_timer impatience;
  bool answered = false, given_up = false;
};

Disk::Disk(boost::asio::any_io_executor loop) : open_(std::make_shared<Open>()), workers_(std::move(loop), most_threads) {}
Disk::~Disk() = default;

Failure Disk::owes(const std::string& path, const Question& question) const {
  const auto waited = std::chrono::floor<Duration>(std::chrono::steady_clock::now() - question.asked);
  return {Reason::own_fault, "ETIMEDOUT",
          path + " has not answered for " + duration_words(std::chrono::floor<seconds>(waited)) +
              "; it is not asked again until it does (a network mount that hangs?)"};
}

std::size_t Disk::hanging() const {
  return static_cast<std::size_t>(std::count_if(open_->begin(), open_->end(), [](const auto& each) { return each.second->given_up; }));
}

Task<std::optional<Failure>> Disk::ask(std::string path, std::function<void()> work, std::chrono::milliseconds patience) {
  // Whoever asks about the same path at the same time waits for his turn.
  for (auto found = open_->find(path); found != open_->end(); found = open_->find(path)) {
    const auto other = found->second;
    if (other->given_up) co_return owes(path, *other);
    co_await Bell::wait(other->over);
  }
  if (hanging() >= most_hanging)
    co_return Failure{Reason::own_fault, "ETIMEDOUT",
                      path + " was not asked: " + std::to_string(most_hanging) + " other paths do not answer, among them " +
                          std::find_if(open_->begin(), open_->end(), [](const auto& each) { return each.second->given_up; })->first};
  const auto question = std::make_shared<Question>(workers_.loop());
  (*open_)[path] = question;
  const bool bounded = patience >= std::chrono::milliseconds(0);
  if (bounded) {
    question->impatience.expires_after(patience);
    question->impatience.async_wait([question](const boost::system::error_code& cancelled) {
      if (!cancelled && !question->answered) question->give_up();
    });
  }
  // When this coroutine is cancelled at its deadline, the next in turn is told that there is nothing to wait for.
  struct Leaving {
    std::shared_ptr<Question> question;
    bool bounded;
    ~Leaving() {
      if (!question->answered && !bounded) question->give_up();
    }
  } leaving{question, bounded};
  std::function<void()> done = [question, open = std::weak_ptr(open_), path] {
    question->answered = true;
    question->impatience.cancel();
    if (const auto questions = open.lock()) questions->erase(path);
    question->over->ring();
  };
  // The thread owns nothing of the loop's: it may hang until after the loop has gone.
  const auto error = std::make_shared<std::exception_ptr>();
  std::function<void()> guarded = [error, work = std::move(work)] {
    try {
      work();
    } catch (...) {
      *error = std::current_exception();
    }
  };
  workers_.post(std::move(guarded), std::move(done));
  co_await Bell::wait(question->over);
  if (!question->answered) co_return owes(path, *question);
  if (*error) std::rethrow_exception(*error);
  co_return std::nullopt;
}

}  // namespace drwatch
