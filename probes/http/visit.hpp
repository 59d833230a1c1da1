// SPDX-License-Identifier: Apache-2.0
// The requests of one run of an `http` probe: cookies, redirects, packed bodies, which address to go to.
#pragma once

#include "probes/http/cookies.hpp"
#include "probes/http/settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

class HttpVisit {
 public:
  // How far a visit came. Kept outside of it, so that it can still be read after the visit was cancelled.
  struct Reach {
    int exchanges = 0;  // begun
    Phases last;        // of the last of them
    Phases all;         // of all of them together
    std::string step;   // of a journey
  };
  HttpVisit(World& world, const HttpSettings& settings, std::string address, Reach& reach)
      : world_(world), settings_(settings), address_(std::move(address)), reach_(reach) {}

  struct Answered {
    HttpResponse answer;
    HttpRequest request;             // the last one, behind redirects
    bool redirects_used_up = false;  // it leads on still
    std::optional<Failure> packing;  // why the body could not be unpacked: a fault only for who looks at it
  };
  // One request and the redirects behind it. A redirect to another origin takes neither credentials, nor the client's certificate, nor a
  // secret body, and gets them never again, even if it leads back; credentials are the `private_headers`, too. `judge` says which statuses
  // are accepted: those are not followed. Fails with protocol (code: the status) when it can't be followed.
  Task<Result<Answered>> ask(HttpRequest request, const HttpJudge* judge, bool secret_body,
                             const std::vector<std::string>* private_headers);

  const Phases& phases() const { return phases_; }

 private:
  Task<Result<HttpResponse>> fetch(HttpRequest request);
  std::optional<Failure> follow(HttpRequest& request, const HttpResponse& answer, bool secret_body,
                                const std::vector<std::string>& private_headers) const;

  World& world_;
  const HttpSettings& settings_;
  std::string address_;  // numeric; empty: where the name leads
  Reach& reach_;
  CookieJar jar_;
  std::optional<Failure> packing_;  // of the newest answer
  Phases phases_;
};

}  // namespace drwatch
