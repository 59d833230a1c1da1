// SPDX-License-Identifier: Apache-2.0
// http: a request, or a journey of several, judged by the answers. It proves that the endpoint answers as expected from here, over fresh
// connections; it can't prove that others reach it, or that an answer which looks right is right. Down means: users who need this endpoint
// don't get it.
#include "probes/probe.hpp"
#include "config/rows/pattern.hpp"
#include "config/rows/text.hpp"
#include "config/rows/url.hpp"
#include "probes/http/visit.hpp"
#include "probes/parts/asked_to_wait.hpp"
#include "probes/parts/bounded_json.hpp"
#include "probes/parts/http_redirect.hpp"
#include "probes/seams/excerpt.hpp"
#include "probes/seams/redaction.hpp"
#include "probes/seams/within.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <utility>

namespace drwatch::kinds::http {
namespace {

constexpr const char* doc =
    R"(A request over a fresh connection, judged by its answer: status, version, headers, body, JSON values; with `steps` a journey that
passes values and cookies on. Packed bodies (gzip, deflate, br) are unpacked.

Proves that the endpoint answers as expected from here. Cannot prove that others reach it, or that what it did behind the answer is right.

`down` (`assertion`, code: the HTTP status) when an answer is not the expected one; `unknown` (`own-fault`, `429`) when drwatch is turned
away for asking too often, which says nothing of others. A `Retry-After` of a 429 or 503 delays the next run, by at most five minutes. `degraded` (`timeout`) when it is, but took longer than
`slower_than`. A redirect to another origin gets neither credentials nor the client certificate. With `addresses = "all"` the worst address
decides and is named. Of a journey, the step that failed stands in the fact `step`.

    steps = [
      { name = "log in", target = "/login", method = "POST", body = { credential = "login" }, capture = { session = { json = "/session" } } },
      { name = "open the cart", target = "/cart/{{session}}", json = [{ pointer = "/items", exists = true }] },
    ])";

constexpr std::size_t most_addresses = 16;

std::string host_of(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  return parsed ? parsed->host_address() : "";
}

class HttpProbe : public Probe {
 public:
  explicit HttpProbe(const HttpSettings& settings) : settings_(settings), judge_(settings_), fault_(own_fault()) {
    for (const HttpStep& step : settings_.steps) judges_.emplace_back(step);
  }

  Task<Outcome> run(World& world) override {
    if (fault_) co_return outcome_of(Health::unknown, Reason::internal, "", *fault_);
    const bool prefers = settings_.family.starts_with("prefer-");
    HttpVisit::Reach reach;
    if (settings_.addresses == "first" && !prefers) co_return co_await journey(&world, "", &reach);
    const auto found = co_await addresses(&world);
    if (!found) co_return of_failure(found.error());
    if (settings_.addresses == "all") co_return co_await at_all(&world, *found);
    co_return co_await at_first(&world, *found);
  }

  Health when_late() const override { return guards() ? Health::unknown : Health::down; }

 private:
  // What keeps the request from being made; a fault of drwatch's own configuration, so nothing is known about the target.
  std::optional<std::string> own_fault() const {
    std::vector<const Secret*> used = {&settings_.target, &settings_.body};
    for (const HttpStep& step : settings_.steps) used.push_back(&step.body);
    for (const Secret* secret : used)
      if (secret->configured() && !secret->present()) return "the secret " + secret->name() + " is missing";
    if (auto wrong = settings_.sender.fault()) return wrong;
    if (const auto wrong = config::misfit("http-url", settings_.target.reveal())) return "the target is " + wrong->message;
    return std::nullopt;
  }

  // Those of the family; of a preferred one first, then the others.
  Task<Result<std::vector<std::string>>> addresses(World* world) const {
    const std::string host = host_of(settings_.target.reveal());
    const bool v6 = settings_.family.ends_with("v6"), both = settings_.family.starts_with("prefer-");
    const Family family = settings_.family == "any" ? Family::any : v6 ? Family::v6 : Family::v4;
    const std::vector<std::string> system;
    auto found = co_await world->resolver.resolve(host, family, system);
    std::vector<std::string> all;
    if (found) all = found->addresses;
    if (both) {
      const auto others = co_await world->resolver.resolve(host, v6 ? Family::v4 : Family::v6, system);
      if (!found && !others) co_return found.error();
      if (others) all.insert(all.end(), others->addresses.begin(), others->addresses.end());
    } else if (!found) {
      co_return found.error();
    }
    co_return all;
  }

  // By `address_timeout`: as far as it had come.
  Outcome cut_off(const std::string& address, const HttpVisit::Reach& reach) const {
    Outcome outcome = of_failure({Reason::timeout, "", address + ": no answer within " + duration_words(settings_.address_timeout)});
    outcome.phases = reach.all;
    for (int i = 0; i < phase_count; ++i)
      if (reach.last.took[i] && !outcome.phases.took[i]) outcome.phases.took[i] = reach.last.took[i];
    if (reach.step.empty()) return outcome;
    outcome.facts["step"] = reach.step;
    outcome.message += "; it had come to the step " + quote(reach.step, 60);
    return outcome;
  }

  Task<Outcome> at_address(World* world, std::string address, HttpVisit::Reach* reach) {
    auto outcome = co_await within(world->clock, settings_.address_timeout, journey(world, address, reach));
    if (!outcome) co_return cut_off(address, *reach);
    co_return std::move(*outcome);
  }

  Task<Outcome> at_all(World* world, std::vector<std::string> all) {
    std::optional<Outcome> worst;
    std::map<std::string, std::string> said;
    if (all.size() > most_addresses) {  // a run has no time for them, and must not pass over them in silence
      said["addresses_not_asked"] = std::to_string(all.size() - most_addresses);
      all.resize(most_addresses);
    }
    for (const std::string& address : all) {
      HttpVisit::Reach reach;
      Outcome outcome = co_await at_address(world, address, &reach);
      said["at " + address] = std::string(health_name(outcome.outcome)) + (outcome.code.empty() ? "" : " " + outcome.code);
      if (outcome.outcome != Health::up) outcome.message = "at " + address + ": " + outcome.message;
      if (!worst || severity_possible(outcome.outcome) > severity_possible(worst->outcome)) worst = std::move(outcome);
    }
    worst->facts.insert(said.begin(), said.end());
    co_return std::move(*worst);
  }

  // Nothing was sent: the first connection did not come about, or (cut off) had not yet.
  static bool never_connected(const Outcome& outcome, const HttpVisit::Reach& reach) {
    if (outcome.outcome == Health::up || reach.exchanges > 1 || reach.last[Phase::request]) return false;
    return outcome.reason == Reason::connect || (outcome.reason == Reason::timeout && !reach.last[Phase::connect]);
  }

  // The next address only when one can't be connected to: what a server answers counts, and a request that was sent is not sent again.
  Task<Outcome> at_first(World* world, std::vector<std::string> all) {
    std::string left;
    for (std::size_t i = 0;; ++i) {
      HttpVisit::Reach reach;
      Outcome outcome = co_await at_address(world, all[i], &reach);
      if (i + 1 < all.size() && never_connected(outcome, reach)) {
        left += (left.empty() ? "" : "; ") + outcome.message;  // it names the address
        continue;
      }
      if (!left.empty()) outcome.facts["not_connected"] = excerpt(left, 300);
      const bool v6 = settings_.family.ends_with("v6");
      if (v6 != (all[i].find(':') != std::string::npos))
        outcome.message +=
            std::string("; not over IPv") + (v6 ? "6: " : "4: ") + (left.empty() ? "no such address was found" : excerpt(left, 200));
      co_return outcome;
    }
  }

  Task<Outcome> journey(World* world, std::string address, HttpVisit::Reach* reach) {
    HttpVisit visit(*world, settings_, address, *reach);
    std::map<std::string, std::string> captured;
    const auto began = world->clock.boottime();
    Outcome outcome = co_await first_request(world, &visit, &captured);
    for (std::size_t i = 0; i < settings_.steps.size() && outcome.outcome != Health::down && outcome.outcome != Health::unknown; ++i) {
      const HttpStep& step = settings_.steps[i];
      world->reached("step", step.name);
      reach->step = step.name;
      const auto step_began = world->clock.boottime();
      Outcome next = co_await one_step(world, &visit, &step, &judges_[i], &captured);
      if (next.outcome == Health::up) slow(next, step.slower_than, world->clock.boottime() - step_began);
      next.facts.insert(outcome.facts.begin(), outcome.facts.end());
      if (next.outcome != Health::up) {
        next.message = "step " + quote(step.name, 60) + ": " + next.message;
        next.facts["step"] = step.name;
      }
      if (severity_possible(next.outcome) >= severity_possible(outcome.outcome)) outcome = std::move(next);
    }
    if (outcome.outcome == Health::up) slow(outcome, settings_.slower_than, world->clock.boottime() - began);
    if (!settings_.steps.empty()) outcome.facts["steps"] = std::to_string(settings_.steps.size() + 1);
    outcome.phases = visit.phases();
    if (const auto led = outcome.facts.find("redirected_to"); led != outcome.facts.end()) led->second = redacted(led->second);
    co_return outcome;
  }

  HttpRequest request_to(std::string method, std::string url, std::string body) const {
    HttpRequest request;
    request.method = std::move(method);
    request.url = std::move(url);
    request.body = std::move(body);
    request.max_body = static_cast<std::size_t>(settings_.max_body);
    const bool own = same_origin(request.url, settings_.target.reveal());
    settings_.sender.equip(request);
    if (!own) {
      std::erase_if(request.headers, [&](const auto& header) { return settings_.sender.is_credential(header.first); });
      request.tls.certificate_file.clear();
      request.tls.key_file.clear();
    }
    if (!same_host(request.url, settings_.target.reveal())) {
      std::erase_if(request.headers, [](const auto& header) { return same_name(header.first, "host"); });
      request.tls.server_name.clear();
    }
    request.family = settings_.family == "v4" ? Family::v4 : settings_.family == "v6" ? Family::v6 : Family::any;
    return request;
  }

  Task<Outcome> first_request(World* world, HttpVisit* visit, std::map<std::string, std::string>* captured) {
    HttpRequest request = request_to(settings_.method, settings_.target.reveal(), settings_.body.reveal());
    const std::vector<std::string> none;
    co_return co_await asked(world, visit, std::move(request), &judge_, settings_.body.from() != Secret::From::plain, &none,
                             &settings_.capture, captured);
  }

  Task<Outcome> one_step(World* world, HttpVisit* visit, const HttpStep* step, const HttpJudge* judge,
                         std::map<std::string, std::string>* captured) {
    const auto target = filled(step->target, *captured, true), body = filled(step->body.reveal(), *captured, false);
    if (!target || !body) co_return outcome_of(target ? body.error() : target.error());
    const std::string url = config::encoded_url(target->starts_with('/') ? origin(settings_.target.reveal()) + *target : *target);
    HttpRequest request = request_to(step->method, url, *body);
    std::vector<std::string> filled_in;
    for (const auto& [name, text] : step->headers) {
      const auto value = filled(text, *captured, false);
      if (!value || !fit_for_a_header(*value))
        co_return outcome_of(Health::unknown, Reason::internal, "", "the header " + name + " can't be filled");
      request.headers.emplace_back(name, *value);
      if (!placeholders(text).empty()) filled_in.push_back(name);
    }
    const bool secret = step->body.from() != Secret::From::plain || !placeholders(step->body.reveal()).empty();
    co_return co_await asked(world, visit, std::move(request), judge, secret, &filled_in, &step->capture, captured);
  }

  Task<Outcome> asked(World* world, HttpVisit* visit, HttpRequest request, const HttpJudge* judge, bool secret_body,
                      const std::vector<std::string>* private_headers, const std::map<std::string, HttpCapture>* captures,
                      std::map<std::string, std::string>* captured) {
    const std::string asked_for = request.url;
    const auto got = co_await visit->ask(std::move(request), judge, secret_body, private_headers);
    if (!got) co_return of_failure(got.error());
    const HttpResponse& answer = got->answer;
    const std::string where = got->request.method + " " + shown_url(got->request.url), code = std::to_string(answer.status);
    // A body that nobody looks at may be packed as it likes.
    const auto of_body = [](const auto& capture) { return capture.second.header.empty(); };
    const bool looked_at = judge->looks_at_body() || std::any_of(captures->begin(), captures->end(), of_body);
    if (got->packing && looked_at && judge->accepts(answer.status)) co_return of_failure(*got->packing);
    if (answer.status == 429 && !judge->accepts(429)) co_return turned_away(answer, where, world->clock.now());
    auto fault = judge->fault(answer);
    if (fault && got->redirects_used_up)
      *fault += "; it redirects still, after the " + std::to_string(settings_.redirects) + " that `redirects` allows";
    for (auto capture = captures->begin(); !fault && capture != captures->end(); ++capture) {
      auto value = taken(capture->second, answer);
      if (value) {
        world->hide(*value);
        (*captured)[capture->first] = std::move(*value);
      } else {
        fault = "there is nothing to capture as " + capture->first;
      }
    }
    if (fault && settings_.asks == "refusal" && of_fault(*got, asked_for, *judge) == Health::down) *fault = "was let in: " + *fault;
    Outcome outcome = fault ? outcome_of(of_fault(*got, asked_for, *judge), Reason::assertion, code, where + ": " + *fault)
                            : outcome_of(Health::up, Reason::none, code, where + ": " + code);
    if (fault) outcome.wait = asked_to_wait(answer, world->clock.now());
    outcome.facts = answer.facts;
    outcome.facts["address"] = answer.address;
    if (got->request.url != asked_for) outcome.facts["redirected_to"] = shown_url(got->request.url);
    co_return outcome;
  }

  Outcome of_failure(const Failure& failure) const {
    Outcome outcome = outcome_of(failure);
    if (guards()) outcome.outcome = Health::unknown;
    return outcome;
  }

  bool guards() const { return settings_.asks != "service"; }

  // What an answer that is not the expected one means. Of a guard only what it let in counts, and only if it was asked itself: a redirect
  // may lead to a page for everybody.
  Health of_fault(const HttpVisit::Answered& got, const std::string& asked_for, const HttpJudge& judge) const {
    const int status = got.answer.status;
    if (settings_.asks == "refusal")
      return status / 100 == 2 && !judge.accepts(status) && got.request.url == asked_for ? Health::down : Health::unknown;
    if (settings_.asks == "content") return judge.accepts(status) || status == 404 || status == 410 ? Health::down : Health::unknown;
    return Health::down;
  }

  static std::optional<std::string> taken(const HttpCapture& capture, const HttpResponse& answer) {
    std::string text = answer.body;
    if (capture.json) {
      if (too_many_values(answer.body)) return std::nullopt;
      const auto document = bounded_json(answer.body);
      if (document.is_discarded()) return std::nullopt;
      try {
        const auto& value = document.at(nlohmann::json::json_pointer(*capture.json));
        if (value.is_structured()) return std::nullopt;
        text = value.is_string() ? value.get<std::string>() : value.dump();
      } catch (const nlohmann::json::exception&) {
        return std::nullopt;
      }
    } else if (!capture.header.empty()) {
      const auto values = header_values(answer, capture.header);
      if (values.empty()) return std::nullopt;
      text = values.front();
    }
    if (capture.matches.empty()) return text.size() <= 16 * 1024 ? std::optional(text) : std::nullopt;
    std::string group;
    if (!RE2::PartialMatch(text, RE2(capture.matches, RE2::Quiet), &group)) return std::nullopt;
    return group;
  }

  static void slow(Outcome& outcome, const std::optional<Duration>& limit, std::chrono::nanoseconds took) {
    if (!limit || took <= *limit) return;
    outcome.outcome = Health::degraded;
    outcome.reason = Reason::timeout;
    outcome.message +=
        ", but it took " + duration_words(std::chrono::duration_cast<Duration>(took)) + ", more than " + duration_words(*limit);
  }

  // The URL without its query; of a secret one only the origin.
  std::string shown_url(const std::string& url) const {
    return settings_.target.from() == Secret::From::plain ? url.substr(0, url.find_first_of("?#")) : origin(url);
  }

  HttpSettings settings_;
  HttpJudge judge_;
  std::vector<HttpJudge> judges_;  // of the steps
  std::optional<std::string> fault_;
};

}  // namespace

Kind kind() { return kind_of<HttpSettings, HttpProbe>({.name = "http", .doc = doc, .rows = http_rows(), .check = check_http}); }

}  // namespace drwatch::kinds::http
