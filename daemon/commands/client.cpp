// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/client.hpp"

#include "config/rows/encoding.hpp"
#include "daemon/tasks/task_group.hpp"
#include "daemon/world/net/unix_http.hpp"
#include "daemon/world/real.hpp"
#include "probes/seams/within.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

namespace drwatch::commands {

namespace {

constexpr seconds patience{60};  // a probe's run or a test alert may take a while
constexpr std::size_t most_bytes = 64 << 20;
constexpr seconds patience_with_a_file{1200};
constexpr std::size_t most_bytes_of_a_file = std::size_t{4} << 30;
constexpr std::string_view unix_scheme = "unix:";

std::string hex(std::uint64_t value) {
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[(value >> shift) & 15];
  return text;
}

// Random, so that the same command given twice is two commands.
std::string idempotency_key() {
  std::random_device random;
  const auto word = [&random] { return (static_cast<std::uint64_t>(random()) << 32) | random(); };
  return hex(word()) + hex(word());
}

std::string read_token(const ClientOptions& options) {
  std::string token;
  if (options.token_file.empty()) {
    if (const char* given = std::getenv("DRWATCH_TOKEN")) token = given;
  } else {
    std::ifstream file(options.token_file);
    if (!file)
      throw CommandRefused("cannot read the token in " + options.token_file + "; check the path after --token-file and who may read it");
    token.assign(std::istreambuf_iterator<char>(file), {});
  }
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const bool fits = std::all_of(token.begin(), token.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!fits)
    throw CommandRefused("the token holds characters that no token has; check " +
                         (options.token_file.empty() ? "DRWATCH_TOKEN" : options.token_file));
  return token;
}

struct Exchange {
  std::optional<Result<HttpResponse>> answer;
  bool late = false;
};

Task<void> fetch_into(World world, HttpRequest request, seconds no_longer, Exchange* into) {
  Phases phases;
  auto answer = co_await within(world.clock, no_longer, world.http.fetch(std::move(request), phases));
  into->late = !answer;
  if (answer) into->answer.emplace(std::move(*answer));
}

// One exchange on a loop of its own.
Exchange fetch(HttpRequest request, seconds no_longer) {
  Exchange exchange;
  std::exception_ptr bug;
  boost::asio::io_context loop;
  RealWorld real(loop.get_executor(), 1);
  TaskGroup tasks(loop.get_executor(), [&bug](const std::string&, std::exception_ptr error) { bug = error; });
  tasks.spawn("request", fetch_into(real.world(), std::move(request), no_longer, &exchange), [&loop] { loop.stop(); });
  loop.run();
  if (bug) std::rethrow_exception(bug);
  return exchange;
}

std::string advice(int status, bool with_token) {
  switch (status) {
    case 401:
      return with_token ? "the token is not one of [server.tokens] of that daemon"
                        : "give a token: --token-file FILE, or the token itself in DRWATCH_TOKEN";
    case 403:
      return "use a token with a higher role";
    case 429:
    case 503:
      return "try again in a moment";
    default:
      return "";
  }
}

}  // namespace

std::string path_element(const std::string& text) { return percent_encoded(text); }

std::string problem_line(int status, const std::string& body, bool with_token) {
  const Json problem = Json::parse(body, nullptr, false);
  std::string what = "drwatch answered " + std::to_string(status), next_move;
  if (problem.is_object()) {
    if (const auto title = text_at(problem, "title"); !title.empty()) what = title;
    next_move = text_at(problem, "detail");
    std::string list;
    for (const auto& each : list_at(problem, "list")) {
      if (!each.is_string() || next_move.find(each.get<std::string>()) != std::string::npos) continue;  // the sentence names it already
      list += (list.empty() ? "" : ", ") + printable(each.get<std::string>());
    }
    if (!list.empty()) next_move += (next_move.empty() ? "" : ": ") + list;
  }
  if (status == 401 || next_move.empty()) next_move = advice(status, with_token);
  return one_line(next_move.empty() ? what : what + "; " + next_move);
}

std::string refused_document(const CommandRefused& refused) {
  std::string text = refused.problem;
  while (text.ends_with('\n')) text.pop_back();
  if (!text.empty() && Json::accept(text)) return text;
  const Json document{{"type", "about:blank"}, {"title", "not done"}, {"status", nullptr}, {"detail", refused.what()}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Client::Client(ClientOptions options) : options_(std::move(options)), token_(read_token(options_)) {
  if (options_.server.starts_with(unix_scheme)) return;
  if (options_.server.find("://") == std::string::npos) options_.server = "http://" + options_.server;
  while (options_.server.ends_with('/')) options_.server.pop_back();
}

std::string Client::exchange(const std::string& method, const std::string& path, const std::string& body, bool large) {
  const seconds no_longer = large ? patience_with_a_file : patience;
  HttpRequest request;
  request.method = method;
  request.url = options_.server + path;
  request.max_body = large ? most_bytes_of_a_file : most_bytes;
  request.tls.ca_file = options_.ca_file;
  request.headers.emplace_back("Accept", "application/json");
  if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
  if (method == "POST") {
    request.headers.emplace_back("Content-Type", "application/json");
    request.headers.emplace_back("Idempotency-Key", idempotency_key());
    request.body = body;
  }
  if (options_.server.starts_with(unix_scheme)) {
    request.url = path;
    const std::string socket = options_.server.substr(unix_scheme.size());
    const auto answer = fetch_from_socket(socket, request, no_longer);
    if (!answer)
      throw CommandRefused("cannot reach drwatch at " + socket + ": " + answer.error().message +
                           "; it is there while the unit runs, for root and drwatch's own user");
    if (answer->status < 200 || answer->status > 299)
      throw CommandRefused(problem_line(answer->status, answer->body, !token_.empty()), answer->body);
    return answer->body;
  }
  const Exchange exchange = fetch(std::move(request), no_longer);
  const std::string next_move = "; start it with drwatch serve --config FILE, or name the right one with --server URL (or DRWATCH_SERVER)";
  if (exchange.late)
    throw CommandRefused("drwatch at " + options_.server + " did not answer within " + duration_words(no_longer) + "; look at its log");
  if (!exchange.answer) throw CommandRefused("the request to " + options_.server + " was not made; check the address");
  if (exchange.answer->has_error())
    throw CommandRefused(one_line("cannot reach drwatch at " + options_.server + ": " + exchange.answer->error().message) + next_move);
  const HttpResponse& response = exchange.answer->value();
  if (response.status < 200 || response.status > 299) {
    throw CommandRefused(problem_line(response.status, response.body, !token_.empty()), response.body);
  }
  return response.body;
}

std::string Client::text(const std::string& path) { return exchange("GET", path, ""); }
std::string Client::download(const std::string& path) { return exchange("GET", path, "", true); }

namespace {
Json parsed(const std::string& body, const std::string& server) {
  Json document = Json::parse(body, nullptr, false);
  if (!document.is_object()) throw CommandRefused("what answers at " + server + " is not drwatch; name the right address with --server");
  return document;
}
}  // namespace

Json Client::get(const std::string& path) { return parsed(exchange("GET", path, ""), options_.server); }

Json Client::post(const std::string& path, const Json& body) {
  return parsed(exchange("POST", path, body.is_null() ? "{}" : body.dump(-1, ' ', false, Json::error_handler_t::replace)), options_.server);
}

bool Client::printed_as_json(const Json& document) const {
  if (!options_.json) return false;
  print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  return true;
}

}  // namespace drwatch::commands
