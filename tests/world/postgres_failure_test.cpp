// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/postgres/failure.hpp"

#include <doctest/doctest.h>

namespace postgres_failure_test {

using namespace drwatch;

namespace {

const std::string at = "connection to server at \"127.0.0.1\", port 5432 failed: ";

void check(const std::string& message, Reason reason, const std::string& code, const std::string& words) {
  auto failure = connection_failure(message, "127.0.0.1:5432");
  CAPTURE(message);
  CHECK(reason_name(failure.reason) == reason_name(reason));
  CHECK(failure.code == code);
  CHECK_MESSAGE(failure.message.find(words) != std::string::npos, failure.message);
}

}  // namespace

TEST_CASE("postgres failure: what the server says has a SQLSTATE, in any language") {
  check(at + "FATAL:  28P01: password authentication failed for user \"x\"\nLOCATION:  auth_failed, auth.c:336\n", Reason::auth, "28P01",
        "127.0.0.1:5432: password authentication failed for user \"x\"");
  check(at + "FATAL:  28000: no pg_hba.conf entry for host\n", Reason::auth, "28000", "no pg_hba.conf entry");
  check(at + "FATAL:  57P03: the database system is starting up\n", Reason::connect, "57P03", "starting up");
  check(at + "FATAL:  53300: sorry, too many clients already\n", Reason::connect, "53300", "too many clients");
  check(at + "SCHWERWIEGEND:  3D000: Datenbank »x« existiert nicht\n", Reason::connect, "3D000", "existiert nicht");
}

TEST_CASE("postgres failure: the network's errors have their names") {
  check(at + "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n", Reason::connect,
        "ECONNREFUSED", "connection refused by 127.0.0.1:5432");
  check(at + "No route to host\n", Reason::connect, "EHOSTUNREACH", "no route to host");
  check("connection to server on socket \"/tmp/.s.PGSQL.1\" failed: No such file or directory\n", Reason::connect, "ENOENT",
        "no such file");
  check(at + "server closed the connection unexpectedly\n", Reason::connect, "", "closed the connection unexpectedly");
  check(at + "Too many open files\n", Reason::own_fault, "EMFILE", "too many open files");
}

TEST_CASE("postgres failure: TLS, files of ours, passwords, and nothing at all") {
  check(at + "SSL error: certificate verify failed\n", Reason::tls, "", "certificate verify failed");
  check(at + "server does not support SSL, but SSL was required\n", Reason::tls, "", "does not support SSL");
  check(at + "server certificate for \"a\" does not match host name \"b\"\n", Reason::tls, "", "does not match");
  check(at + "root certificate file \"/x\" does not exist\n", Reason::own_fault, "", "root certificate file");
  check(at + "fe_sendauth: no password supplied\n", Reason::auth, "", "no password supplied");
  check("", Reason::connect, "", "the connection failed");
  check(at + "expected authentication request from server, but received H\n", Reason::protocol, "", "received H");
  check(at + "received invalid response to SSL negotiation: H\n", Reason::protocol, "", "SSL negotiation");
  check(at + "fe_sendauth: invalid authentication request from server: AUTH_REQ_SASL_CONT without AUTH_REQ_SASL\n", Reason::protocol, "",
        "invalid authentication request");
}

TEST_CASE("postgres failure: several addresses, the last one counts when no server spoke") {
  check(at + "Connection refused\nconnection to server at \"127.0.0.2\", port 5432 failed: No route to host\n", Reason::connect,
        "EHOSTUNREACH", "no route");
}

TEST_CASE("postgres failure: statements") {
  CHECK(statement_failure("42P01", "relation \"x\" does not exist", false, "a:1").reason == Reason::assertion);
  CHECK(statement_failure("25006", "read-only", false, "a:1").code == "25006");
  CHECK(statement_failure("57P01", "terminating connection", true, "a:1").reason == Reason::connect);
  CHECK(statement_failure("57P01", "terminating connection", false, "a:1").reason == Reason::connect);
  CHECK(statement_failure("", "server closed the connection unexpectedly\n\tThis probably means", true, "a:1").message ==
        "a:1: server closed the connection unexpectedly");
}

}  // namespace postgres_failure_test
