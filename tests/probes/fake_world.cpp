// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/fake_world.hpp"

#include "probes/seams/tracer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstring>

namespace drwatch::testing {
namespace {

struct Spoken : Stream {
  explicit Spoken(FakeNet& net) : net_(net) {}
  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    if (net_.says.empty()) {
      if (net_.then_fails) co_return *net_.then_fails;
      co_return std::size_t{0};
    }
    const std::string part = net_.says.front();
    net_.says.pop_front();
    const std::size_t size = std::min(part.size(), into.size());
    std::memcpy(into.data(), part.data(), size);
    if (size < part.size()) net_.says.push_front(part.substr(size));
    co_return size;
  }
  Task<Result<std::size_t>> write_all(std::string bytes) override {
    net_.heard += bytes;
    co_return bytes.size();
  }
  FakeNet& net_;
};

struct Session : PgConnection {
  explicit Session(FakePostgres& server) : server_(server) {}
  Task<Result<PgResult>> query(std::string sql) override {
    server_.statements.push_back(sql);
    for (const auto& [part, result] : server_.answers)
      if (sql.find(part) != std::string::npos) co_return result;
    co_return PgResult{};
  }
  FakePostgres& server_;
};

struct Drafted {
  std::shared_ptr<void> own;
  std::vector<std::string> problems;
  std::vector<Secret> secrets;
};

// Runs as the daemon lets it run: traced, and freed of secrets at its end.
class Concluded : public Probe {
 public:
  Concluded(std::unique_ptr<Probe> inner, const std::vector<Secret>& secrets) : inner_(std::move(inner)), secrets_(secrets) {}
  Task<Outcome> run(World& world) override {
    TracedWorld traced(world, secrets_);
    Outcome outcome = co_await inner_->run(traced.world());
    traced.conclude(outcome);
    co_return outcome;
  }
  void recall(const std::string& memory) override { inner_->recall(memory); }
  Health when_late() const override { return inner_->when_late(); }

 private:
  std::unique_ptr<Probe> inner_;
  Redaction secrets_;
};

Drafted draft(const config::KindSchema& schema, const std::string& toml) {
  config::Problems problems;
  Drafted made;
  made.own = schema.fresh();
  const auto document = config::parse_toml("test.toml", toml, problems);
  if (document) {
    const config::Reading reading{problems, "probe.p", "/etc/drwatch", false, &made.secrets};
    config::read_table(*document->table(), document->place, schema.rows, made.own.get(), reading);
    if (schema.check && !problems.any_error()) schema.check(made.own.get(), document->place, reading);
  }
  for (const auto& problem : problems.all()) made.problems.push_back(config::problem_text(problem));
  return made;
}

config::KindSchema schema_of(const std::string& kind) {
  for (const auto& schema : kind_schemas())
    if (schema.name == kind) return schema;
  FAIL("no such kind: " << kind);
  return {};
}

}  // namespace

Task<void> FakeClock::sleep_for(std::chrono::nanoseconds d) {
  boot += d;
  co_return;
}

Task<Result<Resolved>> FakeResolver::resolve(std::string name, Family family, std::vector<std::string> servers) {
  asked.push_back(name +
                  (family == Family::v4   ? " v4"
                   : family == Family::v6 ? " v6"
                                          : " any") +
                  (servers.empty() ? "" : " " + servers[0]));
  const auto known = names.find(name);
  if (known == names.end()) co_return failure(Reason::dns, "NXDOMAIN", name + " does not exist");
  co_return known->second;
}

Task<std::vector<Result<DnsAnswer>>> FakeResolver::ask(std::vector<DnsQuestion> questions) {
  std::vector<Result<DnsAnswer>> answers;
  for (const auto& question : questions) {
    const std::string what = question.name + " " + question.type;
    asked.push_back(what + " " + question.server + (question.recursive ? "" : " itself"));
    auto known = says.find(what + " " + question.server);
    if (known == says.end()) known = says.find(what);
    answers.push_back(known == says.end() ? Result<DnsAnswer>(failure(Reason::dns, "TIMEOUT", "no answer from " + question.server))
                                          : known->second);
  }
  co_return answers;
}

Task<Result<std::chrono::microseconds>> FakeNet::echo(std::string address, std::size_t, Duration) {
  host = address;
  const auto next = echoes.front();
  if (echoes.size() > 1) echoes.pop_front();
  co_return next;
}

Task<Result<Connected>> FakeNet::connect(std::string to, std::uint16_t at, Family, std::optional<TlsSettings> with, Phases& phases) {
  host = to;
  port = at;
  tls = with;
  phases[Phase::connect] = std::chrono::microseconds{400};
  if (refuses) co_return *refuses;
  Connected made;
  made.stream = std::make_unique<Spoken>(*this);
  made.address = "192.0.2.1:" + std::to_string(at);
  co_return made;
}

Task<Result<std::unique_ptr<Stream>>> FakeNet::secure(std::unique_ptr<Stream> stream, TlsSettings settings, std::string as, TlsShown& shown,
                                                      Phases& phases) {
  tls = settings;
  name = as;
  shown = shows;
  phases[Phase::tls] = std::chrono::microseconds{900};
  if (distrusted) co_return *distrusted;
  secured = true;
  co_return std::move(stream);
}

Task<Result<HttpResponse>> FakeHttp::fetch(HttpRequest request, Phases& phases) {
  requests.push_back(request);
  phases[Phase::response] = std::chrono::duration_cast<std::chrono::microseconds>(takes);
  if (clock) clock->boot += takes;
  if (serve) co_return serve(request);
  const auto answer = answers.front();
  if (answers.size() > 1) answers.pop_front();
  co_return answer;
}

Task<Result<std::unique_ptr<PgConnection>>> FakePostgres::connect(Secret, Phases& phases) {
  phases[Phase::connect] = std::chrono::microseconds{300};
  if (refuses) co_return *refuses;
  co_return std::unique_ptr<PgConnection>(std::make_unique<Session>(*this));
}

void FakePostgres::answer(std::string part, std::vector<std::optional<std::string>> row) {
  PgResult result;
  result.columns.resize(row.size());
  result.rows.push_back(std::move(row));
  answers.emplace_back(std::move(part), std::move(result));
}

void FakePostgres::fail(std::string part, std::string sqlstate, std::string message) {
  answers.emplace_back(std::move(part), failure(Reason::assertion, std::move(sqlstate), std::move(message)));
}

Task<Result<ExecResult>> FakeExec::run(ExecRequest request) {
  requests.push_back(request);
  if (!answer) co_return failure(Reason::internal, "", "nothing is started here");
  co_return answer(request);
}

void FakeFiles::add(std::string name, std::uint64_t size, std::string modified) {
  entries.push_back({std::move(name), size, *parse_time(modified)});
}

void FakeFiles::add_text(std::string name, std::string text) {
  add(name, text.size());
  texts[name] = std::move(text);
}

Task<Result<Listed>> FakeFiles::list(std::string, std::function<void(std::vector<FileEntry>)> look) {
  if (unlistable) co_return *unlistable;
  look(entries);
  co_return Listed{entries.size(), std::nullopt};
}

Task<Result<std::string>> FakeFiles::read(std::string path, std::size_t) {
  ++reads;
  const auto text = texts.find(path.substr(path.rfind('/') + 1));
  if (text == texts.end()) co_return failure(Reason::internal, "ENOENT", "no such file");
  co_return text->second;
}

FakeWorld::FakeWorld() { http.clock = &clock; }

Outcome FakeWorld::run(Probe& probe) {
  boost::asio::io_context io;
  World world{io.get_executor(), clock, dice, resolver, net, http, postgres, exec, files};
  std::optional<Outcome> outcome;
  boost::asio::co_spawn(io, probe.run(world), [&](std::exception_ptr thrown, Outcome made) {
    if (thrown) std::rethrow_exception(thrown);
    outcome = std::move(made);
  });
  io.run();
  REQUIRE(outcome);
  return *outcome;
}

namespace {

std::pair<std::unique_ptr<Probe>, std::vector<Secret>> made_of(const std::string& kind, const std::string& toml) {
  Drafted made = draft(schema_of(kind), toml);
  for (const auto& problem : made.problems)
    if (problem.find(": error: ") != std::string::npos) FAIL(problem);
  ProbeSettings settings;
  settings.name = "p";
  settings.kind = kind;
  settings.timeout = seconds{10};
  settings.own = made.own;
  settings.secrets = made.secrets;
  return {make_probe(settings), made.secrets};
}

}  // namespace

std::unique_ptr<Probe> probe_of(const std::string& kind, const std::string& toml) {
  auto [probe, secrets] = made_of(kind, toml);
  return std::make_unique<Concluded>(std::move(probe), secrets);
}

std::unique_ptr<Probe> bare_probe_of(const std::string& kind, const std::string& toml) { return made_of(kind, toml).first; }

std::vector<std::string> problems_of(const std::string& kind, const std::string& toml) { return draft(schema_of(kind), toml).problems; }

Failure failure(Reason reason, std::string code, std::string message) { return {reason, std::move(code), std::move(message)}; }

HttpResponse response(int status, std::string body, std::vector<std::pair<std::string, std::string>> headers) {
  HttpResponse made;
  made.status = status;
  made.body = std::move(body);
  made.headers = std::move(headers);
  made.address = "192.0.2.1:443";
  return made;
}

}  // namespace drwatch::testing
