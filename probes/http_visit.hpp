// SPDX-License-Identifier: Apache-2.0
// The requests of one run of an `http` probe: cookies, redirects, packed bodies, which address to go to.
#pragma once

#include "probes/http_cookies.hpp"
#include "probes/http_settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

class HttpVisit {
 public:
  HttpVisit(World& world, const HttpSettings& settings, std::string address)
      : world_(world), settings_(settings), address_(std::move(address)) {}

  struct Answered {
    HttpResponse answer;
    HttpRequest request;  // the last one, behind redirects
  };
  // One request and the redirects behind it. A redirect to another origin takes neither credentials, nor the client's certificate, nor a
  // secret body, and gets them never again, even if it leads back. `judge` says which statuses are accepted: those are not followed. Fails
  // with protocol (code: the status) when it can't be followed.
  Task<Result<Answered>> ask(HttpRequest request, const HttpJudge* judge, bool secret_body);

  const Phases& phases() const { return phases_; }
  std::vector<std::string> cookies() const { return jar_.values(); }
  void hide(const std::string& value) const { world_.hide(value); }

 private:
  Task<Result<HttpResponse>> fetch(HttpRequest request);
  std::optional<Failure> follow(HttpRequest& request, const HttpResponse& answer, bool secret_body) const;

  World& world_;
  const HttpSettings& settings_;
  std::string address_;  // numeric; empty: where the name leads
  CookieJar jar_;
  Phases phases_;
};

}  // namespace drwatch
