// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/alertmanager.hpp"

#include "daemon/alerting/payload.hpp"
#include "daemon/alerting/validate.hpp"
#include "probes/parts/bounded_json.hpp"
#include "probes/seams/within.hpp"

#include <algorithm>
#include <set>

namespace drwatch {
namespace {

// A retry doubles from one second up to `resend`.
constexpr seconds request_deadline{5}, first_retry{1};
constexpr std::size_t batch_size = 200;  // keeps a request small enough for any proxy on the way

// Without `order`, which is not sent. What is not durable shows in the annotations (tidy).
bool same(const Alert& a, const Alert& b) {
  return a.labels == b.labels && a.annotations == b.annotations && a.starts_at == b.starts_at && a.resolved_at == b.resolved_at;
}

// An answer that is no list of alerts, or one that is too long to be read while everything else waits.
std::string odd_list(const HttpResponse& answer) {
  if (answer.status == 200 && too_many_values(answer.body)) return "it lists too many alerts to be read when asked what it has";
  return "it answered " + std::to_string(answer.status) + " when asked what it has";
}

}  // namespace

AlertState state_of(const Alert& alert) { return {alert.labels, alert.starts_at, alert.resolved_at.has_value()}; }

// https://user:password@host: up to the last "@" before the path.
std::string shown_url(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const auto begin = scheme + 3, slash = std::min(url.find('/', begin), url.size());
  const auto at = url.rfind('@', slash);
  return at == std::string::npos || at < begin ? url : url.substr(0, begin) + url.substr(at + 1);
}

Alertmanager::Alertmanager(World world, Log& log, std::string url, std::shared_ptr<SentCounts> sent, HttpAccess access)
    : world_(world), log_(log), url_(std::move(url)), name_(shown_url(url_)), sent_(std::move(sent)), waker_(world.executor) {
  while (url_.ends_with('/')) url_.pop_back();
  show_as(std::move(access));
  // So that all four counters exist as zeros from the start: a rate over a counter that appears with 1 misses the first.
  for (const char* result : {"accepted", "rejected", "failed", "unconfirmed"}) count(result, 0);
}

void Alertmanager::want(std::shared_ptr<const std::vector<Alert>> alerts) {
  // Nothing new: the loop sends it again by itself after `resend`.
  const bool news = !wanted_ || !std::ranges::equal(*wanted_, *alerts, same);
  wanted_ = std::move(alerts);
  if (news) waker_.wake();
}

Task<void> Alertmanager::run(std::shared_ptr<Alertmanager> self, std::function<void()> changed) {
  Duration retry = first_retry;
  for (;;) {
    const bool good = co_await self->exchange();
    changed();
    const Duration wait = good ? self->resend_ : std::min(retry, self->resend_);
    retry = good ? Duration(first_retry) : std::min(retry * 2, self->resend_);
    co_await within(self->world_.clock, wait, self->waker_.wait());
  }
}

// One round: all that should stand, sent and read back. True when this Alertmanager now stands as it should, refused alerts aside.
Task<bool> Alertmanager::exchange() {
  waker_.clear();
  std::vector<Alert> batch, refused_before;
  const Time now = world_.clock.now();
  for (const Alert& alert : wanted_ ? *wanted_ : std::vector<Alert>{}) {
    if (!still_sent(alert, now)) continue;
    const auto refused = refused_.find(alert.labels);
    // What was refused is sent apart, so that it does not spoil the batch; it is still sent, since the Alertmanager's configuration may
    // have changed.
    (refused != refused_.end() && same(refused->second, alert) ? refused_before : batch).push_back(alert);
  }
  forget_all_but(batch, refused_before);
  if (batch.empty() && refused_before.empty()) co_return true;
  taken_.clear();
  const bool sent = co_await send(std::move(batch), std::move(refused_before));
  // What was taken is read back even when the rest of the round failed: it may be all that anybody hears.
  const bool confirmed = co_await confirm(std::move(taken_));
  if (sent && confirmed) found();
  co_return sent&& confirmed;
}

void Alertmanager::forget_all_but(const std::vector<Alert>& batch, const std::vector<Alert>& refused_before) {
  std::set<AlertState> current, refused;
  for (const Alert& alert : batch) current.insert(state_of(alert));
  for (const Alert& alert : refused_before) refused.insert(state_of(alert));
  // What is held counts only for the state that should stand now.
  std::erase_if(held_, [&](const AlertState& held) { return !current.contains(held); });
  std::erase_if(refused_, [&](const auto& entry) { return !refused.contains(state_of(entry.second)); });
}

Task<bool> Alertmanager::send(std::vector<Alert> alerts, std::vector<Alert> refused_before) {
  for (std::size_t from = 0; from < alerts.size(); from += batch_size) {
    const auto begin = alerts.begin() + static_cast<std::ptrdiff_t>(from);
    std::vector<Alert> part(begin, begin + static_cast<std::ptrdiff_t>(std::min(batch_size, alerts.size() - from)));
    const Answer answer = co_await post(part);
    if (answer.taken == Taken::yes) {
      taken_.insert(taken_.end(), part.begin(), part.end());
    } else if (answer.taken == Taken::refused) {
      // The bad one is found by sending each alone; the whole batch again would be refused again.
      if (!co_await send_one_by_one(std::move(part))) co_return false;
    } else {
      count("failed", alerts.size() - from);
      lost(answer.why);
      co_return false;
    }
  }
  co_return co_await send_one_by_one(std::move(refused_before));
}

Task<bool> Alertmanager::send_one_by_one(std::vector<Alert> alerts) {
  for (std::size_t i = 0; i < alerts.size(); ++i) {
    std::vector<Alert> alone(1, alerts[i]);
    const Answer answer = co_await post(alone);
    if (answer.taken == Taken::yes) {
      refused_.erase(alerts[i].labels);
      taken_.push_back(alerts[i]);
    } else if (answer.taken == Taken::refused) {
      refuse(alerts[i], answer.why);
    } else {
      count("failed", alerts.size() - i);
      lost(answer.why);
      co_return false;
    }
  }
  co_return true;
}

Task<bool> Alertmanager::confirm(std::vector<Alert> alerts) {
  if (alerts.empty()) co_return true;
  const auto answer = co_await ask("GET", read_back_path(alerts), "");
  // Only a whole, readable list tells what stands there.
  const auto listed = answer && answer->status == 200 ? listed_alerts(answer->body) : std::nullopt;
  if (!listed) {
    count("unconfirmed", alerts.size());
    lost(!answer ? answer.error().message : odd_list(*answer));
    co_return false;
  }
  std::size_t missing = 0;
  for (const Alert& alert : alerts) {
    // What is firing is listed, what is resolved is not.
    const bool stands = listed->contains(alert.labels) != alert.resolved_at.has_value();
    if (stands) held_.insert(state_of(alert));
    if (!stands) held_.erase(state_of(alert));
    missing += stands ? 0 : 1;
  }
  count("accepted", alerts.size() - missing);
  count("unconfirmed", missing);
  if (missing != 0)
    away("it took " + std::to_string(alerts.size()) + " alerts, but " + std::to_string(missing) + " do not stand there as sent");
  co_return missing == 0;
}

Task<Alertmanager::Answer> Alertmanager::post(std::vector<Alert> alerts) {
  const auto answer = co_await ask("POST", "/api/v2/alerts", alerts_body(alerts, world_.clock.now(), resend_));
  if (!answer) co_return Answer{Taken::no, answer.error().message};
  if (answer->status / 100 == 2) co_return Answer{Taken::yes, ""};
  const std::string why = std::to_string(answer->status) + " " + error_text(answer->body);
  // 400: one of them is bad, the others were taken. 422 and 413: none was.
  const bool refused = answer->status == 400 || answer->status == 422 || answer->status == 413;
  co_return Answer{refused ? Taken::refused : Taken::no, why};
}

Task<Result<HttpResponse>> Alertmanager::ask(std::string method, std::string path, std::string body) {
  if (const auto wrong = sender_.fault()) co_return Failure{Reason::own_fault, "", *wrong};
  HttpRequest request;
  request.method = std::move(method);
  request.url = url_ + path;
  sender_.equip(request);
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("Accept", "application/json");
  request.body = std::move(body);
  request.max_body = 4 << 20;  // some five thousand alerts; parsing more would keep the loop
  Phases phases;
  auto answer = co_await within(world_.clock, request_deadline, world_.http.fetch(std::move(request), phases));
  if (!answer) co_return Failure{Reason::timeout, "", "no answer within " + duration_words(request_deadline)};
  co_return std::move(*answer);
}

Task<std::pair<std::string, bool>> Alertmanager::prove(Alert alert) {
  std::vector<Alert> one(1, alert);
  const Answer posted = co_await post(one);
  if (posted.taken != Taken::yes) co_return std::pair("not taken: " + posted.why, false);
  const auto answer = co_await ask("GET", read_back_path(one), "");
  if (!answer) co_return std::pair("taken, but not read back: " + answer.error().message, false);
  const auto listed = listed_alerts(answer->body);
  if (answer->status != 200 || !listed) co_return std::pair("taken, but not read back: " + odd_list(*answer), false);
  const bool stands = listed->contains(alert.labels);
  co_return std::pair(std::string(stands ? "accepted and read back" : "taken, but it does not stand there"), stands);
}

void Alertmanager::refuse(const Alert& alert, const std::string& why) {
  count("rejected", 1);
  const auto before = refused_.find(alert.labels);
  const bool known = before != refused_.end() && same(before->second, alert);
  refused_[alert.labels] = alert;
  held_.erase(state_of(alert));
  if (known) return;
  log_.line(Importance::error,
            "Alertmanager " + name_ + " refuses the alert " + alert_key(alert) + ": " + why + "; the others were sent without it");
}

// Whether it still has what it had is not known: it may have restarted with an empty memory.
void Alertmanager::lost(const std::string& why) {
  held_.clear();
  away(why);
}

void Alertmanager::away(const std::string& why) {
  if (std::exchange(away_, true)) return;
  log_.line(Importance::warning,
            "Alertmanager " + name_ + " does not take alerts: " + why + "; trying again at least every " + duration_words(resend_));
}

void Alertmanager::found() {
  if (std::exchange(away_, false)) log_.line(Importance::info, "Alertmanager " + name_ + " takes alerts again");
}

}  // namespace drwatch
