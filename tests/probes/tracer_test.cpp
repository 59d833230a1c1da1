// SPDX-License-Identifier: Apache-2.0
// What a run did is told, and nothing of it that is secret.
#include "probes/seams/tracer.hpp"

#include "probes/seams/redaction.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"
#include "tests/world/servers.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace tracer_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string all_of(const Trace& trace) {
  std::string text;
  for (const Exchange& exchange : trace.exchanges) text += exchange.asked + "\n" + exchange.answered + "\n";
  return text;
}

struct Traced {
  Outcome outcome;
  std::shared_ptr<const Trace> trace;
};

Traced traced(FakeWorld& fake, Probe& probe) {
  Outcome outcome = fake.run(probe);
  REQUIRE(outcome.trace);
  const auto trace = outcome.trace;
  return {std::move(outcome), trace};
}

}  // namespace

TEST_CASE("a request and its answer are told, credentials are not") {
  FakeWorld fake;
  fake.http.answers = {response(500, R"({"error":"no disk","seen":"Bearer s3cr3t-bearer","access_token":"abc"})",
                                {{"Content-Type", "application/json"}, {"Set-Cookie", "sid=quite-private"}})};
  setenv("TRACED_BEARER", "s3cr3t-bearer", 1);
  const auto probe = probe_of("http", "target = \"http://a.example/x?page=2\"\nbearer = { env = \"TRACED_BEARER\" }\n");
  const auto [outcome, trace] = traced(fake, *probe);
  REQUIRE(trace->exchanges.size() == 1);
  const Exchange& exchange = trace->exchanges[0];
  CHECK(exchange.asked == "GET http://a.example/x?page=2; headers Authorization, Accept-Encoding");
  CHECK(has(exchange.answered, "500 from 192.0.2.1:443; Content-Type: application/json; "));
  CHECK(has(exchange.answered, R"({"error":"no disk","seen":"Bearer ***","access_token":"***"})"));
  CHECK(exchange.took.has_value());
  CHECK_FALSE(exchange.failed);
  CHECK_FALSE(has(all_of(*trace), "s3cr3t"));
  CHECK_FALSE(has(all_of(*trace), "quite-private"));
}

TEST_CASE("what a journey captures is hidden from its first appearance on") {
  FakeWorld fake;
  fake.http.serve = [](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.url.ends_with("/login")) return response(200, R"({"number":"4711-0815"})");
    return response(200, "seen " + request.url);
  };
  const auto probe = probe_of("http",
                              "target = \"http://a.example/login\"\ncapture = { n = { json = \"/number\" } }\n"
                              "steps = [{ name = \"open\", target = \"/cart/{{n}}\" }]\n");
  const auto [outcome, trace] = traced(fake, *probe);
  CHECK(outcome.outcome == Health::up);
  REQUIRE(trace->exchanges.size() == 2);
  CHECK(has(trace->exchanges[1].asked, "/cart/***"));
  CHECK_FALSE(has(all_of(*trace), "4711"));
}

TEST_CASE("statements and their rows, programs and their output, folders and files") {
  FakeWorld fake;
  fake.postgres.answer("select 7", {std::string("7"), std::nullopt});
  const auto database = probe_of("postgres", "dsn = \"host=db.example dbname=app\"\nquery = \"select 7\"\nexpect = 7\n");
  const std::string rows = all_of(*traced(fake, *database).trace);
  CHECK(has(rows, "connect to PostgreSQL, dsn host=db.example dbname=app\nlogged in"));
  CHECK(has(rows, "select 7\n1 row: 7, NULL"));

  fake.exec.answer = [](const ExecRequest&) -> Result<ExecResult> {
    return ExecResult{2, "CRITICAL - the queue is stuck", "and hunter22"};
  };
  setenv("TRACED_PASSWORD", "hunter22", 1);
  const auto plugin =
      probe_of("command", "run = [\"/bin/check_queue\", \"-w\", \"5\"]\nenvironment = { P = { env = \"TRACED_PASSWORD\" } }\n");
  const std::string run = all_of(*traced(fake, *plugin).trace);
  CHECK(has(run, "run /bin/check_queue -w 5\nexit 2: CRITICAL - the queue is stuck; standard error: and ***"));
}

TEST_CASE("a conversation is told as it went") {
  FakeWorld fake;
  fake.net.says = {"220 mail.example ESMTP\r\n", "250 at your service\r\n"};
  const auto probe = probe_of("tcp",
                              "target = \"mail.example:25\"\n"
                              "script = [{ expect = \"^220 \" }, { send = \"EHLO drwatch\\r\\n\" }, { expect = \"^250 \" }]\n");
  const auto [outcome, trace] = traced(fake, *probe);
  CHECK(outcome.outcome == Health::up);
  const std::string text = all_of(*trace);
  CHECK(has(text, "connect to mail.example:25\nconnected to "));
  CHECK(has(text, "(listens)\n220 mail.example ESMTP"));
  CHECK(has(text, "send 14 bytes: EHLO drwatch"));
  CHECK(has(text, "250 at your service"));
}

TEST_CASE("a run that was cut off tells how far it came") {
  boost::asio::io_context io;
  RealWorld real(io.get_executor());
  World world = real.world();
  TcpServer silent([](Peer peer) { peer.wait_for_close(); });
  const auto probe = probe_of("http", "target = \"" + silent.url("/slow") + "\"\n");
  TracedWorld around(world, {});
  std::optional<std::optional<Outcome>> ended;
  boost::asio::co_spawn(io, within(world.clock, std::chrono::milliseconds{200}, probe->run(around.world())),
                        [&](std::exception_ptr, std::optional<Outcome> made) { ended = std::move(made); });
  while (!ended) io.run_one();
  CHECK_FALSE(ended->has_value());
  Outcome late;
  around.conclude(late);
  REQUIRE(late.trace->exchanges.size() == 1);
  CHECK(has(late.trace->exchanges[0].asked, "/slow"));
  CHECK_FALSE(late.trace->exchanges[0].took.has_value());
  CHECK(late.trace->exchanges[0].answered.empty());
}

TEST_CASE("a run that its deadline ends says what it waited for, its phases and how far it came") {
  boost::asio::io_context io;
  RealWorld real(io.get_executor());
  World world = real.world();
  TcpServer server([](Peer peer) {
    const std::string asked = peer.receive_until("\r\n\r\n");
    if (has(asked, "/slow")) return peer.wait_for_close();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nnumber: 4711");
  });
  const auto probe = bare_probe_of("http", "target = \"" + server.url("/first") +
                                               "\"\ncapture = { n = { matches = \"number: ([0-9]+)\" } }\n"
                                               "steps = [{ name = \"pay\", target = \"/slow?n={{n}}\" }]\n");
  TracedWorld around(world, {});
  std::optional<std::optional<Outcome>> ended;
  boost::asio::co_spawn(io, within(world.clock, std::chrono::milliseconds{800}, probe->run(around.world())),
                        [&](std::exception_ptr, std::optional<Outcome> made) { ended = std::move(made); });
  while (!ended) io.run_one();
  CHECK_FALSE(ended->has_value());
  const Outcome outcome = around.ended_by_deadline(Health::down, seconds{10});
  CHECK(outcome.outcome == Health::down);
  CHECK(outcome.reason == Reason::timeout);
  CHECK(has(outcome.message, "no answer within 10 s; it had come to the step pay; it waited for: GET http://127.0.0.1:"));
  CHECK(has(outcome.message, "/slow?n=***"));  // what was captured is nobody's to see
  CHECK(outcome.facts.at("step") == "pay");
  CHECK(outcome.phases[Phase::connect].has_value());
  CHECK(outcome.phases[Phase::request].has_value());
}

TEST_CASE("a run that its deadline ends while it waits for drwatch's own disk says nothing of its target") {
  FakeWorld fake;
  Tracer tracer(fake.clock, {});
  tracer.end(tracer.begin("read /srv/one", Tracer::Of::drwatch), "12 bytes");
  tracer.begin("list /srv/dumps", Tracer::Of::drwatch);
  const Outcome outcome = tracer.ended_by_deadline(Health::down, seconds{10});
  CHECK(outcome.outcome == Health::unknown);
  CHECK(outcome.reason == Reason::own_fault);
  CHECK(outcome.message == "no answer within 10 s; it waited for: list /srv/dumps");
}

TEST_CASE("a backup that could not be read in time is unknown, whatever it is read from") {
  for (const char* reads :
       {"reads = \"file\"\nfolder = \"/srv/dumps\"\n", "reads = \"pg_stat_archiver\"\ndsn = \"host=db.example dbname=app\"\n"})
    CHECK(probe_of("backup", reads)->when_late() == Health::unknown);
}

TEST_CASE("a trace is bounded, and no cut lets a part of a secret through") {
  FakeWorld fake;
  const std::string secret = "correct horse battery staple " + std::string(3000, 'x');
  Tracer tracer(fake.clock, Redaction().and_also({secret}));
  for (int i = 0; i < 1000; ++i) tracer.end(tracer.begin("question " + std::to_string(i)), "answer");
  for (const std::size_t before : {0, 100, 1000, 2000, 4000})
    tracer.end(tracer.begin("echo"), std::string(before, ' ') + "y" + secret + std::string(1 << 20, 'z'));
  tracer.end(tracer.begin("log in"), R"({"access_token":")" + std::string(1 << 20, 'q'));
  const auto trace = tracer.take();
  CHECK(trace->exchanges.size() == 24);
  CHECK(trace->left_off == 1006 - 24);
  CHECK(trace->exchanges.front().asked == "question 0");
  CHECK(trace->exchanges.back().answered == R"({"access_token":"***)");
  for (const Exchange& exchange : trace->exchanges) CHECK(exchange.answered.size() < 400);
  CHECK_FALSE(has(all_of(*trace), "horse"));
  CHECK_FALSE(has(all_of(*trace), "xxxx"));
}

TEST_CASE("what is redacted, and what is not") {
  struct Row {
    const char* text;
    const char* shown;
  };
  for (const Row& row : {
           Row{R"({"access_token":"abc","token_type":"bearer"})", R"({"access_token":"***","token_type":"***"})"},
           Row{R"({"user":{"Password" : "a\"b"},"x":1})", R"({"user":{"Password" : "***"},"x":1})"},
           Row{R"({"refresh_token":"cut off he)", R"({"refresh_token":"***)"},
           Row{R"({"error_code":"invalid_credentials","msg":"Invalid login credentials"})",
               R"({"error_code":"invalid_credentials","msg":"Invalid login credentials"})"},
           Row{"grant_type=password&password=abc&username=u", "grant_type=password&password=***&username=u"},
           Row{"host=db password='a b' user=u", "host=db password=*** user=u"},
           Row{"GET http://a.example/x?token=q1w2&page=2", "GET http://a.example/x?token=***&page=2"},
           Row{"postgresql://u:pw@db/x", "postgresql://u:***@db/x"},
           Row{"Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"},
           Row{"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2lnbmF0dXJl", "***"},
           Row{"connection refused by 127.0.0.1:5432", "connection refused by 127.0.0.1:5432"},
           Row{"the basic plan: 3 tokens left", "the basic plan: 3 tokens left"},
       }) {
    CAPTURE(row.text);
    CHECK(redacted(row.text) == row.shown);
  }
}

}  // namespace tracer_test
