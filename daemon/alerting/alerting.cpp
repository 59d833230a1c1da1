// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/alerting.hpp"

#include "daemon/alerting/alertmanager.hpp"
#include "daemon/alerting/channel.hpp"
#include "daemon/alerting/fallback.hpp"
#include "daemon/alerting/payload.hpp"
#include "daemon/alerting/utf8.hpp"
#include "daemon/alerting/validate.hpp"
#include "daemon/alerting/waker.hpp"
#include "daemon/recovery/alerts/names.hpp"
#include "probes/seams/within.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace drwatch {
namespace {

// `nothing_due`: how long a channel with nothing to do sleeps, if nobody wakes it.
constexpr seconds first_channel_retry{1}, slowest_channel_retry{15};
constexpr hours nothing_due{24};

struct Mate {  // an Alertmanager and its loop
  std::shared_ptr<Alertmanager> one;
  TaskGroup::Id loop = 0;
};
struct Line {  // a fallback channel and its loop
  std::shared_ptr<Waker> waker;
  TaskGroup::Id loop = 0;
};

}  // namespace

// What the loops share. They own it together with Alerting, so that a cancelled loop still unwinds on firm ground.
struct Alerting::Inside : std::enable_shared_from_this<Alerting::Inside> {
  Inside(World w, Log& l, TaskGroup& t) : world(w), log(l), tasks(t) {}

  void load_alertmanagers();
  void load_channels();
  void want(std::vector<Alert> alerts);
  void look();  // what is held may have changed, or time has passed
  void wake_channels();
  bool held(const Alert& alert) const;
  bool delivered(const Alert& alert) const;
  bool sound(const Alert& alert);
  // A channel's loop: carries what is due, in order. When the channel fails, the rest waits behind it.
  static Task<void> carry_on(std::shared_ptr<Inside> self, std::string channel, std::shared_ptr<Waker> waker);
  Task<bool> carry_one(std::string channel, Alert alert);

  World world;
  Log& log;
  TaskGroup& tasks;
  std::shared_ptr<const Settings> settings;
  std::map<std::string, Mate> mates;  // by url
  std::map<std::string, Line> lines;  // by channel
  std::vector<Alert> wanted;          // all of them, tidy, in the order to be sent
  std::shared_ptr<const std::vector<Alert>> sendable = std::make_shared<const std::vector<Alert>>();
  std::set<std::string> complained, failing_channels;
  Fallback fallback;
  std::shared_ptr<SentCounts> sent = std::make_shared<SentCounts>();
};

void Alerting::Inside::load_alertmanagers() {
  const auto& urls = settings->alertmanager.urls;
  std::erase_if(mates, [&](const auto& entry) {
    const bool gone = std::ranges::find(urls, entry.first) == urls.end();
    if (gone) tasks.cancel(entry.second.loop);
    return gone;
  });
  for (const std::string& url : urls) {
    Mate& mate = mates[url];
    // One that stays keeps its loop: a request that is under way must not be overtaken by a newer one.
    const bool fresh = !mate.one;
    if (fresh) mate.one = std::make_shared<Alertmanager>(world, log, url, sent);
    const auto access = settings->alertmanager.access.find(url);
    mate.one->show_as(access == settings->alertmanager.access.end() ? HttpAccess{} : access->second);
    mate.one->resend_every(settings->alertmanager.resend);
    mate.one->want(sendable);
    if (!fresh) continue;
    auto changed = [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->wake_channels();
    };
    mate.loop = tasks.spawn("alertmanager " + mate.one->name(), Alertmanager::run(mate.one, changed));
  }
}

// A channel that stays keeps its loop and what it has carried.
void Alerting::Inside::load_channels() {
  const auto& names = settings->alertmanager.fallback;
  std::erase_if(lines, [&](const auto& entry) {
    const bool gone = std::ranges::find(names, entry.first) == names.end();
    if (gone) tasks.cancel(entry.second.loop);
    return gone;
  });
  // Without an Alertmanager the channels are the only way.
  fallback.wait_for(settings->alertmanager.urls.empty() ? Duration(0) : settings->alertmanager.fallback_after);
  for (const std::string& name : names) {
    Line& line = lines[name];
    if (line.waker) continue;
    line.waker = std::make_shared<Waker>(world.executor);
    line.loop = tasks.spawn("channel " + name, carry_on(shared_from_this(), name, line.waker));
  }
  wake_channels();
}

void Alerting::Inside::want(std::vector<Alert> alerts) {
  // Labels are an alert's identity for Alertmanager. Of two with the same labels the later change counts; both in one batch would fight.
  std::map<Labels, Alert> newest;
  for (Alert& alert : alerts) {
    Alert tidied = tidy(std::move(alert));
    auto [entry, fresh] = newest.try_emplace(tidied.labels, tidied);
    if (!fresh && entry->second.order <= tidied.order) entry->second = std::move(tidied);
  }
  wanted.clear();
  for (auto& [labels, alert] : newest) wanted.push_back(std::move(alert));
  sort_for_sending(wanted);
  auto good = std::make_shared<std::vector<Alert>>();
  for (const Alert& alert : wanted)
    if (sound(alert)) good->push_back(alert);
  sendable = std::move(good);
  for (auto& [url, mate] : mates) mate.one->want(sendable);
  wake_channels();
}

// One that can't be sent is said once, and left to the channels, which take anything.
bool Alerting::Inside::sound(const Alert& alert) {
  const auto why = why_unsendable(alert);
  if (why && complained.insert(alert_key(alert) + *why).second)
    log.line(Importance::error, "the alert " + clean_utf8(alert_key(alert), 200) + " can't be sent to an Alertmanager: " + *why);
  return !why;
}

void Alerting::Inside::look() {
  const auto holds = [this](const Alert& alert) { return held(alert); };
  fallback.update(wanted, holds, world.clock.boottime());
}

void Alerting::Inside::wake_channels() {
  look();
  for (auto& [name, line] : lines) line.waker->wake();
}

bool Alerting::Inside::held(const Alert& alert) const {
  return std::ranges::any_of(mates, [&](const auto& entry) { return entry.second.one->holds(alert); });
}

bool Alerting::Inside::delivered(const Alert& alert) const {
  // Without any Alertmanager the channels are the delivery, and what does not go to channels has no other way.
  if (mates.empty()) return !Fallback::goes(alert) || fallback.carried_by_any(alert);
  return held(alert);
}

Task<void> Alerting::Inside::carry_on(std::shared_ptr<Inside> self, std::string channel, std::shared_ptr<Waker> waker) {
  Duration retry = first_channel_retry;
  for (;;) {
    waker->clear();
    self->look();
    const Time now = self->world.clock.now();
    std::vector<Alert> due = self->fallback.due_for(channel, self->wanted);
    // A resolve that is too old is news to nobody.
    std::erase_if(due, [now](const Alert& alert) { return !still_sent(alert, now); });
    if (due.empty()) {
      const auto next = self->fallback.next();
      const auto wait = next ? std::max(*next - self->world.clock.boottime(), Fallback::Moment(0)) : Fallback::Moment(nothing_due);
      co_await within(self->world.clock, wait, waker->wait());
      // One at a time, then everything is looked at anew: what is due may have changed while the channel worked.
    } else if (co_await self->carry_one(channel, due.front())) {
      retry = first_channel_retry;
    } else {
      // The waker is not heard here: it wakes with every try of every Alertmanager.
      co_await self->world.clock.sleep_for(retry);
      retry = std::min<Duration>(retry * 2, slowest_channel_retry);
    }
  }
}

Task<bool> Alerting::Inside::carry_one(std::string channel, Alert alert) {
  const auto found = settings->channels.find(channel);
  std::string why = "it is not configured";
  if (found != settings->channels.end()) why = co_await carry(world, channel, found->second, alert, settings->server.public_url);
  if (why.empty()) {
    fallback.carried(channel, alert);
    failing_channels.erase(channel);
    log.line(Importance::info, "channel " + channel + " took " + alert_key(alert) + (alert.resolved_at ? " (resolved)" : " (firing)"));
  } else if (failing_channels.insert(channel).second) {
    log.line(Importance::error, "channel " + channel + " does not take alerts: " + why + "; trying again at least every " +
                                    duration_words(slowest_channel_retry));
  }
  co_return why.empty();
}

Alerting::Alerting(World world, Log& log, TaskGroup& tasks) : inside_(std::make_shared<Inside>(world, log, tasks)) {}

Alerting::~Alerting() { stop(); }

void Alerting::load(std::shared_ptr<const Settings> settings) {
  inside_->settings = std::move(settings);
  inside_->load_alertmanagers();
  inside_->load_channels();
}

void Alerting::want(std::vector<Alert> alerts) { inside_->want(std::move(alerts)); }

AlertingStatus Alerting::status() const {
  AlertingStatus status;
  status.sent = *inside_->sent;
  const Time now = inside_->world.clock.now();
  for (const Alert& alert : inside_->wanted) {
    status.active += alert.resolved_at ? 0 : 1;
    status.undelivered += still_sent(alert, now) && !inside_->delivered(alert) ? 1 : 0;
  }
  return status;
}

Task<std::vector<std::pair<std::string, bool>>> Alerting::test() {
  const std::shared_ptr<Inside> inside = inside_;
  const std::shared_ptr<const Settings> settings = inside->settings;
  Alert alert;
  alert.labels = {{"alertname", std::string(alert_text(AlertName::test))}, {"severity", "info"}};
  alert.annotations = {{"summary", "A test alert of drwatch"},
                       {"description", "Somebody asked drwatch to show that its alerts arrive. Nothing is wrong; it ends by itself."}};
  alert.starts_at = inside->world.clock.now();
  std::vector<std::pair<std::string, bool>> lines;
  const std::map<std::string, Mate> mates = inside->mates;  // a reload may change them meanwhile
  for (const auto& [url, mate] : mates) {
    const auto [outcome, stands] = co_await mate.one->prove(alert);
    lines.emplace_back(mate.one->name() + ": " + outcome, stands);
  }
  for (const std::string& name : settings->alertmanager.fallback) {
    const auto channel = settings->channels.find(name);
    std::string why = "it is not configured";
    if (channel != settings->channels.end()) why = co_await carry(inside->world, name, channel->second, alert, settings->server.public_url);
    lines.emplace_back("channel " + name + ": " + (why.empty() ? "taken" : "not taken: " + why), why.empty());
  }
  if (lines.empty()) lines.emplace_back("nothing to send it to: [alertmanager] has neither urls nor a fallback", false);
  co_return lines;
}

void Alerting::stop() {
  for (auto& [url, mate] : inside_->mates) inside_->tasks.cancel(mate.loop);
  for (auto& [name, line] : inside_->lines) inside_->tasks.cancel(line.loop);
  inside_->mates.clear();
  inside_->lines.clear();
}

}  // namespace drwatch
