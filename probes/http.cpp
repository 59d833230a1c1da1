// SPDX-License-Identifier: Apache-2.0
// http: one request, judged by its answer. It proves that the endpoint answers as expected from here, over a fresh connection; it can't
// prove that others reach it, or that an answer which looks right is right. Down means: users who need this endpoint don't get it.
#include "config/pattern.hpp"
#include "probes/connection_rows.hpp"
#include "probes/excerpt.hpp"
#include "probes/http_expectation.hpp"
#include "probes/http_redirect.hpp"
#include "probes/kinds.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace drwatch {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc = R"(One request over a fresh connection, judged by its answer: status, headers, body, JSON values.

Proves that the endpoint answers as expected from here. Cannot prove that others reach it, or that what it did behind the answer is right.

`down` (`assertion`, code: the HTTP status) when the answer is not the expected one; `degraded` (`timeout`) when it is, but took longer than `slower_than`.
A redirect to another origin gets neither credentials nor the client certificate.)";

struct BasicLogin {
  std::string user;
  Secret password;
  friend bool operator==(const BasicLogin&, const BasicLogin&) = default;
};

struct HttpSettings : HttpExpectation {  // first base: its rows read into it
  Secret target;
  std::string method = "GET";
  std::map<std::string, Secret> headers;
  Secret body;
  std::int64_t redirects = 5;
  std::int64_t max_body = 1 << 20;
  TlsSettings tls;
  std::optional<BasicLogin> basic;
  Secret bearer;
  std::string family = "any";
  std::optional<Duration> slower_than;
  friend bool operator==(const HttpSettings&, const HttpSettings&) = default;
};

void read_target(HttpSettings& into, const Value& value, const Reading& reading) {
  const std::string* text = value.text();
  if (text && !config::holds_a_secret(*text))
    if (const auto wrong = config::misfit("http-url", *text))
      return reading.problems.error(value.place, reading.key, config::shown(*text) + ": " + wrong->message, wrong->hint);
  into.target = config::read_secret(value, reading, true);
}

bool fit_for_a_header(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

void read_headers(HttpSettings& into, const Value& value, const Reading& reading) {
  if (!value.table()) return reading.problems.error(value.place, reading.key, "must be a table", "write { accept = \"text/plain\" }");
  for (const auto& [key, place, element] : *value.table()) {
    const Reading below = reading.at(key);
    if (const auto wrong = config::misfit("header", key)) below.problems.error(place, below.key, wrong->message, wrong->hint);
    const std::string* text = element.text();
    if (text && config::is_secret_header(key))
      below.problems.error(place, below.key, "this header carries a secret", "write { env = \"NAME\" } or another place of a secret");
    else if (text && !fit_for_a_header(*text))
      below.problems.error(element.place, below.key, "a header holds no line breaks or control characters", "remove them");
    else if (text)
      into.headers[key] = Secret(Secret::From::plain, "", *text);
    else
      into.headers[key] = config::read_secret(element, below, false);
  }
}

void read_basic(HttpSettings& into, const Value& value, const Reading& reading) {
  static const std::vector<config::Row> rows = {
      config::row<BasicLogin>("user", &BasicLogin::user, {.doc = "The user.", .required = true}),
      config::row<BasicLogin>("password", &BasicLogin::password, {.doc = "The password.", .required = true}),
  };
  if (!value.table())
    return reading.problems.error(value.place, reading.key, "must be a table", "write { user = \"u\", password = { env = \"NAME\" } }");
  BasicLogin login;
  config::read_table(*value.table(), value.place, rows, &login, reading);
  into.basic = std::move(login);
}

std::vector<config::Row> rows() {
  using S = HttpSettings;
  using config::row;
  using config::row_with;
  std::vector<config::Row> all = {
      row_with<S>("target", "URL, or a secret", {.doc = "Where: `http://` or `https://`.", .required = true}, read_target),
      row<S>("method", &S::method, {.doc = "The method.", .fallback = "GET", .pattern_name = "method"}),
      row_with<S>("headers", "table: header = string or secret", {.doc = "Headers to send."}, read_headers),
      config::secret_or_text_row<S>("body", &S::body, {.doc = "The body to send; a login's password is a secret."}),
  };
  for (config::Row& expected : expectation_rows()) all.push_back(std::move(expected));
  std::vector<config::Row> rest = {
      row<S>(
          "redirects", &S::redirects,
          {.doc = "How many redirects to follow. A status that `status` names is never followed.", .fallback = "5", .min = 0, .max = 20}),
      row<S>("max_body", &S::max_body,
             {.doc = "Bytes of the answer; more is `down` (`protocol`).", .fallback = "1048576", .min = 1, .max = 64 << 20}),
      row_with<S>("tls", tls_type, {.doc = tls_doc}, [](S& s, const Value& v, const Reading& r) { read_tls(s.tls, v, r); }),
      row_with<S>("basic", "table: user, password (secret)", {.doc = "Basic authentication."}, read_basic),
      row<S>("bearer", &S::bearer, {.doc = "A bearer token."}),
      row<S>("family", &S::family, {.doc = "Which addresses to use.", .fallback = "any", .one_of = {"any", "v4", "v6"}}),
      row<S>("slower_than", &S::slower_than, {.doc = "A good answer that took longer is `degraded`.", .min = 0.001}),
  };
  for (config::Row& more : rest) all.push_back(std::move(more));
  return all;
}

bool is_authorization(std::string_view header) {
  constexpr std::string_view name = "authorization";
  return std::equal(header.begin(), header.end(), name.begin(), name.end(), [](unsigned char a, char b) { return std::tolower(a) == b; });
}

void check(const void* own, config::Place place, const Reading& reading) {
  const auto& s = *static_cast<const HttpSettings*>(own);
  const bool header = std::any_of(s.headers.begin(), s.headers.end(), [](const auto& h) { return is_authorization(h.first); });
  if (int{s.basic.has_value()} + int{s.bearer.configured()} + int{header} > 1)
    reading.problems.error(place, reading.key, "more than one of basic, bearer and an Authorization header", "keep one");
}

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

void add(Phases& sum, const Phases& hop) {
  for (int i = 0; i < phase_count; ++i)
    if (hop.took[i]) sum.took[i] = sum.took[i].value_or(std::chrono::microseconds{0}) + *hop.took[i];
}

class HttpProbe : public Probe {
 public:
  explicit HttpProbe(const HttpSettings& settings) : settings_(settings), hidden_(secrets_to_hide()), judge_(settings_, hidden_), fault_(own_fault()) {}

  Task<Outcome> run(World& world) override {
    if (fault_) co_return outcome_of(Health::unknown, Reason::internal, "", *fault_);
    const auto began = world.clock.boottime();
    HttpRequest request = first_request();
    Phases phases;
    Outcome outcome;
    for (int hop = 0;; ++hop) {
      Phases of_hop;
      const auto response = co_await world.http.fetch(request, of_hop);
      add(phases, of_hop);
      if (!response) {
        outcome = outcome_of(response.error());
        break;
      }
      const HttpResponse& answer = *response;
      if (hop >= settings_.redirects || judge_.accepts(answer.status) || !is_redirect(answer)) {
        outcome = judged(answer, request, world.clock.boottime() - began);
        break;
      }
      if (auto wrong = follow(request, answer)) {
        outcome = outcome_of(Health::down, Reason::protocol, std::to_string(answer.status), *wrong);
        break;
      }
    }
    outcome.phases = phases;
    outcome.message = without(std::move(outcome.message), hidden_);
    co_return outcome;
  }

 private:
  // What keeps the request from being made; a fault of drwatch's own configuration, so nothing is known about the target.
  std::optional<std::string> own_fault() const {
    for (const Secret* secret : used_secrets()) {
      if (!secret->present()) return "the secret " + secret->name() + " is missing";
      if (secret != &settings_.target && secret != &settings_.body && !fit_for_a_header(secret->reveal()))
        return "the secret " + secret->name() + " holds a line break or control character";
    }
    if (const auto wrong = config::misfit("http-url", settings_.target.reveal())) return "the target is " + wrong->message;
    return std::nullopt;
  }

  std::vector<const Secret*> used_secrets() const {
    std::vector<const Secret*> used = {&settings_.target};
    for (const auto& [name, value] : settings_.headers) used.push_back(&value);
    if (settings_.bearer.configured()) used.push_back(&settings_.bearer);
    if (settings_.body.configured()) used.push_back(&settings_.body);
    if (settings_.basic) used.push_back(&settings_.basic->password);
    return used;
  }

  std::vector<std::string> secrets_to_hide() const {
    std::vector<std::string> hidden;
    for (const Secret* secret : used_secrets())
      if (secret->from() != Secret::From::plain && secret->reveal().size() >= 4) hidden.push_back(secret->reveal());
    if (settings_.basic) hidden.push_back(basic_token());
    return hidden;
  }

  std::string basic_token() const { return base64(settings_.basic->user + ":" + settings_.basic->password.reveal()); }

  HttpRequest first_request() const {
    HttpRequest request;
    request.method = settings_.method;
    request.url = settings_.target.reveal();
    for (const auto& [name, value] : settings_.headers) request.headers.emplace_back(name, value.reveal());
    if (settings_.bearer.configured()) request.headers.emplace_back("Authorization", "Bearer " + settings_.bearer.reveal());
    if (settings_.basic) request.headers.emplace_back("Authorization", "Basic " + basic_token());
    request.body = settings_.body.reveal();
    request.tls = settings_.tls;
    request.family = family_of(settings_.family);
    request.max_body = static_cast<std::size_t>(settings_.max_body);
    return request;
  }

  bool is_credential(const std::string& header) const {
    const auto sent = settings_.headers.find(header);
    return config::is_secret_header(header) || (sent != settings_.headers.end() && sent->second.from() != Secret::From::plain);
  }

  // Turns `request` into the one that `answer` redirects to; what is wrong with the redirect otherwise.
  std::optional<std::string> follow(HttpRequest& request, const HttpResponse& answer) const {
    const auto next = redirect_target(request.url, answer);
    if (!next)
      return "redirected to an address that can't be followed: " + quote(without(header_values(answer, "location").front(), hidden_));
    if (!same_origin(request.url, *next)) {  // and never again, even if it leads back
      std::erase_if(request.headers, [&](const auto& header) { return is_credential(header.first); });
      request.tls.certificate_file.clear();
      request.tls.key_file.clear();
      if (settings_.body.from() != Secret::From::plain) request.body.clear();
    }
    request.url = *next;
    if (answer.status == 303 ? request.method != "HEAD" : answer.status != 307 && answer.status != 308 && request.method == "POST") {
      request.method = "GET";
      request.body.clear();
    }
    return std::nullopt;
  }

  Outcome judged(const HttpResponse& answer, const HttpRequest& request, std::chrono::nanoseconds took) const {
    Outcome outcome;
    const std::string where = request.method + " " + shown_url(request.url);
    const std::string code = std::to_string(answer.status);
    if (auto fault = judge_.fault(answer)) {
      outcome = outcome_of(Health::down, Reason::assertion, code, where + ": " + *fault);
    } else if (settings_.slower_than && took > *settings_.slower_than) {
      outcome = outcome_of(Health::degraded, Reason::timeout, code,
                           where + ": " + code + ", but it took " + duration_words(std::chrono::duration_cast<Duration>(took)) +
                               ", more than " + duration_words(*settings_.slower_than));
    } else {
      outcome = outcome_of(Health::up, Reason::none, code, where + ": " + code);
    }
    outcome.facts = answer.facts;
    outcome.facts["address"] = answer.address;
    if (request.url != settings_.target.reveal()) outcome.facts["redirected_to"] = without(shown_url(request.url), hidden_);
    return outcome;
  }

  // The URL without its query; of a secret one only the origin.
  std::string shown_url(const std::string& url) const {
    return settings_.target.from() == Secret::From::plain ? url.substr(0, url.find_first_of("?#")) : origin(url);
  }

  HttpSettings settings_;
  std::vector<std::string> hidden_;
  HttpJudge judge_;
  std::optional<std::string> fault_;
};

}  // namespace

Kind http_kind() {
  Kind kind;
  kind.schema.name = "http";
  kind.schema.doc = doc;
  kind.schema.rows = rows();
  kind.schema.fresh = [] { return std::make_shared<HttpSettings>(); };
  kind.schema.check = check;
  kind.schema.same = [](const void* a, const void* b) {
    return *static_cast<const HttpSettings*>(a) == *static_cast<const HttpSettings*>(b);
  };
  kind.make = [](const ProbeSettings& s) -> std::unique_ptr<Probe> {
    return std::make_unique<HttpProbe>(*static_cast<const HttpSettings*>(s.own.get()));
  };
  return kind;
}

}  // namespace drwatch
