// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/postgres/failure.hpp"

#include "daemon/world/failures.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <cerrno>

namespace drwatch {
namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Five digits or capital letters (PostgreSQL documentation, Appendix A).
bool is_sqlstate(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

// A server's words may be of any length.
std::string first_line(std::string_view message) { return excerpt(message.substr(0, message.find('\n')), 400); }

struct Said {
  std::string sqlstate, words;
};

// libpq's message with PQERRORS_VERBOSE: "...: FATAL:  28P01: password authentication failed for user "x"\nLOCATION: ...". The severity may
// be in any language, so the SQLSTATE is looked for behind ":" and two spaces. nullopt: the words are libpq's own, no server spoke.
std::optional<Said> server_said(std::string_view message) {
  for (std::size_t at = message.find(":  "); at != std::string_view::npos; at = message.find(":  ", at + 1)) {
    const auto rest = message.substr(at + 3);
    if (rest.size() < 7 || !is_sqlstate(rest.substr(0, 5)) || rest.substr(5, 2) != ": ") continue;
    const auto words = rest.substr(7);
    return Said{std::string(rest.substr(0, 5)), first_line(words)};
  }
  return std::nullopt;
}

// The last "... failed: WORDS" line: with several addresses, the last one tried.
std::string client_words(std::string_view message) {
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  const auto failed = message.rfind(" failed: ");
  if (failed != std::string_view::npos) message.remove_prefix(failed + 9);
  return first_line(message);
}

// Classes of the PostgreSQL documentation, Appendix A. 28: invalid authorization. 08: connection exceptions. 57P01 to 57P03: the server
// shuts down, crashed or starts up. 53300: too many connections. Anything else is `otherwise`.
Reason reason_of(std::string_view sqlstate, Reason otherwise) {
  const auto group = sqlstate.substr(0, 2);
  if (group == "28") return Reason::auth;
  if (group == "08" || sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03" || sqlstate == "53300") return Reason::connect;
  return otherwise;
}

// libpq gives errno only as words, so these are looked for in them (strerrordesc_np: never translated, as the C locale that the daemon runs
// in).
constexpr int network_errors[] = {ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENOENT,        EACCES,
                                  EPIPE,        EPERM,      EMFILE,    ENFILE,       ENOBUFS,     EADDRNOTAVAIL, ECONNABORTED};

}  // namespace

Failure connection_failure(std::string_view message, const std::string& address) {
  if (auto said = server_said(message)) {
    // A connection refused with any other code (no such database) stands behind a server that answers.
    return {reason_of(said->sqlstate, Reason::connect), said->sqlstate, address + ": " + said->words};
  }
  const auto words = client_words(message);
  const std::string text = words.empty() ? "the connection failed" : words;
  // Of what is no PostgreSQL server, or talks nonsense; "authentication" and "SSL" in it say what was expected.
  for (std::string_view nonsense :
       {"expected authentication request", "received invalid", "unexpected message", "invalid authentication request", "message length",
        "received unencrypted data", "unexpected response", "unexpected field count", "lost synchronization"})
    if (has(text, nonsense)) return {Reason::protocol, "", address + ": " + text};
  // A file named in the connection string that this machine does not have or may not read.
  if (has(text, "root certificate file") || has(text, "certificate file \"") || has(text, "private key file")) {
    return {Reason::own_fault, "", address + ": " + text};
  }
  // Only after the checks above, whose messages may have these words in them too.
  if (has(text, "SSL") || has(text, "certificate")) return {Reason::tls, "", address + ": " + text};
  for (int number : network_errors) {
    const char* known = strerrordesc_np(number);
    if (known && has(text, known)) return socket_failure(Reason::connect, {number, boost::system::system_category()}, address);
  }
  if (has(text, "password") || has(text, "SCRAM") || has(text, "authentication")) return {Reason::auth, "", address + ": " + text};
  if (has(text, "timeout expired")) return {Reason::timeout, "", "no answer from " + address};
  return {Reason::connect, "", address + ": " + text};
}

Failure statement_failure(std::string_view sqlstate, std::string_view message, bool lost, const std::string& address) {
  const auto code = std::string(is_sqlstate(sqlstate) ? sqlstate : "");
  if (lost && code.empty()) {
    auto failure = connection_failure(message, address);
    // The login is long over; words like "authentication" in a lost connection's message mean nothing.
    if (failure.reason == Reason::auth) failure.reason = Reason::connect;
    return failure;
  }
  return {lost ? Reason::connect : reason_of(code, Reason::assertion), code, address + ": " + first_line(message)};
}

}  // namespace drwatch
