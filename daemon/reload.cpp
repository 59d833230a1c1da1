// SPDX-License-Identifier: Apache-2.0
// The daemon takes over another configuration, or says why not.
#include "daemon/daemon.hpp"

namespace drwatch {
namespace {

// What only a restart can change.
std::vector<std::string> needs_restart(const Settings& was, const Settings& is) {
  std::vector<std::string> problems;
  auto same = [&](bool equal, const char* key) {
    if (!equal) problems.push_back(std::string(key) + " was changed; restart drwatch to use it");
  };
  same(was.server.listen == is.server.listen, "server.listen");
  same(was.journal.path == is.journal.path, "journal.path");
  same(was.workers == is.workers, "server.workers");
  return problems;
}

std::vector<std::string> changed_probes(const Settings& was, const Settings& is) {
  std::vector<std::string> changed;
  for (const auto& [name, probe] : is.probes) {
    const auto earlier = was.probes.find(name);
    if (earlier != was.probes.end() && earlier->second.fingerprint != probe.fingerprint) changed.push_back(name);
  }
  return changed;
}

}  // namespace

// One after the other, and none is left out: the files may have changed again since the one under way read them.
Task<std::vector<std::string>> Daemon::reload() {
  while (reloading_) co_await reloaded_.wait();
  reloading_ = true;
  // However this ends, also with a loop that goes while it waits, and the daemon before it.
  const auto over = [this, exists = exists_](void*) {
    if (!*exists) return;
    reloading_ = false;
    reloaded_.made();
  };
  const std::unique_ptr<void, decltype(over)> leaving(this, over);
  Loaded next = co_await parts_.load();
  std::vector<std::string> problems = {"drwatch is stopping"};
  if (!stopping_) problems = take_over(std::move(next));
  co_return problems;
}

std::vector<std::string> Daemon::take_over(Loaded loaded) {
  auto [next, problems] = std::move(loaded);
  for (std::string& problem : problems) secrets_.hide(problem);
  if (next && problems.empty()) problems = needs_restart(*settings_, *next);
  if (!next || !problems.empty()) {
    figures_.last_reload_successful = false;
    figures_.last_reload_error = problems.empty() ? "unknown" : problems.front();
    feed(ConfigurationRefused{problems});
    return problems.empty() ? std::vector<std::string>{"the configuration cannot be read"} : problems;
  }
  std::vector<std::string> changed = changed_probes(*settings_, *next);
  settings_ = next;
  // Work that began before goes on with the secrets of then, and may print them when it ends.
  secrets_before_.push_front(secrets_now_);
  if (secrets_before_.size() > secrets_kept) secrets_before_.pop_back();
  secrets_now_ = secrets_of(*settings_);
  secrets_ = secrets_now_;
  for (const Redaction& before : secrets_before_) secrets_ = secrets_.and_also(before);
  log_.keep(secrets_);
  figures_.last_reload_successful = true;
  figures_.last_reload_error.clear();
  figures_.last_reload_at = now();
  if (parts_.reloaded) parts_.reloaded(*settings_);
  feed(ConfigurationLoaded{changed});
  scheduler_.load(settings_);
  alerting_.load(settings_);
  deadman_.load(settings_->deadman);
  want_alerts(true);
  return {};
}

}  // namespace drwatch
