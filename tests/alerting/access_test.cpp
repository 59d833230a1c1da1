// SPDX-License-Identifier: Apache-2.0
// Alertmanagers that let in only who shows something.
#include "daemon/alerting/alerting.hpp"
#include "tests/alerting/fake_world.hpp"

#include <doctest/doctest.h>

namespace access_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

constexpr char url[] = "http://am1.example:9093", other_url[] = "http://am2.example:9093/prefix";

struct Bench {
  Bench() { world.servers = {{"http://am1.example:9093/api/", &first}, {"http://am2.example:9093/prefix/api/", &second}}; }
  ~Bench() {
    alerting.stop();
    world.clock.settle();
  }
  Time now() { return world.clock.now(); }

  FakeWorld world;
  FakeAlertmanager first, second;
  Alerting alerting{world.world(), world.log, world.tasks};
};

}  // namespace

TEST_CASE_FIXTURE(Bench, "an Alertmanager behind a login, a token, a CA of its own: each request shows what it asks for") {
  auto settings = alert_settings({url, other_url}, {});
  HttpAccess with_login;
  with_login.basic = BasicLogin{"drwatch", Secret(Secret::From::env, "AM_PASSWORD", "s3cret")};
  with_login.tls.ca_file = "/etc/drwatch/am-ca.pem";
  with_login.tls.certificate_file = "/etc/drwatch/am.pem";
  with_login.tls.key_file = "/etc/drwatch/am.key";
  with_login.headers["X-Scope-OrgID"] = Secret(Secret::From::plain, "", "tenant");
  settings->alertmanager.access[url] = with_login;
  alerting.load(settings);
  alerting.want({firing("DrwatchIncident", now())});
  world.clock.run_for(milliseconds(10));
  CHECK(first.firing("DrwatchIncident", now()));
  const auto sent_in = [](const HttpRequest& request, const std::string& name) {
    std::string value;
    for (const auto& [key, text] : request.headers)
      if (key == name) value += text;
    return value;
  };
  REQUIRE_FALSE(first.requests.empty());
  for (const HttpRequest& request : first.requests) {
    CHECK(sent_in(request, "Authorization") == "Basic ZHJ3YXRjaDpzM2NyZXQ=");
    CHECK(sent_in(request, "X-Scope-OrgID") == "tenant");
    CHECK(request.tls == with_login.tls);
  }
  for (const HttpRequest& request : second.requests) {
    CHECK(sent_in(request, "Authorization").empty());
    CHECK(request.tls == TlsSettings{});
  }
  // After a reload it shows what it was given then.
  first.requests.clear();
  auto other = std::make_shared<Settings>(*settings);
  other->alertmanager.access[url].basic.reset();
  other->alertmanager.access[url].bearer = Secret(Secret::From::env, "AM_TOKEN", "t0ken");
  alerting.load(other);
  world.clock.run_for(minutes(2));
  REQUIRE_FALSE(first.requests.empty());
  CHECK(sent_in(first.requests.back(), "Authorization") == "Bearer t0ken");
}

TEST_CASE_FIXTURE(Bench, "an Alertmanager whose secret is missing is asked nothing, and that is said") {
  auto settings = alert_settings({url}, {});
  settings->alertmanager.access[url].bearer = Secret::missing(Secret::From::env, "AM_TOKEN");
  alerting.load(settings);
  alerting.want({firing("DrwatchIncident", now())});
  world.clock.run_for(milliseconds(10));
  CHECK(first.requests.empty());
  CHECK(alerting.status().undelivered == 1);
}

}  // namespace access_test
