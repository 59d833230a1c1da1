// SPDX-License-Identifier: Apache-2.0
// Talks to a running daemon. Everything that goes wrong is a CommandRefused: what, and what to do.
#pragma once

#include "daemon/commands/commands.hpp"
#include "daemon/commands/text.hpp"

#include <string>

namespace drwatch::commands {

class Client {
 public:
  explicit Client(ClientOptions options);  // reads the token; throws CommandRefused when its file cannot be read

  std::string text(const std::string& path);             // GET, as it came
  std::string download(const std::string& path);         // GET of a file, which may be large and take its time
  Json get(const std::string& path);                     // GET
  Json post(const std::string& path, const Json& body);  // with an Idempotency-Key of its own

  // With --json: prints the document as the API answered it and returns true.
  bool printed_as_json(const Json& document) const;
  const ClientOptions& options() const { return options_; }

 private:
  std::string exchange(const std::string& method, const std::string& path, const std::string& body, bool large = false);

  ClientOptions options_;
  std::string token_;
};

// One element of a path.
std::string path_element(const std::string& text);
// "what; what to do" of an answer that is not 2xx.
std::string problem_line(int status, const std::string& body, bool with_token);

}  // namespace drwatch::commands
