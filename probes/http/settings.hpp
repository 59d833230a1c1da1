// SPDX-License-Identifier: Apache-2.0
// What an `http` probe is told: one request, or a journey of several.
#pragma once

#include "probes/parts/http_expectation.hpp"
#include "probes/parts/http_sender.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drwatch {

// A value of an answer that later steps use as {{name}}: of the JSON body, of a header, or of the body; `matches` takes its first group.
struct HttpCapture {
  std::optional<std::string> json;  // pointer
  std::string header, matches;
  friend bool operator==(const HttpCapture&, const HttpCapture&) = default;
};

struct HttpStep : HttpExpectation {  // first base: its rows read into it
  std::string name;
  std::string target;  // absolute, or relative to the probe's own
  std::string method = "GET";
  std::map<std::string, std::string> headers;
  Secret body;
  std::map<std::string, HttpCapture> capture;
  std::optional<Duration> slower_than;
  friend bool operator==(const HttpStep&, const HttpStep&) = default;
};

struct HttpSettings : HttpExpectation {  // first base: its rows read into it
  Secret target;
  std::string asks = "service";  // service | refusal | content
  std::string method = "GET";
  Secret body;
  std::int64_t redirects = 5;
  std::int64_t max_body = 1 << 20;
  std::map<std::string, HttpCapture> capture;
  std::vector<HttpStep> steps;
  HttpSender sender;  // its family is not used: `family` knows more
  std::string family = "any";
  std::string addresses = "first";  // first | all
  Duration address_timeout = seconds{3};
  std::optional<Duration> slower_than;
  friend bool operator==(const HttpSettings&, const HttpSettings&) = default;
};

std::vector<config::Row> http_rows();
void check_http(const HttpSettings& s, config::Place place, const config::Reading& reading);

// `text` with every {{name}} replaced by its value (for a URL percent-encoded), whatever stands in that; internal when a name has none.
Result<std::string> filled(std::string_view text, const std::map<std::string, std::string>& values, bool url_encoded);
// The names that `text` uses.
std::vector<std::string> placeholders(std::string_view text);

}  // namespace drwatch
