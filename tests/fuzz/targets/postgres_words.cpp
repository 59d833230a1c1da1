// SPDX-License-Identifier: Apache-2.0
// A connection string, and what libpq says of a connection that failed. The first byte chooses.
#include "daemon/world/postgres/failure.hpp"
#include "daemon/world/postgres/target.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace postgres_words_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

struct Everywhere : Resolver {
  Task<Result<Resolved>> resolve(std::string, Family, std::vector<std::string>) override {
    co_return Resolved{{"192.0.2.1", "2001:db8::1"}, seconds{60}};
  }
};

void target(std::string_view text) {
  Everywhere resolver;
  boost::asio::io_context io;
  std::optional<Result<PgTarget>> answer;
  boost::asio::co_spawn(io, resolve_target(Secret(Secret::From::plain, "dsn", std::string(text)), resolver),
                        [&](std::exception_ptr thrown, Result<PgTarget> made) {
                          if (!thrown) answer = std::move(made);
                        });
  io.run();
  must(answer.has_value(), "it comes to an end");
  if (!*answer) {
    must((*answer).error().message.size() < 200, "what is wrong is said, and nothing of the string");
    return;
  }
  // A host's name alone would make libpq look it up, and the loop wait for that.
  const auto& options = answer->value().options;
  const auto host = options.find("host");
  if (host != options.end() && !host->second.empty() && host->second.find('/') == std::string::npos &&
      host->second.find('@') == std::string::npos)
    must(options.contains("hostaddr"), "names are resolved before");
}

void failure(std::string_view text) {
  for (const Failure& made :
       {connection_failure(text, "192.0.2.1:5432"), statement_failure(text.substr(0, 5), text, true, "192.0.2.1:5432"),
        statement_failure("XX001", text, false, "192.0.2.1:5432")}) {
    must(made.message.size() < 1000, "what a server says is shown bounded");
    must(made.message.find('\n') == std::string::npos, "in one line");
    must(made.code.size() < 20, "a code is short");
  }
}

}  // namespace

FUZZ_TARGET(postgres_words)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  if (take_choice(text) % 2 == 0)
    target(text);
  else
    failure(text);
  return 0;
}

}  // namespace postgres_words_target
