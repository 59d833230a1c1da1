// SPDX-License-Identifier: Apache-2.0
// prometheus: what a Prometheus has measured. It proves what was scraped, and how long ago; it can't prove that the target is reached from
// here. Down means: a value is out of its bounds. That nothing is there, or nothing fresh, is told apart from zero.
#include "probes/probe.hpp"
#include "config/rows/encoding.hpp"
#include "probes/parts/asked_to_wait.hpp"
#include "probes/parts/http_sender.hpp"
#include "probes/parts/promql_answer.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace drwatch::kinds::prometheus {
namespace {

constexpr const char* doc =
    R"doc(Asks a Prometheus (or what speaks its API: Thanos, Mimir, VictoriaMetrics) one PromQL expression and judges every series of the
answer.

Proves what was scraped. Cannot prove that the target is reached from here, nor, for anything but a plain selector, that the numbers are
fresh: for up to five minutes Prometheus goes on answering with the last sample. So the age of the samples is asked as well: of `query` when
it is a plain selector (`up{job="api"}`), else of the selector in `fresh`.

`down` (`assertion`) when a series is below `min` or above `max`; `degraded` when below `degraded_min` or above `degraded_max`. The worst
series decides and is named. An empty answer is not zero: it is what `empty` says, `unknown` (`absent`) by default; for an expression that
finds something only when it is wrong (`... > 5`), write `empty = "up"`: then, without bounds, any series is `down`. `unknown` as well:
samples older than `max_age` (`stale`), an answer from a cache (`stale`: evaluated more than five minutes, or `max_age`, from now by
drwatch's clock), NaN, histograms, an answer with warnings (part of the data was not read), a Prometheus that can't be reached or can't
evaluate the query.

A rate over five minutes is out of its bounds for five minutes after ten bad seconds, and for as long behind every recovery. With
`short_query`, the same over a twelfth of the time or so, it is `down` or `degraded` only while both are: the long one says that it matters,
the short one that it still goes on. Where the short one can't be read it is `unknown`.

    query       = "sum(rate(http_requests_total{code=~\"5..\"}[5m])) / sum(rate(http_requests_total[5m]))"
    short_query = "sum(rate(http_requests_total{code=~\"5..\"}[1m])) / sum(rate(http_requests_total[1m]))"
    max         = 0.05)doc";

constexpr Duration most_between_clocks = minutes{5};

struct PrometheusSettings {
  std::string target;
  std::string query, short_query;
  std::optional<double> min, max, degraded_min, degraded_max;
  std::string empty = "unknown";
  std::string fresh;
  Duration max_age = minutes{2};
  HttpSender sender;
  friend bool operator==(const PrometheusSettings&, const PrometheusSettings&) = default;

  bool bounded() const { return min || max || degraded_min || degraded_max; }
};

std::vector<config::Row> rows() {
  using S = PrometheusSettings;
  using config::row;
  std::vector<config::Row> all = {
      row<S>("target", &S::target,
             {.doc = "Its address, `http://127.0.0.1:9090`, with the path before `/api` if there is one.",
              .required = true,
              .pattern_name = "http-url"}),
      row<S>("query", &S::query, {.doc = "A PromQL expression that gives numbers of one moment.", .required = true}),
      row<S>("short_query", &S::short_query,
             {.doc = "The same over a much shorter time: only what both find is bad. For a rate over minutes, which goes on being bad for "
                     "minutes after a moment's trouble, and after its end."}),
      row<S>("min", &S::min, {.doc = "Below it is `down`."}),
      row<S>("max", &S::max, {.doc = "Above it is `down`."}),
      row<S>("degraded_min", &S::degraded_min, {.doc = "Below it is `degraded`."}),
      row<S>("degraded_max", &S::degraded_max, {.doc = "Above it is `degraded`."}),
      row<S>("empty", &S::empty,
             {.doc = "What an answer without any series means.", .fallback = "unknown", .one_of = {"unknown", "up", "degraded", "down"}}),
      row<S>("fresh", &S::fresh,
             {.doc = "A plain selector whose newest sample must not be older than `max_age`; for a `query` that is none itself."}),
      row<S>("max_age", &S::max_age, {.doc = "The oldest sample that counts.", .fallback = "2m", .min = 1}),
  };
  add_sender_rows(all, &S::sender);
  return all;
}

void check(const PrometheusSettings& s, config::Place place, const config::Reading& reading) {
  const auto error = [&](const char* message, const char* hint) { reading.problems.error(place, reading.key, message, hint); };
  check_access(s.sender, place, reading);
  if (s.query.find_first_not_of(" \t\n") == std::string::npos) error("the query is empty", "write a PromQL expression");
  if (!s.short_query.empty() && !s.bounded())
    error("short_query without bounds: there is nothing in which the two could agree", "give min or max");
  if (s.short_query == s.query) error("short_query is query itself", "make its time shorter, [1m] for [5m]");
  if (std::max(s.query.size(), s.short_query.size()) > 4000) error("the query is longer than 4000 bytes", "make it a recording rule");
  if (!s.fresh.empty() && !is_selector(s.fresh)) error("fresh is not a plain selector", "write it like up{job=\"api\"}");
  if (s.empty == "up" && s.fresh.empty())
    reading.problems.warning(place, reading.key, "an empty answer is `up`, and is also what is left when nothing is measured any more",
                             "name in fresh a selector of what has to be measured");
  if (s.min && s.max && *s.min > *s.max) error("min is above max", "swap them");
  if (!s.bounded() && s.empty == "unknown")
    reading.problems.warning(place, reading.key, "no bounds: any value is `up`, 0 as well", "give min or max");
  if (!s.bounded() && s.empty != "up" && s.empty != "unknown")
    error("no bounds: only whether there is a series is asked, and then empty = \"unknown\" or \"up\" says all", "give min or max");
}

class PrometheusProbe : public Probe {
 public:
  explicit PrometheusProbe(const PrometheusSettings& settings) : settings_(settings) {}

  Task<Outcome> run(World& world) override {
    if (const auto fault = settings_.sender.fault()) co_return outcome_of(Health::unknown, Reason::internal, "", *fault);
    Asking asking;
    Outcome outcome = co_await asked(&world, &asking);
    if (outcome.outcome != Health::up) {
      outcome.rate_limited = asking.too_often;
      outcome.wait = asking.wait;
    }
    outcome.phases = asking.phases;
    co_return outcome;
  }

  Health when_late() const override { return Health::unknown; }

 private:
  // What the requests of a run took, and whether one was turned away.
  struct Asking {
    Phases phases;
    bool too_often = false;
    std::optional<Duration> wait;
  };

  Task<Outcome> asked(World* world, Asking* asking) {
    Outcome outcome = co_await by_query(world, asking);
    if (!outcome.bad() || settings_.short_query.empty()) co_return outcome;
    const auto answer = co_await ask(world, asking, settings_.short_query);
    Outcome now = answer ? judged_of_now(*answer, world->clock.now()) : not_known(answer.error());
    co_return both(std::move(outcome), std::move(now));
  }

  Outcome judged_of_now(const PromqlAnswer& answer, Time now) const {
    if (!answer.warning.empty())
      return outcome_of(Health::unknown, Reason::absent, "partial", "only a part of the data was read: " + quote(answer.warning));
    if (auto cached = of_another_time(answer, now)) return std::move(*cached);
    return judged(answer.samples, settings_.short_query);
  }

  // Only as bad as the milder of the two.
  static Outcome both(Outcome outcome, Outcome now) {
    if (const auto value = now.facts.find("value"); value != now.facts.end()) outcome.facts["short_value"] = value->second;
    if (now.outcome == Health::unknown) {
      now.message = outcome.message + "; whether it goes on is not known: " + now.message;
      now.facts = std::move(outcome.facts);
      return now;
    }
    if (severity_seen(now.outcome) < severity_seen(outcome.outcome)) {
      outcome.outcome = now.outcome;
      if (now.outcome == Health::up) outcome.reason = Reason::none;
      outcome.message += now.outcome == Health::up ? "; it does not go on: " + now.message : "; lately: " + now.message;
    }
    return outcome;
  }

  Task<Outcome> by_query(World* world, Asking* asking) {
    const auto answer = co_await ask(world, asking, settings_.query);
    if (!answer) co_return not_known(answer.error());
    if (!answer->warning.empty())
      co_return outcome_of(Health::unknown, Reason::absent, "partial", "only a part of the data was read: " + quote(answer->warning));
    if (auto cached = of_another_time(*answer, world->clock.now())) co_return std::move(*cached);
    const std::string selector = !settings_.fresh.empty() ? settings_.fresh : is_selector(settings_.query) ? settings_.query : "";
    std::optional<double> age;
    if (!selector.empty() && (!answer->samples.empty() || !settings_.fresh.empty())) {
      const std::string youngest = "min(time() - timestamp(" + selector + "))", oldest = "max(time() - timestamp(" + selector + "))";
      const auto aged = co_await ask(world, asking, settings_.fresh.empty() ? oldest : youngest);
      if (!aged) co_return not_known(aged.error());
      if (!aged->warning.empty())
        co_return outcome_of(Health::unknown, Reason::absent, "partial", "only a part of the data was read: " + quote(aged->warning));
      if (auto cached = of_another_time(*aged, world->clock.now())) co_return std::move(*cached);
      if (aged->samples.empty())
        co_return outcome_of(Health::unknown, Reason::absent, "", "there is no " + quote(selector) + ": what is asked for is not measured");
      // An age that is no number must not pass for a young one.
      if (!aged->samples.front().number || std::isnan(aged->samples.front().value))
        co_return outcome_of(Health::unknown, Reason::protocol, "", "how old the samples of " + quote(selector) + " are is not told");
      age = aged->samples.front().value;
    }
    const double most = in_seconds(settings_.max_age);
    Outcome outcome = age && (*age > most || *age < -most) ? stale(*age) : judged(answer->samples, settings_.query);
    if (age) outcome.facts["age_seconds"] = number_text(*age);
    co_return outcome;
  }

  Task<Result<PromqlAnswer>> ask(World* world, Asking* asking, std::string query) {
    HttpRequest request;
    const std::string base = settings_.target.substr(0, settings_.target.find_last_not_of('/') + 1);
    request.url = base + "/api/v1/query?query=" + percent_encoded(query);
    settings_.sender.equip(request);
    request.max_body = 4 << 20;
    Phases of_this;
    const auto answer = co_await world->http.fetch(std::move(request), of_this);
    for (int i = 0; i < phase_count; ++i)
      if (of_this.took[i]) asking->phases.took[i] = asking->phases.took[i].value_or(std::chrono::microseconds{0}) + *of_this.took[i];
    if (!answer) co_return answer.error();
    asking->too_often = asking->too_often || answer->status == 429;
    if (const auto wait = asked_to_wait(*answer, world->clock.now())) asking->wait = wait;
    if (answer->status == 401 || answer->status == 403)
      co_return Failure{Reason::auth, std::to_string(answer->status),
                        "Prometheus refuses drwatch's credentials (" + std::to_string(answer->status) + ")"};
    co_return read_promql_answer(*answer);
  }

  // That the messenger fails says nothing of what he was asked about.
  static Outcome not_known(const Failure& failure) {
    Outcome outcome = outcome_of(failure);
    outcome.outcome = Health::unknown;
    return outcome;
  }

  Outcome stale(double age) const {
    const std::string words =
        duration_words(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(std::abs(age), 1e9))));
    if (age < 0)
      return outcome_of(Health::unknown, Reason::stale, "",
                        "the samples are " + words + " ahead of Prometheus's own clock: how old they are can't be told");
    return outcome_of(Health::unknown, Reason::stale, "",
                      "the samples are " + words + " old, more than " + duration_words(settings_.max_age) + ": it is not being measured");
  }

  // A query is evaluated at the moment of its asking. Two clocks may differ a little; what was evaluated in another hour comes from a
  // cache.
  std::optional<Outcome> of_another_time(const PromqlAnswer& answer, Time now) const {
    if (!answer.evaluated_at) return std::nullopt;
    const double age = unix_seconds(now) - *answer.evaluated_at;
    if (std::abs(age) <= std::max(in_seconds(settings_.max_age), in_seconds(most_between_clocks))) return std::nullopt;
    const std::string words =
        duration_words(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(std::abs(age), 1e9))));
    return outcome_of(
        Health::unknown, Reason::stale, "",
        "the answer is one of " + words + (age > 0 ? " ago" : " ahead") + ": a cache gave it, or the clock there or here is wrong");
  }

  Outcome of_empty() const {
    const Health health = *parse_health(settings_.empty);
    if (health == Health::up) return outcome_of(Health::up, Reason::none, "", "no series, as it should be");
    return outcome_of(health, Reason::absent, "", "the answer is empty: there is no such series");
  }

  Outcome judged(const std::vector<PromqlSample>& samples, const std::string& query) const {
    if (samples.empty()) return of_empty();
    Outcome worst = verdict(samples.front(), query);
    for (const PromqlSample& sample : samples) {
      Outcome next = verdict(sample, query);
      if (severity_possible(next.outcome) > severity_possible(worst.outcome)) worst = std::move(next);
    }
    worst.facts["series"] = std::to_string(samples.size());
    return worst;
  }

  Outcome verdict(const PromqlSample& sample, const std::string& query) const {
    const std::string name = sample.labels.empty() ? excerpt(query, 80) : labels_text(sample.labels), value = number_text(sample.value);
    const auto out = [&](Health health, const char* than, double bound) {
      return outcome_of(health, Reason::assertion, "", name + " is " + value + ", " + than + " " + number_text(bound));
    };
    Outcome made = outcome_of(Health::up, Reason::none, "", name + " is " + value);
    if (!sample.number || std::isnan(sample.value))
      made = outcome_of(Health::unknown, Reason::protocol, sample.number ? "NaN" : "histogram",
                        name + (sample.number ? " is not a number" : " is a histogram") + ": nothing to compare");
    else if (!settings_.bounded() && settings_.empty == "up")
      made = outcome_of(Health::down, Reason::assertion, "", name + " is there (" + value + "), and nothing should be");
    else if (settings_.min && sample.value < *settings_.min)
      made = out(Health::down, "below", *settings_.min);
    else if (settings_.max && sample.value > *settings_.max)
      made = out(Health::down, "above", *settings_.max);
    else if (settings_.degraded_min && sample.value < *settings_.degraded_min)
      made = out(Health::degraded, "below", *settings_.degraded_min);
    else if (settings_.degraded_max && sample.value > *settings_.degraded_max)
      made = out(Health::degraded, "above", *settings_.degraded_max);
    made.facts["value"] = value;
    return made;
  }

  PrometheusSettings settings_;
};

}  // namespace

Kind kind() { return kind_of<PrometheusSettings, PrometheusProbe>({.name = "prometheus", .doc = doc, .rows = rows(), .check = check}); }

}  // namespace drwatch::kinds::prometheus
