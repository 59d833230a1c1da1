// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/channel.hpp"

#include "daemon/alerting/payload.hpp"
#include "probes/seams/within.hpp"

namespace drwatch {
namespace {

// A webhook's URL is its password, and the world's messages may name the URL: only the closed reason and the code are told.
std::string without_secret(const Failure& failure) {
  return std::string(reason_name(failure.reason)) + (failure.code.empty() ? "" : " (" + failure.code + ")");
}

Task<std::string> call_webhook(World world, ChannelSettings settings, std::string body) {
  if (!settings.url.present()) co_return "its url is missing";
  HttpRequest request;
  request.method = "POST";
  request.url = settings.url.reveal();
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = std::move(body);
  Phases phases;
  const auto answer = co_await within(world.clock, settings.timeout, world.http.fetch(std::move(request), phases));
  if (!answer) co_return "no answer within " + duration_words(settings.timeout);
  if (!*answer) co_return without_secret(answer->error());
  const int status = (*answer)->status;
  co_return status / 100 == 2 ? "" : "it answered " + std::to_string(status);
}

Task<std::string> run_command(World world, ChannelSettings settings, std::string body) {
  if (settings.command.empty()) co_return "its command is missing";
  ExecRequest request;
  request.argv = settings.command;
  request.input = std::move(body);
  const auto ended = co_await within(world.clock, settings.timeout, world.exec.run(std::move(request)));
  if (!ended) co_return "not done within " + duration_words(settings.timeout);
  if (!*ended) co_return ended->error().message;
  const int code = (*ended)->exit_code;
  if (code == 0) co_return "";
  // One line of its standard error, bounded.
  const std::string said = error_text((*ended)->errors);
  co_return "exit code " + std::to_string(code) + (said.empty() ? "" : ": " + said);
}

}  // namespace

Task<std::string> carry(World world, std::string channel, ChannelSettings settings, Alert alert, std::string external_url) {
  std::string body = webhook_body(alert, channel, external_url);
  if (settings.kind == "command") co_return co_await run_command(world, std::move(settings), std::move(body));
  co_return co_await call_webhook(world, std::move(settings), std::move(body));
}

}  // namespace drwatch
