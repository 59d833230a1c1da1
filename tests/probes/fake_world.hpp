// SPDX-License-Identifier: Apache-2.0
// A world whose answers are written down beforehand, and a probe run in it from the text of its configuration.
#pragma once

#include "probes/probe.hpp"

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace drwatch::testing {

struct FakeClock : Clock {
  Time wall = *parse_time("2026-03-01T02:00:00Z");
  std::chrono::nanoseconds boot{0};
  Time now() override { return wall; }
  std::chrono::nanoseconds boottime() override { return boot; }
  Task<void> sleep_for(std::chrono::nanoseconds d) override;
};

struct FakeDice : Dice {
  std::uint64_t roll() override { return 4; }
};

struct FakeResolver : Resolver {
  std::map<std::string, Result<Resolved>> names;
  std::vector<std::string> asked;                 // "NAME v4 SERVER"
  std::map<std::string, Result<DnsAnswer>> says;  // by "NAME TYPE SERVER", or "NAME TYPE" for any server; else TIMEOUT
  std::vector<std::string> system = {"192.0.2.53:53"};
  Task<Result<Resolved>> resolve(std::string name, Family family, std::vector<std::string> servers) override;
  Task<std::vector<Result<DnsAnswer>>> ask(std::vector<DnsQuestion> questions) override;
  std::vector<std::string> system_servers() override { return system; }
};

struct FakeNet : Net {
  std::optional<Failure> refuses;
  std::deque<std::string> says;  // one read each; then the end, or `then_fails`
  std::optional<Failure> then_fails;
  std::string heard, host;
  std::uint16_t port = 0;
  std::optional<TlsSettings> tls;
  TlsShown shows;                     // to who begins TLS on the way
  std::optional<Failure> distrusted;  // how that ends
  std::string name;                   // whom it was verified as
  bool secured = false;
  std::deque<Result<std::chrono::microseconds>> echoes;  // the last one again and again
  Task<Result<std::chrono::microseconds>> echo(std::string address, std::size_t payload, Duration patience) override;
  Task<Result<std::unique_ptr<Stream>>> secure(std::unique_ptr<Stream> stream, TlsSettings settings, std::string as, TlsShown& shown,
                                               Phases& phases) override;
  Task<Result<Connected>> connect(std::string to, std::uint16_t at, Family family, std::optional<TlsSettings> with,
                                  Phases& phases) override;
};

struct FakeHttp : Http {
  std::deque<Result<HttpResponse>> answers;                       // the last one is given again and again
  std::function<Result<HttpResponse>(const HttpRequest&)> serve;  // instead of answers
  std::chrono::nanoseconds takes{0};
  std::vector<HttpRequest> requests;
  FakeClock* clock = nullptr;
  Task<Result<HttpResponse>> fetch(HttpRequest request, Phases& phases) override;
};

// Statements are answered by the first pair whose text occurs in them; what nothing matches succeeds with no rows.
struct FakePostgres : Postgres {
  std::optional<Failure> refuses;
  std::vector<std::pair<std::string, Result<PgResult>>> answers;
  std::vector<std::string> statements;
  Task<Result<std::unique_ptr<PgConnection>>> connect(Secret dsn, Phases& phases) override;
  void answer(std::string part, std::vector<std::optional<std::string>> row);
  void fail(std::string part, std::string sqlstate, std::string message);
};

struct FakeExec : Exec {
  std::function<Result<ExecResult>(const ExecRequest&)> answer;  // null: nothing can be started
  std::vector<ExecRequest> requests;
  Task<Result<ExecResult>> run(ExecRequest request) override;
};

struct FakeFiles : Files {
  std::optional<Failure> unlistable;
  std::vector<FileEntry> entries;
  std::map<std::string, std::string> texts;  // by name
  int reads = 0;
  void add(std::string name, std::uint64_t size, std::string modified = "2026-03-01T01:59:00Z");
  void add_text(std::string name, std::string text);
  Task<Result<Listed>> list(std::string folder, std::function<void(std::vector<FileEntry>)> look) override;
  Task<Result<std::string>> read(std::string path, std::size_t max_bytes) override;
};

class FakeWorld {
 public:
  FakeWorld();
  FakeClock clock;
  FakeDice dice;
  FakeResolver resolver;
  FakeNet net;
  FakeHttp http;
  FakePostgres postgres;
  FakeExec exec;
  FakeFiles files;

  Outcome run(Probe& probe);  // to its end
};

// A probe of this kind with these keys, traced and freed of secrets as in the daemon; an error in them fails the test (a missing secret is
// a warning).
std::unique_ptr<Probe> probe_of(const std::string& kind, const std::string& toml);
std::unique_ptr<Probe> bare_probe_of(const std::string& kind, const std::string& toml);  // for whoever traces its runs himself
// The problems that reading them gives, as `check` prints them.
std::vector<std::string> problems_of(const std::string& kind, const std::string& toml);

Failure failure(Reason reason, std::string code, std::string message);
HttpResponse response(int status, std::string body = "", std::vector<std::pair<std::string, std::string>> headers = {});

}  // namespace drwatch::testing
