// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/deadman.hpp"

#include "probes/seams/within.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace drwatch {
namespace {

constexpr seconds call_deadline{5}, slowest_call_again{10};

}  // namespace

// Shared with the loop, so that a cancelled loop still unwinds on firm ground.
struct Deadman::Inside {
  Inside(World w, Log& l, TaskGroup& t, std::function<bool()> on) : world(w), log(l), tasks(t), on_schedule(std::move(on)) {}

  static Task<void> run(std::shared_ptr<Inside> self, DeadmanSettings settings);
  static Task<std::string> call(World world, DeadmanSettings settings);
  void note(const std::string& why);

  World world;
  Log& log;
  TaskGroup& tasks;
  std::function<bool()> on_schedule;
  std::optional<DeadmanSettings> current;
  std::optional<TaskGroup::Id> loop;
  bool failing = false, held_back = false;
};

Task<void> Deadman::Inside::run(std::shared_ptr<Inside> self, DeadmanSettings settings) {
  for (;;) {
    Duration wait = settings.interval;
    // A daemon that lives but no longer probes must page as well.
    const bool meets = self->on_schedule();
    if (!meets && !self->held_back) self->log.line(Importance::warning, "the deadman is not called: the probes do not meet their schedule");
    self->held_back = !meets;
    if (meets) {
      const std::string why = co_await call(self->world, settings);
      self->note(why);
      // One lost call must not page: it is repeated well before the receiver's patience ends.
      if (!why.empty()) wait = std::min<Duration>(settings.interval, slowest_call_again);
    }
    co_await self->world.clock.sleep_for(wait);
  }
}

// The URL is a secret, and the world's messages may name it: only the closed reason and the code are told.
Task<std::string> Deadman::Inside::call(World world, DeadmanSettings settings) {
  HttpRequest request;
  request.url = settings.url.reveal();
  Phases phases;
  const auto answer = co_await within(world.clock, call_deadline, world.http.fetch(std::move(request), phases));
  if (!answer) co_return "no answer within " + duration_words(call_deadline);
  if (!*answer) co_return std::string(reason_name(answer->error().reason)) + " " + answer->error().code;
  const int status = (*answer)->status;
  co_return status / 100 == 2 ? "" : "it answered " + std::to_string(status);
}

void Deadman::Inside::note(const std::string& why) {
  const bool before = std::exchange(failing, !why.empty());
  if (failing && !before) log.line(Importance::warning, "the deadman's receiver can't be called: " + why);
  if (!failing && before) log.line(Importance::info, "the deadman's receiver can be called again");
}

Deadman::Deadman(World world, Log& log, TaskGroup& tasks, std::function<bool()> on_schedule)
    : inside_(std::make_shared<Inside>(world, log, tasks, std::move(on_schedule))) {}

Deadman::~Deadman() { stop(); }

void Deadman::load(std::optional<DeadmanSettings> settings) {
  const auto& current = inside_->current;
  // Unchanged: the loop goes on, so that a reload does not make an extra call or put one off.
  if (settings && current && settings->url == current->url && settings->interval == current->interval) return;
  stop();
  inside_->current = settings;
  if (settings && settings->url.present()) inside_->loop = inside_->tasks.spawn("deadman", Inside::run(inside_, *settings));
}

void Deadman::stop() {
  if (inside_->loop) inside_->tasks.cancel(*inside_->loop);
  inside_->loop.reset();
  inside_->current.reset();
  inside_->failing = false;
}

bool Deadman::failing() const { return inside_->failing; }

}  // namespace drwatch
