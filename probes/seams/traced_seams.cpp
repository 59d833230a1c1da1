// SPDX-License-Identifier: Apache-2.0
// HTTP, PostgreSQL, programs and files, as the tracer tells it; and the world made of them.
#include "probes/seams/traced_seams.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace drwatch {
namespace {

// Only the names of the headers, and the size of the body, are shown: their values are credentials as often as not.
std::string sent_words(const HttpRequest& request) {
  std::string names;
  for (const auto& [name, value] : request.headers) names += (names.empty() ? "; headers " : ", ") + name;
  if (!request.body.empty()) names += "; a body of " + std::to_string(request.body.size()) + " bytes";
  return request.method + " " + request.url + (request.address.empty() ? "" : " at " + request.address) + names;
}

// Headers of an answer that help to explain a failure. A list of what is shown, not of what is hidden: an unknown header may carry a
// secret.
bool tells(std::string_view header) {
  static constexpr std::array<std::string_view, 10> telling = {
      "content-type", "content-encoding", "location", "server", "date", "retry-after", "cache-control", "age", "via", "www-authenticate"};
  return std::any_of(telling.begin(), telling.end(), [&](std::string_view name) {
    return std::equal(name.begin(), name.end(), header.begin(), header.end(),
                      [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
  });
}

std::string got_words(const HttpResponse& answer) {
  std::string words = std::to_string(answer.status) + " from " + answer.address;
  for (const auto& [name, value] : answer.headers)
    if (tells(name)) words += "; " + name + ": " + value;
  return words + "; " + std::to_string(answer.body.size()) + (answer.body.empty() ? " bytes" : " bytes: ");
}

std::string row_words(const PgResult& result) {
  std::string words = std::to_string(result.rows.size()) + (result.rows.size() == 1 ? " row" : " rows");
  // The trace explains an outcome; it is no copy of the database.
  constexpr std::size_t most_rows = 3;
  for (std::size_t i = 0; i < std::min(result.rows.size(), most_rows); ++i) {
    words += i == 0 ? ": " : " | ";
    for (std::size_t column = 0; column < result.rows[i].size(); ++column)
      words += (column == 0 ? "" : ", ") + result.rows[i][column].value_or("NULL");
  }
  return words;
}

class TracedConnection : public PgConnection {
 public:
  TracedConnection(std::unique_ptr<PgConnection> inner, Tracer& tracer) : inner_(std::move(inner)), tracer_(tracer) {}
  Task<Result<PgResult>> query(std::string sql) override {
    const auto id = tracer_.begin(sql);
    auto result = co_await inner_->query(std::move(sql));
    tracer_.end(id, result ? row_words(*result) : failure_words(result.error()), !result);
    co_return result;
  }
  int server_process() const override { return inner_->server_process(); }

 private:
  std::unique_ptr<PgConnection> inner_;
  Tracer& tracer_;
};

}  // namespace

Task<Result<HttpResponse>> TracedHttp::fetch(HttpRequest request, Phases& phases) {
  const PhasesKept kept(tracer_, phases);
  const auto id = tracer_.begin(sent_words(request));
  request.left = tracer_.left();
  auto answer = co_await inner_.fetch(std::move(request), phases);
  tracer_.end(id, answer ? got_words(*answer) : failure_words(answer.error()), !answer);
  if (answer) tracer_.end(id, answer->body);
  co_return answer;
}

Task<Result<std::unique_ptr<PgConnection>>> TracedPostgres::connect(Secret dsn, Phases& phases) {
  const PhasesKept kept(tracer_, phases);
  const auto id = tracer_.begin("connect to PostgreSQL, dsn " + (dsn.name().empty() ? dsn.reveal() : "of " + dsn.name()));
  auto connection = co_await inner_.connect(std::move(dsn), phases);
  if (!connection) {
    tracer_.end(id, failure_words(connection.error()), true);
    co_return connection.error();
  }
  const int process = (*connection)->server_process();
  tracer_.end(id, "logged in" + (process == 0 ? "" : ", served by process " + std::to_string(process)));
  co_return std::unique_ptr<PgConnection>(std::make_unique<TracedConnection>(std::move(*connection), tracer_));
}

Task<Result<ExecResult>> TracedExec::run(ExecRequest request) {
  std::string words = "run";
  for (const std::string& word : request.argv) words += " " + word;
  const auto id = tracer_.begin(std::move(words));
  auto result = co_await inner_.run(std::move(request));
  if (!result)
    tracer_.end(id, failure_words(result.error()), true);
  else
    tracer_.end(id, "exit " + std::to_string(result->exit_code) + (result->output.empty() ? "" : ": " + result->output) +
                        (result->errors.empty() ? "" : "; standard error: " + result->errors));
  co_return result;
}

Task<Result<std::vector<FileEntry>>> TracedFiles::list(std::string folder) {
  const auto id = tracer_.begin("list " + folder, Tracer::Of::drwatch);
  auto entries = co_await inner_.list(std::move(folder));
  if (!entries) {
    tracer_.end(id, failure_words(entries.error()), true);
    co_return entries.error();
  }
  std::string words = std::to_string(entries->size()) + (entries->size() == 1 ? " entry" : " entries");
  const auto newest =
      std::max_element(entries->begin(), entries->end(), [](const FileEntry& a, const FileEntry& b) { return a.modified < b.modified; });
  if (newest != entries->end())
    words += ", the newest " + newest->name + " of " + time_text(newest->modified) + ", " + std::to_string(newest->size) + " bytes";
  tracer_.end(id, words);
  co_return std::move(*entries);
}

// Only the size: the content of a file is the platform's data.
Task<Result<std::string>> TracedFiles::read(std::string path, std::size_t max_bytes) {
  const auto id = tracer_.begin("read " + path, Tracer::Of::drwatch);
  auto text = co_await inner_.read(std::move(path), max_bytes);
  tracer_.end(id, text ? std::to_string(text->size()) + " bytes" : failure_words(text.error()), !text);
  co_return text;
}

struct TracedWorld::Seams {
  Seams(World& world, Tracer& tracer)
      : resolver(world.resolver, tracer),
        net(world.net, tracer),
        http(world.http, tracer),
        postgres(world.postgres, tracer),
        exec(world.exec, tracer),
        files(world.files, tracer) {}
  TracedResolver resolver;
  TracedNet net;
  TracedHttp http;
  TracedPostgres postgres;
  TracedExec exec;
  TracedFiles files;
};

TracedWorld::TracedWorld(World& world, Redaction secrets, std::optional<std::chrono::nanoseconds> timeout)
    : tracer_(world.clock, std::move(secrets), timeout),
      seams_(std::make_unique<Seams>(world, tracer_)),
      world_{world.executor, world.clock,      world.dice,   seams_->resolver, seams_->net,
             seams_->http,   seams_->postgres, seams_->exec, seams_->files,    &tracer_} {}

TracedWorld::~TracedWorld() = default;

void TracedWorld::conclude(Outcome& outcome) {
  hide_secrets(outcome, tracer_.secrets());
  outcome.trace = tracer_.take();
}

}  // namespace drwatch
