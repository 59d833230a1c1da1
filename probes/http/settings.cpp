// SPDX-License-Identifier: Apache-2.0
#include "probes/http/settings.hpp"

#include "config/rows/encoding.hpp"
#include "config/rows/pattern.hpp"
#include "probes/parts/connection_rows.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <set>

namespace drwatch {
namespace {

using config::Reading;
using config::Value;

void read_target(HttpSettings& into, const Value& value, const Reading& reading) {
  const std::string* text = value.text();
  if (text && !config::holds_a_secret(*text))
    if (const auto wrong = config::misfit("http-url", *text))
      return reading.problems.error(value.place, reading.key, config::shown(*text) + ": " + wrong->message, wrong->hint);
  into.target = config::read_secret(value, reading, true);
}

constexpr const char* capture_hint = "write { token = { json = \"/access_token\" } }, or header = \"NAME\", or matches = \"id=([0-9]+)\"";

void read_capture(std::map<std::string, HttpCapture>& into, const Value& value, const Reading& reading) {
  static const std::vector<config::Row> rows = {
      config::row<HttpCapture>("json", &HttpCapture::json, {.doc = "A JSON pointer into the body.", .pattern_name = "json-pointer"}),
      config::row<HttpCapture>("header", &HttpCapture::header, {.doc = "A header.", .pattern_name = "header"}),
      config::row<HttpCapture>("matches", &HttpCapture::matches,
                               {.doc = "A regex (RE2); its first group is taken.", .pattern_name = "regex"}),
  };
  if (!value.table()) return reading.problems.error(value.place, reading.key, "must be a table", capture_hint);
  for (const auto& [key, place, element] : *value.table()) {
    const Reading below = reading.at(key);
    if (!config::is_name(key)) below.problems.error(place, below.key, "not a name", "use a-z, 0-9 and '-', beginning with a letter");
    if (!element.table()) {
      below.problems.error(element.place, below.key, "must be a table", capture_hint);
      continue;
    }
    HttpCapture& made = into[key];
    config::read_table(*element.table(), element.place, rows, &made, below);
    if (!made.json && made.header.empty() && made.matches.empty())
      below.problems.error(place, below.key, "says not what to take", capture_hint);
    if (made.json && !made.header.empty()) below.problems.error(place, below.key, "json and header are two places", "keep one");
    if (!made.matches.empty() && RE2(made.matches, RE2::Quiet).NumberOfCapturingGroups() < 1)
      below.problems.error(place, below.key, "the regex has no group", "put what is to be taken in parentheses");
  }
}

const std::vector<config::Row>& step_rows() {
  using S = HttpStep;
  static const std::vector<config::Row> all = [] {
    std::vector<config::Row> rows = {
        config::row<S>("name", &S::name, {.doc = "What it is, for people.", .required = true}),
        config::row<S>("target", &S::target, {.doc = "URL, or a path on the probe's own.", .required = true}),
        config::row<S>("method", &S::method, {.doc = "The method.", .fallback = "GET", .pattern_name = "method"}),
        config::row<S>("headers", &S::headers, {.doc = "Headers, besides the probe's."}),
        config::secret_or_text_row<S>("body", &S::body, {.doc = "The body."}),
        config::row_with<S>("capture", "table", {.doc = "Values for later steps."},
                            [](S& s, const Value& v, const Reading& r) { read_capture(s.capture, v, r); }),
        config::row<S>("slower_than", &S::slower_than, {.doc = "A step that took longer is `degraded`.", .min = 0.001}),
    };
    for (config::Row& expected : expectation_rows()) rows.push_back(std::move(expected));
    return rows;
  }();
  return all;
}

void read_steps(HttpSettings& into, const Value& value, const Reading& reading) {
  constexpr const char* hint = "write [{ name = \"open the cart\", target = \"/cart\" }]";
  if (!value.array()) return reading.problems.error(value.place, reading.key, "must be a list of tables", hint);
  for (std::size_t i = 0; i < value.array()->size(); ++i) {
    const Value& one = (*value.array())[i];
    const Reading below = reading.at(std::to_string(i));
    if (!one.table()) {
      below.problems.error(one.place, below.key, "must be a table", hint);
      continue;
    }
    config::read_table(*one.table(), one.place, step_rows(), &into.steps.emplace_back(), below);
  }
}

}  // namespace

std::vector<config::Row> http_rows() {
  using S = HttpSettings;
  using config::row;
  using config::row_with;
  std::vector<config::Row> all = {
      row_with<S>("target", "URL, or a secret", {.doc = "Where: `http://` or `https://`.", .required = true}, read_target),
      row<S>(
          "asks", &S::asks,
          {.doc =
               "`service`: is it served as expected. `refusal`: is refused what must be, as `status` says (a forged token, a revoked key); "
               "`down` only when it is let in. `content`: is what is served as it should be (a decoy); `down` only when it was served and "
               "is not, or is gone (404, 410). Any other answer, or none, is `unknown` for these two.",
           .fallback = "service",
           .one_of = {"service", "refusal", "content"}}),
      row<S>("method", &S::method, {.doc = "The method.", .fallback = "GET", .pattern_name = "method"}),
      config::secret_or_text_row<S>("body", &S::body, {.doc = "The body to send; a login's password is a secret."}),
  };
  for (config::Row& expected : expectation_rows()) all.push_back(std::move(expected));
  std::vector<config::Row> rest = {
      row<S>("redirects", &S::redirects,
             {.doc = "How many redirects to follow; 0: none. A status that `status` names is never followed.",
              .fallback = "5",
              .min = 0,
              .max = 20}),
      row<S>("max_body", &S::max_body,
             {.doc = "Bytes of the answer, packed and unpacked; more is `down` (`protocol`). 16 MiB at most: unpacking and searching more "
                     "would keep the other probes waiting. Of JSON, 100000 values at most are read.",
              .fallback = "1048576",
              .min = 1,
              .max = 16 << 20}),
      row_with<S>("capture", "table: name = { json | header | matches }",
                  {.doc = "Values of the answer that `steps` use as `{{name}}`; they are treated as secrets."},
                  [](S& s, const Value& v, const Reading& r) { read_capture(s.capture, v, r); }),
      row_with<S>(
          "steps", "list of { name, target, method, headers, body, capture, slower_than, and what is expected }",
          {.doc =
               "Further requests of a journey, one after the other, with the cookies of the run. `{{name}}` stands for what was captured."},
          read_steps),
      row<S>("slower_than", &S::slower_than,
             {.doc = "A good answer (of a journey: all together) that took longer is `degraded`.", .min = 0.001}),
      row<S>("addresses", &S::addresses,
             {.doc = "`first`: the first address that connects. `all`: every address of the name has to answer well.",
              .fallback = "first",
              .one_of = {"first", "all"}}),
      row<S>("address_timeout", &S::address_timeout,
             {.doc = "With `all`, and with a preferred family: how long one address may take.", .fallback = "3s", .min = 0.001}),
  };
  for (config::Row& more : rest) all.push_back(std::move(more));
  add_sender_rows(all, &S::sender);
  std::erase_if(all, [](const config::Row& one) { return one.key == "family"; });
  all.push_back(row<S>("family", &S::family,
                       {.doc = "Which addresses to use; `prefer-v4` and `prefer-v6` fall back to the others, as long as nothing was sent.",
                        .fallback = "any",
                        .one_of = {"any", "v4", "v6", "prefer-v4", "prefer-v6"}}));
  return all;
}

void check_http(const HttpSettings& s, config::Place place, const Reading& reading) {
  check_access(s.sender, place, reading);
  const auto lets_in = [](const StatusRange& range) { return range.from < 300 && range.to >= 200; };
  if (s.asks == "refusal" && s.steps.empty() && std::any_of(s.status.begin(), s.status.end(), lets_in))
    reading.problems.error(place, reading.key, "asks = \"refusal\" with a status of 2xx, by which it would be let in",
                           "say how it is refused: status = [401, 403]");
  std::set<std::string> known;
  for (const auto& [name, what] : s.capture) known.insert(name);
  for (const HttpStep& step : s.steps) {
    std::vector<std::string> used = placeholders(step.target);
    for (const auto& [name, value] : step.headers) {
      if (!fit_for_a_header(value) || config::misfit("header", name))
        reading.problems.error(place, reading.key, "step '" + step.name + "': the header " + config::shown(name) + " can't be sent",
                               "names hold no blanks, values no line breaks");
      if (config::is_secret_header(name) && placeholders(value).empty())
        reading.problems.error(place, reading.key, "step '" + step.name + "': the header " + config::shown(name) + " carries a secret",
                               "capture it from an earlier step, or give it to the whole probe");
      for (std::string& one : placeholders(value)) used.push_back(std::move(one));
    }
    for (std::string& one : placeholders(step.body.reveal())) used.push_back(std::move(one));
    for (const std::string& name : used)
      if (!known.count(name))
        reading.problems.error(place, reading.key, "step '" + step.name + "' uses {{" + name + "}}, which no step before it captures",
                               "capture it, or correct the name");
    const bool absolute = step.target.starts_with("http://") || step.target.starts_with("https://");
    if (step.target.starts_with("{{"))
      reading.problems.error(
          place, reading.key,
          "step '" + step.name + "': a captured value is encoded as a part of a URL, so " + config::shown(step.target) + " is no address",
          "begin it with a path or a URL, like /cart/{{name}}");
    else if (!absolute && !step.target.starts_with('/'))
      reading.problems.error(place, reading.key, "step '" + step.name + "': " + config::shown(step.target) + " is neither a URL nor a path",
                             "write it like /cart");
    for (const auto& [name, what] : step.capture) known.insert(name);
  }
}

std::vector<std::string> placeholders(std::string_view text) {
  static const RE2 name(R"(\{\{([a-z][a-z0-9-]*)\}\})");
  std::vector<std::string> all;
  re2::StringPiece rest(text.data(), text.size());
  std::string one;
  while (RE2::FindAndConsume(&rest, name, &one)) all.push_back(one);
  return all;
}

// In one pass from the front: what was captured may hold {{...}} itself, which is somebody else's text and is sent as it is.
Result<std::string> filled(std::string_view text, const std::map<std::string, std::string>& values, bool url_encoded) {
  std::string made;
  for (const std::string& name : placeholders(text)) {
    const auto value = values.find(name);
    if (value == values.end()) return Failure{Reason::internal, "", "nothing was captured as " + name};
    const std::string mark = "{{" + name + "}}";
    const auto at = text.find(mark);  // the names come in the order of the text
    made += text.substr(0, at);
    made += url_encoded ? percent_encoded(value->second) : value->second;
    text.remove_prefix(at + mark.size());
  }
  return made + std::string(text);
}

}  // namespace drwatch
