// SPDX-License-Identifier: Apache-2.0
// statuspage: what a provider says about itself. It proves what the provider admits, often late; it can't prove that anything works. Down
// means: the provider names an outage of something we use. It attributes what other probes see; it opens and clears nothing by itself.
#include "probes/probe.hpp"
#include "probes/parts/asked_to_wait.hpp"
#include "probes/parts/complaint.hpp"
#include "probes/parts/connection_rows.hpp"
#include "probes/parts/http_date.hpp"
#include "probes/parts/http_expectation.hpp"
#include "probes/parts/http_redirect.hpp"
#include "probes/seams/excerpt.hpp"
#include "probes/statuspage/page.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

namespace drwatch::kinds::statuspage {
namespace {

constexpr const char* doc =
    R"(What a provider says about itself on its status page, Statuspage or incident.io; told apart by the shape of the answer, not by the
address.

Proves what the provider admits, often late. Cannot prove that anything works. It is for attributing what other probes see and for choosing
the branch of the runbook: give it a component of its own, and let no trigger rest on it alone.

Open incidents, maintenance in progress and the components are read, the global indicator is not (`none` stands beside open incidents).
`down` for a `major_outage` of what concerns us, `degraded` for less (code: the worst status). `unknown`, never green and never down: the
page can't be reached, is no status page, was last updated more than `stale_after` ago, lists neither incidents nor components
(`status.json`), does not list one of `components`, or does not say how one is.)";

constexpr int most_redirects = 3;

struct StatusPageSettings {
  std::string target;
  std::vector<std::string> components, regions, redirect_hosts;
  Duration stale_after = minutes{15};
  TlsSettings tls;
  std::string family = "any";
  friend bool operator==(const StatusPageSettings&, const StatusPageSettings&) = default;
};

std::vector<config::Row> rows() {
  using S = StatusPageSettings;
  using config::row;
  return {
      row<S>("target", &S::target,
             {.doc = "The page's address (`https://status.example.com`; both usual paths are tried), or the full address of its JSON.",
              .required = true,
              .pattern_name = "http-url"}),
      row<S>("components", &S::components,
             {.doc = "Only these, as the page names them: a component, its group, or `Group / Component`. Empty: all."}),
      row<S>("regions", &S::regions,
             {.doc = "Only these regions (`eu-central-1`, `fra1`). What names regions and none of these does not concern us, unless it "
                     "says that all are affected. Empty: all."}),
      row<S>("stale_after", &S::stale_after,
             {.doc = "A page last updated (or a cached copy made) longer ago is `unknown`. Raise it for a page that is updated only when "
                     "something happens.",
              .fallback = "15m",
              .min = 60}),
      row<S>("redirect_hosts", &S::redirect_hosts, {.doc = "Hosts to which redirects may lead, besides the page's own."}),
      config::row_with<S>("tls", tls_type, {.doc = tls_doc},
                          [](S& s, const config::Value& v, const config::Reading& r) { read_tls(s.tls, v, r); }),
      row<S>("family", &S::family, {.doc = "Which addresses to use.", .fallback = "any", .one_of = {"any", "v4", "v6"}}),
  };
}

// Where the JSON may be. incident.io's own first: what it serves in Statuspage's shape leaves out the text of the updates.
std::vector<std::string> addresses_of(const std::string& target) {
  const auto url = boost::urls::parse_uri(target);
  if (!url || (!url->path().empty() && url->path() != "/")) return {target};
  const std::string root = target.substr(0, target.find_last_not_of('/') + 1);
  return {root + "/api/v1/summary", root + "/api/v2/summary.json"};
}

std::string host_of(const std::string& address) {
  const auto url = boost::urls::parse_uri(address);
  return url ? std::string(url->host()) : "";
}

Outcome unknown(Reason reason, std::string code, std::string message) {
  return outcome_of(Health::unknown, reason, std::move(code), std::move(message));
}

class StatusPageProbe : public Probe {
 public:
  explicit StatusPageProbe(const StatusPageSettings& settings) : settings_(settings), addresses_(addresses_of(settings.target)) {}

  Task<Outcome> run(World& world) override {
    Phases phases;
    Outcome outcome;
    for (std::size_t tried = 0; tried < addresses_.size(); ++tried) {
      const std::string address = addresses_[(last_good_ + tried) % addresses_.size()];
      const auto answer = co_await fetch(&world, &phases, address);
      if (!answer) {
        outcome = unknown(answer.error().reason, answer.error().code, "the status page can't be read: " + answer.error().message);
        break;  // the host doesn't answer: neither will its other path
      }
      outcome = judged(*answer, world.clock.now());
      if (!outcome.facts.count("shape")) continue;
      last_good_ = (last_good_ + tried) % addresses_.size();
      break;
    }
    outcome.phases = phases;
    co_return outcome;
  }

  Health when_late() const override { return Health::unknown; }

 private:
  // One page, behind redirects; of an unchanged one (304) the copy that we have.
  Task<Result<HttpResponse>> fetch(World* world, Phases* phases, std::string address) {
    HttpRequest request;
    request.url = address;
    request.tls = settings_.tls;
    request.family = family_of(settings_.family);
    request.headers = {{"Accept", "application/json"}};
    if (kept_.at == address && !kept_.etag.empty()) request.headers.emplace_back("If-None-Match", kept_.etag);
    for (int hop = 0;; ++hop) {
      auto answer = co_await world->http.fetch(request, *phases);
      if (!answer) co_return answer.error();
      if (answer->status == 304 && kept_.at == address) {
        answer->body = kept_.body;
        answer->status = 200;
        co_return answer;
      }
      if (!is_redirect(*answer)) {
        const auto tags = header_values(*answer, "etag");
        kept_ = {};
        if (answer->status == 200 && !tags.empty()) kept_ = {address, tags.front(), answer->body};
        co_return answer;
      }
      const auto next = redirect_target(request.url, *answer);
      if (!next || hop == most_redirects || !allowed(*next))
        co_return Failure{Reason::protocol, std::to_string(answer->status),
                          "it redirects to " + quote(next ? origin(*next) : "nowhere") + ", which is not followed"};
      request.url = *next;
    }
  }

  bool allowed(const std::string& address) const {
    const std::string host = host_of(address);
    const auto& more = settings_.redirect_hosts;
    return host == host_of(settings_.target) || std::find(more.begin(), more.end(), host) != more.end();
  }

  Outcome judged(const HttpResponse& answer, Time now) const {
    const std::string code = std::to_string(answer.status);
    if (answer.status != 200) {
      Outcome other = unknown(Reason::protocol, code, "the status page answered " + code);
      other.rate_limited = answer.status == 429;
      other.wait = asked_to_wait(answer, now);
      return other;
    }
    const auto report = read_status_page(answer.body);
    if (!report) return unknown(Reason::protocol, code, "what answered is " + report.error().message + ": " + quote(answer.body, 80));
    Outcome outcome = judged(*report, copy_age(answer, now), now);
    outcome.facts["shape"] = report->shape;
    if (!report->indicator.empty()) outcome.facts["indicator"] = excerpt(report->indicator, 30);
    if (report->updated) outcome.facts["updated"] = time_text(*report->updated);
    outcome.facts["address"] = answer.address;
    return outcome;
  }

  Outcome judged(const PageReport& report, Duration copy_is, Time now) const {
    const std::string name = report.name.empty() ? host_of(settings_.target) : excerpt(report.name, 60);
    const Duration age = std::max(copy_is, report.updated ? now - *report.updated : Duration{0});
    if (report.updated && is_future(*report.updated, now))
      return unknown(Reason::stale, "", name + ": last updated in the future (" + time_words(*report.updated) + ")");
    if (age > settings_.stale_after)
      return unknown(Reason::stale, "",
                     name + ": last updated " + duration_words(age) + " ago, more than " + duration_words(settings_.stale_after));
    const PageVerdict verdict = judge(report, {settings_.components, settings_.regions});
    Outcome outcome;
    if (verdict.worst == Trouble::none && !verdict.missing.empty()) {
      outcome = unknown(Reason::absent, "", name + ": the page does not list " + quote(verdict.missing.front()) + "; check `components`");
    } else if (verdict.worst == Trouble::none && !verdict.unread.empty()) {
      outcome = unknown(Reason::protocol, "", name + ": whether anything concerns us can't be told: " + verdict.unread);
    } else if (verdict.worst == Trouble::none) {
      outcome = outcome_of(Health::up, Reason::none, "", name + ": nothing that concerns us");
    } else {
      const Health health = verdict.worst == Trouble::major_outage ? Health::down : Health::degraded;
      outcome =
          outcome_of(health, Reason::assertion, std::string(trouble_name(verdict.worst)), name + " says: " + excerpt(verdict.message, 300));
      std::string affected;
      for (const std::string& each : verdict.affected) affected += (affected.empty() ? "" : ", ") + each;
      outcome.facts["affected"] = excerpt(affected, 300);
      if (!verdict.url.empty()) outcome.facts["incident_url"] = verdict.url;
    }
    return outcome;
  }

  // How old the copy is that a cache served (RFC 9111 5.1): its Age, or the Date that it bears.
  static Duration copy_age(const HttpResponse& answer, Time now) {
    Duration age{0};
    if (const auto date = http_date(answer)) age = std::max(age, now - *date);
    const auto ages = header_values(answer, "age");
    std::int64_t told = 0;
    if (!ages.empty()) {
      const std::string& text = ages.front();
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), told);
      if (error == std::errc{} && end == text.data() + text.size() && told >= 0)
        age = std::max<Duration>(age, seconds{std::min<std::int64_t>(told, 1 << 30)});
    }
    return age;
  }

  struct Kept {
    std::string at, etag, body;
  };

  StatusPageSettings settings_;
  std::vector<std::string> addresses_;
  std::size_t last_good_ = 0;
  Kept kept_;
};

}  // namespace

Kind kind() {
  return kind_of<StatusPageSettings, StatusPageProbe>(
      {.name = "statuspage", .doc = doc, .traits = {.attributes_only = true}, .rows = rows()});
}

}  // namespace drwatch::kinds::statuspage
