// SPDX-License-Identifier: Apache-2.0
// Keeps one Alertmanager in step: sends what should stand, newest state only and in order, again every `resend`, and reads it back.
// Alertmanager forgets (its alerts live in memory) and 200 is not delivery, so an alert is held only once it was read back.
#pragma once

#include "daemon/alerting/waker.hpp"
#include "daemon/log/log.hpp"
#include "daemon/recovery/alerts/alert.hpp"
#include "probes/parts/http_sender.hpp"
#include "probes/seams/world.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace drwatch {

// (alertmanager, "accepted" | "rejected" | "failed" | "unconfirmed") → alerts
using SentCounts = std::map<std::pair<std::string, std::string>, std::uint64_t>;

// What "delivered" is about: this alert, from this start, firing or resolved.
using AlertState = std::tuple<std::map<std::string, std::string>, Time, bool>;
AlertState state_of(const Alert& alert);

// The URL as it may be shown: without a user's name and password.
std::string shown_url(const std::string& url);

// One exchange is: post what should stand, then ask which alerts are listed. On the loop's thread only; one exchange at a time.
class Alertmanager {
 public:
  Alertmanager(World world, Log& log, std::string url, std::shared_ptr<SentCounts> sent, HttpAccess access = {});

  // How drwatch shows itself from now on.
  void show_as(HttpAccess access) { static_cast<HttpAccess&>(sender_) = std::move(access); }
  void resend_every(Duration resend) { resend_ = resend; }
  // `alerts` are sendable, tidy and in the order to be sent. Wakes the loop.
  void want(std::shared_ptr<const std::vector<Alert>> alerts);
  // It was read back from here, and this Alertmanager answered when it was last asked.
  bool holds(const Alert& alert) const { return held_.contains(state_of(alert)); }
  const std::string& name() const { return name_; }

  // The loop. `changed` is called when what it holds may have changed.
  static Task<void> run(std::shared_ptr<Alertmanager> self, std::function<void()> changed);
  // One alert there and back, outside the loop: "accepted and read back" and true, or what went wrong.
  Task<std::pair<std::string, bool>> prove(Alert alert);

 private:
  // refused: the request came through, but something in it is bad, and sending the same again is useless. no: it did not come through.
  enum class Taken { yes, refused, no };
  struct Answer {
    Taken taken = Taken::no;
    std::string why;  // when not taken
  };

  // Each returns true when it went well, refused alerts aside.
  Task<bool> exchange();
  Task<bool> send(std::vector<Alert> alerts, std::vector<Alert> refused_before);
  Task<bool> send_one_by_one(std::vector<Alert> alerts);
  Task<bool> confirm(std::vector<Alert> alerts);
  Task<Answer> post(std::vector<Alert> alerts);
  Task<Result<HttpResponse>> ask(std::string method, std::string path, std::string body);
  void count(const char* result, std::size_t alerts) { (*sent_)[{name_, result}] += alerts; }
  void refuse(const Alert& alert, const std::string& why);
  void forget_all_but(const std::vector<Alert>& batch, const std::vector<Alert>& refused_before);
  void lost(const std::string& why);
  void away(const std::string& why);
  void found();

  World world_;
  Log& log_;
  std::string url_, name_;
  HttpSender sender_;
  std::shared_ptr<SentCounts> sent_;
  Duration resend_ = minutes{1};
  Waker waker_;
  std::shared_ptr<const std::vector<Alert>> wanted_;
  std::set<AlertState> held_;
  std::map<std::map<std::string, std::string>, Alert> refused_;  // as it was when it was refused: sent alone until it changes
  std::vector<Alert> taken_;                                     // of the exchange that is under way: to be read back
  bool away_ = false;
};

}  // namespace drwatch
