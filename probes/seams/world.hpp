// SPDX-License-Identifier: Apache-2.0
// All that is outside (time, chance, names, network, processes, files), as seams. The real ones are in daemon/world/; the simulation brings
// its own. Everything runs on one executor; a seam returns when it is done, fails with a closed Reason, or is cancelled (terminal
// cancellation: the coroutine then unwinds with boost::system::system_error operation_aborted; clean-up is RAII). Deadlines are the
// caller's: within().
#pragma once

#include "config/http_access.hpp"
#include "config/rows/secret.hpp"
#include "config/rows/time.hpp"
#include "probes/outcome.hpp"
#include "probes/seams/dns_answer.hpp"
#include "probes/seams/tls_shown.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

template <class T>
using Task = boost::asio::awaitable<T>;

// Why the world did not do it.
struct Failure {
  Reason reason = Reason::internal;
  std::string code;     // errno name ("ECONNREFUSED"), rcode, SQLSTATE, X509 error; empty: none
  std::string message;  // for a person: "connection refused by 127.0.0.1:5432"
};
// Called by boost::system::result when the value of a failed Result is asked for: a bug, std::logic_error.
[[noreturn]] void throw_exception_from_error(const Failure& failure, const boost::source_location& where);

template <class T>
using Result = boost::system::result<T, Failure>;

// ---- time and chance

struct Clock {
  virtual ~Clock() = default;
  virtual Time now() = 0;                           // wall time (CLOCK_REALTIME)
  virtual std::chrono::nanoseconds boottime() = 0;  // goes on while suspended (CLOCK_BOOTTIME); only differences mean something
  virtual Task<void> sleep_for(std::chrono::nanoseconds d) = 0;  // by boottime
};

// Chance. The real one is the kernel's; the simulation's is seeded, so that a run can be repeated.
struct Dice {
  virtual ~Dice() = default;
  // All 64 bits are random.
  virtual std::uint64_t roll() = 0;
};

// ---- names

enum class Family { any, v4, v6 };
struct Resolved {
  std::vector<std::string> addresses;  // numeric, in the order to try
  seconds ttl{0};
};
struct Resolver {
  virtual ~Resolver() = default;
  // A numeric name comes back as it is. Fails with dns: NXDOMAIN, SERVFAIL, NODATA, TIMEOUT (code). `servers`: "127.0.0.1:5353", ...;
  // empty: the system's.
  virtual Task<Result<Resolved>> resolve(std::string name, Family family, std::vector<std::string> servers) = 0;
  // All questions at once, each to its one server; the answers in the order of the questions, whatever their rcode, over TCP when they do
  // not fit a datagram. One fails with dns: TIMEOUT, ECONNREFUSED, BADRESP (an answer that makes no sense), BADNAME.
  virtual Task<std::vector<Result<DnsAnswer>>> ask(std::vector<DnsQuestion> questions);
  virtual std::vector<std::string> system_servers() { return {}; }  // "192.0.2.53:53", in their order
};

// ---- byte streams

struct Stream {
  virtual ~Stream() = default;
  virtual Task<Result<std::size_t>> read_some(std::span<char> into) = 0;  // 0: the other side ended cleanly
  virtual Task<Result<std::size_t>> write_all(std::string bytes) = 0;
  // Ends the sending and waits a moment for what the other side says to that. Fails with what it objected to: in TLS 1.3 it refuses a
  // client's certificate only after the client's handshake is over. Nothing else can be done with the stream then.
  virtual Task<Result<std::size_t>> finish() { co_return std::size_t{0}; }
};
struct Connected {
  std::unique_ptr<Stream> stream;
  std::string address;                       // "127.0.0.1:5432", of the one that answered
  Phases phases;                             // resolve, connect, tls
  std::map<std::string, std::string> facts;  // "tls_version", "certificate_expires" (RFC 3339), ...
};
struct Net {
  virtual ~Net() = default;
  // Resolve, try each address in order, then TLS when `tls` is given (server name and verification by `host`, unless it names another).
  // `phases` is filled as far as it came, also on failure.
  virtual Task<Result<Connected>> connect(std::string host, std::uint16_t port, Family family, std::optional<TlsSettings> tls,
                                          Phases& phases) = 0;
  // The same for a run that has only so much time `left`: an address that stays silent gets a share of it, so that the next is tried.
  virtual Task<Result<Connected>> connect_within(std::string host, std::uint16_t port, Family family, std::optional<TlsSettings> tls,
                                                 Phases& phases, std::chrono::nanoseconds left);
  // Begins TLS on a stream that connect() made without it and of which nothing but the plain words before was read. `name` is asked for
  // (SNI) and verified. The handshake is carried to its end even when the certificate is not believed, so that `shown` tells all of it;
  // with settings.verify the first fault is then the failure (reason tls). `shown` and the phase tls are filled as far as it came.
  virtual Task<Result<std::unique_ptr<Stream>>> secure(std::unique_ptr<Stream> stream, TlsSettings settings, std::string name,
                                                       TlsShown& shown, Phases& phases);
  // One ICMP echo with `payload` bytes to a numeric address, and how long it took. Fails with timeout after `patience`, connect when
  // something on the way says that it can't be reached (EHOSTUNREACH, ...), own-fault (EACCES) when this system lets nobody send echoes
  // without privileges.
  virtual Task<Result<std::chrono::microseconds>> echo(std::string address, std::size_t payload, Duration patience);
};

// ---- HTTP client

struct HttpRequest {
  std::string method = "GET";
  std::string url;                                           // http:// or https://
  std::vector<std::pair<std::string, std::string>> headers;  // Host, User-Agent, Content-Length are added when absent
  std::string body;
  TlsSettings tls;
  Family family = Family::any;
  std::string address;  // numeric: connect here, whatever the URL's name leads to; Host and the certificate's name stay the URL's
  std::size_t max_body = 1 << 20;                // bytes; more is a failure (protocol)
  std::optional<std::chrono::nanoseconds> left;  // of the run that asks: see Net::connect_within
};
struct HttpResponse {
  int status = 0;
  int version = 11;
  std::vector<std::pair<std::string, std::string>> headers;  // in order, names as sent
  std::string body;
  std::map<std::string, std::string> facts;  // of the connection
  std::string address;
};
struct Http {
  virtual ~Http() = default;
  // One exchange on a fresh connection, no redirects followed. `phases` is filled as far as it came, also on failure.
  virtual Task<Result<HttpResponse>> fetch(HttpRequest request, Phases& phases) = 0;
};

// ---- PostgreSQL

struct PgResult {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // text format; nullopt: NULL
};
// A logged-in session. Destroying it ends the session, and cancels a statement that is still under way.
struct PgConnection {
  virtual ~PgConnection() = default;
  // One statement. Fails with the SQLSTATE as code: assertion for SQL errors, connect when the connection is lost.
  virtual Task<Result<PgResult>> query(std::string sql) = 0;
  // The process that serves it, as the other end named it on connecting. A pooler makes one up: pg_backend_pid() then says another. 0: not
  // known.
  virtual int server_process() const { return 0; }
};
struct Postgres {
  virtual ~Postgres() = default;
  // A fresh connection. Host names go through Resolver (hostaddr). Failures carry the SQLSTATE (PQERRORS_VERBOSE) or the errno name as
  // code: reason dns, connect, tls, auth (28xxx) ... `address`: the server's, for messages.
  virtual Task<Result<std::unique_ptr<PgConnection>>> connect(Secret dsn, Phases& phases) = 0;
};

// ---- processes and files

struct ExecRequest {
  std::vector<std::string> argv;  // no shell
  std::string input;
  std::map<std::string, std::string> environment;  // added to a minimal one (PATH, LANG)
  std::size_t max_output = 64 * 1024;              // of standard output and error together; the rest is dropped
  std::size_t max_memory = 0;                      // bytes of data (RLIMIT_DATA) of each of its processes; 0: unbounded
  bool ends_group = false;                         // also on a normal end: what it left in the background is killed
};
struct ExecResult {
  int exit_code = -1;  // 128 + n when signal n ended it
  std::string output, errors;
};
struct Exec {
  virtual ~Exec() = default;
  // Its own process group, ended as a whole (TERM, then KILL) when cancelled. Fails with internal when it cannot be started.
  virtual Task<Result<ExecResult>> run(ExecRequest request) = 0;
};

struct FileEntry {
  std::string name;
  std::uint64_t size = 0;
  Time modified{};
};
struct Files {  // work is done beside the loop
  virtual ~Files() = default;
  virtual Task<Result<std::vector<FileEntry>>> list(std::string folder) = 0;  // sorted by name; code ENOENT, EACCES, ...
  virtual Task<Result<std::string>> read(std::string path, std::size_t max_bytes) = 0;
};

class Tracer;

struct World {
  boost::asio::any_io_executor executor;
  Clock& clock;
  Dice& dice;
  Resolver& resolver;
  Net& net;
  Http& http;
  Postgres& postgres;
  Exec& exec;
  Files& files;
  Tracer* tracer = nullptr;  // of the run, when one is kept

  // What the run came to know and nobody may be shown (a token that the other side issued, a captured value). What is configured as a
  // secret needs no saying.
  void hide(const std::string& secret) const;
  // `text` without what is hidden in this run. Only for words that a probe keeps for a later run, in which what was learnt in this one is
  // not known any more: an outcome is freed of secrets when its run is over.
  std::string without_secrets(std::string text) const;
  // How far the run has come, as the fact that its outcome will have ("stage" or "step"). A run that is ended by its deadline can tell
  // nothing itself any more: this is told for it, beside its phases and what it waited for.
  void reached(const std::string& fact, const std::string& name) const;
};

}  // namespace drwatch
