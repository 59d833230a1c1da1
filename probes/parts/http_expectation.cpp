// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/http_expectation.hpp"

#include "config/rows/text.hpp"
#include "probes/parts/bounded_json.hpp"
#include "probes/seams/excerpt.hpp"
#include "probes/seams/redaction.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

namespace drwatch {
namespace {

using Json = nlohmann::json;

bool found(std::string_view text, const RE2& regex) { return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex); }

std::string status_text(const std::vector<StatusRange>& ranges) {
  std::string text;
  for (const StatusRange& r : ranges) {
    text += (text.empty() ? "" : ", ") + std::to_string(r.from);
    if (r.to != r.from) text += "-" + std::to_string(r.to);
  }
  return text;
}

Json as_json(const JsonCheck::Scalar& scalar) {
  return std::visit([](const auto& value) { return Json(value); }, scalar);
}

// The text of a value as an assertion compares it: strings bare, the rest as JSON.
std::string bare(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// nullptr: nothing is there. A pointer that leads through a scalar or past an array's end is such a one.
const Json* at(const Json& document, const std::string& pointer) {
  try {
    const Json::json_pointer where(pointer);
    return document.contains(where) ? &document.at(where) : nullptr;
  } catch (const Json::exception&) {
    return nullptr;
  }
}

// What came, quoted for a message. Only the start of it is shown, and the rules of redacted() take their time.
std::string received(const std::string& text) {
  constexpr std::size_t enough = 4096;
  return quote(redacted(text.substr(0, enough)));
}

}  // namespace

struct HttpJudge::Compiled {
  HttpExpectation expectation;
  std::map<std::string, std::unique_ptr<RE2>> regexes;  // by their text

  void compile(const std::string& text) {
    if (!text.empty()) regexes.emplace(text, std::make_unique<RE2>(text, RE2::Quiet));
  }
  const RE2& regex(const std::string& text) const { return *regexes.at(text); }

  std::optional<std::string> body_fault(const HttpResponse& response) const;
  std::optional<std::string> header_fault(const HttpResponse& response) const;
  std::optional<std::string> json_fault(const HttpResponse& response) const;
  std::optional<std::string> value_fault(const JsonCheck& check, const Json& value) const;
};

std::optional<std::string> HttpJudge::Compiled::body_fault(const HttpResponse& response) const {
  if (const auto& wanted = expectation.body_matches; !wanted.empty() && !found(response.body, regex(wanted)))
    return "expected a body that matches " + quote(wanted) + ", got " + received(response.body);
  if (const auto& unwanted = expectation.body_not_matches; !unwanted.empty() && found(response.body, regex(unwanted)))
    return "expected a body that does not match " + quote(unwanted) + ", but it does";
  return std::nullopt;
}

std::optional<std::string> HttpJudge::Compiled::header_fault(const HttpResponse& response) const {
  for (const auto& [name, wanted] : expectation.header_matches) {
    const auto values = header_values(response, name);
    // An empty regex asks only that the header is there.
    const auto good = [&](const std::string& value) { return wanted.empty() || found(value, regex(wanted)); };
    if (std::any_of(values.begin(), values.end(), good)) continue;
    return "expected a header " + name + " that matches " + quote(wanted) + ", got " + (values.empty() ? "none" : received(values.front()));
  }
  for (const auto& [name, unwanted] : expectation.header_not_matches)
    for (const std::string& value : header_values(response, name))
      if (unwanted.empty() || found(value, regex(unwanted)))
        return "expected no header " + name + " that matches " + quote(unwanted) + ", got " + received(value);
  return std::nullopt;
}

std::optional<std::string> HttpJudge::Compiled::value_fault(const JsonCheck& check, const Json& value) const {
  const auto complain = [&](const std::string& wanted) {
    return "expected " + wanted + " at " + quote(check.pointer) + ", got " + received(bare(value));
  };
  if (check.equals) {
    const Json wanted = as_json(*check.equals);
    const std::string text = bare(wanted);
    // For "1" against 1 the usual sentence would read "expected '1', got '1'".
    if (value != wanted && text == bare(value))  // alike but for what they are
      return "expected the " + std::string(wanted.type_name()) + " " + quote(text) + " at " + quote(check.pointer) + ", got the " +
             value.type_name() + " " + received(text);
    if (value != wanted) return complain(quote(text));
  }
  // A list or a table has no text that a regex could mean.
  if (!check.matches.empty() && (value.is_structured() || !found(bare(value), regex(check.matches))))
    return complain("a value that matches " + quote(check.matches));
  if ((check.min || check.max) && !value.is_number()) return complain("a number");
  if (check.min && value.get<double>() < *check.min) return complain("at least " + Json(*check.min).dump());
  if (check.max && value.get<double>() > *check.max) return complain("at most " + Json(*check.max).dump());
  return std::nullopt;
}

std::optional<std::string> HttpJudge::Compiled::json_fault(const HttpResponse& response) const {
  if (expectation.json.empty()) return std::nullopt;
  if (too_many_values(response.body))
    return "expected a JSON body, got one of more than " + std::to_string(most_json_values) + " values: too many to read";
  const Json document = bounded_json(response.body);
  if (document.is_discarded()) return "expected a JSON body, got " + received(response.body);
  for (const JsonCheck& check : expectation.json) {
    const Json* value = at(document, check.pointer);
    if (check.exists == false) {
      if (value) return "expected nothing at " + quote(check.pointer) + ", got " + received(bare(*value));
      continue;
    }
    if (!value) return "expected a value at " + quote(check.pointer) + " of the JSON body, there is none";
    if (auto fault = value_fault(check, *value)) return fault;
  }
  return std::nullopt;
}

HttpJudge::HttpJudge(const HttpExpectation& expectation) {
  auto compiled = std::make_unique<Compiled>();
  compiled->expectation = expectation;
  compiled->compile(expectation.body_matches);
  compiled->compile(expectation.body_not_matches);
  for (const auto& [name, text] : expectation.header_matches) compiled->compile(text);
  for (const auto& [name, text] : expectation.header_not_matches) compiled->compile(text);
  for (const JsonCheck& check : expectation.json) compiled->compile(check.matches);
  compiled_ = std::move(compiled);
}
HttpJudge::~HttpJudge() = default;
HttpJudge::HttpJudge(HttpJudge&&) noexcept = default;

bool HttpJudge::accepts(int status) const {
  const auto& ranges = compiled_->expectation.status;
  return std::any_of(ranges.begin(), ranges.end(), [&](const StatusRange& r) { return status >= r.from && status <= r.to; });
}

bool HttpJudge::looks_at_body() const {
  const HttpExpectation& e = compiled_->expectation;
  return !e.body_matches.empty() || !e.body_not_matches.empty() || !e.json.empty();
}

std::optional<std::string> HttpJudge::fault(const HttpResponse& response) const {
  if (!accepts(response.status))
    return "expected status " + status_text(compiled_->expectation.status) + ", got " + std::to_string(response.status);
  const auto& versions = compiled_->expectation.versions;
  const std::string version = std::to_string(response.version / 10) + "." + std::to_string(response.version % 10);
  if (!versions.empty() && std::find(versions.begin(), versions.end(), version) == versions.end())
    return "expected HTTP/" + versions.front() + (versions.size() > 1 ? " or another of `versions`" : "") + ", got HTTP/" + version;
  // From the cheap to the expensive, and from what explains the rest (a wrong status) to what follows from it.
  if (auto fault = compiled_->header_fault(response)) return fault;
  if (auto fault = compiled_->body_fault(response)) return fault;
  return compiled_->json_fault(response);
}

std::vector<std::string> header_values(const HttpResponse& response, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : response.headers)
    if (same_name(key, name)) values.push_back(value);
  return values;
}

}  // namespace drwatch
