// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/postgres/sessions.hpp"

#include "daemon/world/failures.hpp"
#include "daemon/world/postgres/failure.hpp"
#include "daemon/world/postgres/flood_guard.hpp"
#include "daemon/world/postgres/target.hpp"
#include "daemon/world/postgres/traffic.hpp"
#include "daemon/world/stopwatch.hpp"
#include "probes/seams/excerpt.hpp"

#include <fcntl.h>
#include <libpq-fe.h>
#include <unistd.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <memory>

namespace drwatch {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;
using Handle = std::shared_ptr<PGconn>;

// A probe's answer has a handful of rows; more is a mistake in the query, and must not fill the memory.
constexpr std::size_t max_rows = 10'000;
constexpr std::size_t max_bytes = 4 << 20;  // of all values of one answer
// Bytes on the wire, whatever they are: notices, and messages whose stated length is a lie, never become rows and would not be counted
// otherwise. `max_greeting`: up to the end of the login.
constexpr std::uint64_t max_traffic = 16 << 20, max_greeting = 256 << 10;

// A copy of the descriptor for each wait. libpq may close its socket and open another while connecting (the next address, a retry without
// TLS), and Asio must not hold one that is closed behind its back.
Task<void> wait_for(boost::asio::any_io_executor loop, int socket, bool writable) {
  const int copy = fcntl(socket, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) co_return;  // the next step of libpq tells what is wrong with it
  Descriptor descriptor(loop, copy);
  boost::system::error_code error;
  co_await descriptor.async_wait(writable ? Descriptor::wait_write : Descriptor::wait_read,
                                 boost::asio::redirect_error(boost::asio::use_awaitable, error));
  unwind_if_cancelled(error);
}

Handle start(const std::map<std::string, std::string>& options) {
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : options) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  Handle handle(PQconnectStartParams(keys.data(), values.data(), 0), [](PGconn* c) {
    if (c) PQfinish(c);
  });
  if (handle) {
    PQsetErrorVerbosity(handle.get(), PQERRORS_VERBOSE);
    // Notices would otherwise be printed to standard error.
    PQsetNoticeProcessor(handle.get(), [](void*, const char*) {}, nullptr);
  }
  return handle;
}

// Which phases are over, told by the states that libpq passes through.
class Progress {
 public:
  explicit Progress(Phases& phases) : phases_(phases) {}
  // libpq passes NEEDED, STARTED (connecting), MADE, SSL_STARTUP, AWAITING_RESPONSE, AUTH_OK, ..., OK; each phase ends with the first state
  // behind it.
  void note(ConnStatusType status) {
    if (status == CONNECTION_BAD) return;
    if (status == CONNECTION_SSL_STARTUP) tls_ = true;
    if (!phases_[Phase::connect] && status != CONNECTION_STARTED && status != CONNECTION_NEEDED) watch_.lap(phases_, Phase::connect);
    if (tls_ && !phases_[Phase::tls] && status != CONNECTION_SSL_STARTUP) watch_.lap(phases_, Phase::tls);
    if (status == CONNECTION_OK) watch_.lap(phases_, Phase::auth);
  }

 private:
  Phases& phases_;
  Stopwatch watch_;
  bool tls_ = false;
};

// libpq reads the files that a connection string names in the middle of its work, on a worker. One that hangs would keep the worker: so
// each is opened first, where that does no harm. It is not read here: what is wrong with it, libpq says best.
Task<std::optional<Failure>> files_answer(Disk& disk, std::map<std::string, std::string> options) {
  constexpr auto patience = std::chrono::seconds(5);
  for (const char* key : {"passfile", "sslrootcert", "sslcert", "sslkey", "sslcrl"}) {
    const auto named = options.find(key);
    if (named == options.end() || named->second.find('/') == std::string::npos) continue;  // "system" is no file
    std::function<void()> work = [path = named->second] {
      const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
      if (file >= 0) ::close(file);
    };
    if (auto hangs = co_await disk.ask(named->second, std::move(work), patience)) co_return std::move(hangs);
  }
  co_return std::nullopt;
}

// What PQconnectPoll wants next. Written on a worker, read on the loop after the worker is done.
struct Step {
  PostgresPollingStatusType next = PGRES_POLLING_FAILED;
  ConnStatusType status = CONNECTION_BAD;
};

class RealPgConnection : public PgConnection {
 public:
  RealPgConnection(boost::asio::any_io_executor loop, Handle handle, std::weak_ptr<Workers> errands, std::shared_ptr<FloodGuard> guard,
                   PgTarget target)
      : loop_(std::move(loop)),
        handle_(std::move(handle)),
        errands_(std::move(errands)),
        guard_(std::move(guard)),
        address_(std::move(target.address)) {}

  ~RealPgConnection() override {
    auto errands = errands_.lock();  // null: the world, and its threads, have ended before this connection
    if (!errands || !busy_ || PQstatus(handle_.get()) != CONNECTION_OK) return;
    // A statement that nobody waits for any more. The server would notice only when it next sends something, and a slow query of every run
    // would pile up there. PQcancel opens a connection of its own and blocks, so it runs on a thread of the errands.
    std::shared_ptr<PGcancel> stop(PQgetCancel(handle_.get()), &PQfreeCancel);
    errands->post([stop] {
      char complaint[256];
      if (stop) PQcancel(stop.get(), complaint, sizeof complaint);
    });
  }

  int server_process() const override { return PQbackendPID(handle_.get()); }

  Task<Result<PgResult>> query(std::string sql) override {
    auto* c = handle_.get();
    if (PQstatus(c) == CONNECTION_BAD) co_return Failure{Reason::connect, "", address_ + ": the connection is gone"};
    if (busy_) co_return Failure{Reason::internal, "", "the connection still waits for an earlier statement"};
    busy_ = true;
    before_ = traffic_of(PQsocket(c));
    // With parameters (none): the server then takes one statement, never several.
    if (!PQsendQueryParams(c, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0)) co_return lost();
    // Row by row: libpq would otherwise collect the whole answer in memory before the bounds below could be looked at.
    PQsetSingleRowMode(c);
    PgResult answer;
    std::optional<Failure> failure;
    std::size_t bytes = 0;
    while (true) {
      if (auto trouble = co_await until_ready()) co_return std::move(*trouble);
      std::unique_ptr<PGresult, void (*)(PGresult*)> piece(PQgetResult(c), &PQclear);
      if (!piece) break;
      if (auto wrong = take(piece.get(), answer, bytes); wrong && !failure) failure = std::move(wrong);
      // `busy_` stays set: the rest of the answer is never read, so the connection can take no other statement, and the destructor cancels
      // it.
      if (failure && (failure->code == "EFBIG" || failure->code == "COPY")) co_return std::move(*failure);
      if (PQstatus(c) == CONNECTION_BAD) break;
    }
    busy_ = false;
    if (failure) co_return std::move(*failure);
    co_return std::move(answer);
  }

 private:
  Failure lost() { return failed("", PQerrorMessage(handle_.get()), true); }
  Failure failed(const char* sqlstate, const char* message, bool gone) { return statement_failure(sqlstate, message, gone, address_); }

  // Sends what is to be sent and waits until PQgetResult has something to say.
  Task<std::optional<Failure>> until_ready() {
    auto* c = handle_.get();
    while (true) {
      const int unsent = PQflush(c);
      if (unsent < 0) co_return lost();
      if (unsent == 0 && !PQisBusy(c)) co_return std::nullopt;
      if (unsent > 0) {
        co_await wait_for(loop_, PQsocket(c), true);
      } else {
        co_await wait_for(loop_, PQsocket(c), false);
      }
      int alive = 0;
      // PQconsumeInput never blocks, but reads for as long as something comes.
      const std::function<void()> read = [&] { alive = PQconsumeInput(c); };
      if (!guard_->read(PQsocket(c), before_ + max_traffic, read) || traffic_of(PQsocket(c)) > before_ + max_traffic)
        co_return Failure{Reason::protocol, "EFBIG", address_ + " answers with more than 16 MiB"};
      if (!alive) co_return lost();
    }
  }

  std::optional<Failure> take(PGresult* piece, PgResult& answer, std::size_t& bytes) {
    const auto status = PQresultStatus(piece);
    if (status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) return std::nullopt;
    // With a COPY under way PQgetResult returns the same result for ever, until somebody copies the data.
    if (status == PGRES_COPY_OUT || status == PGRES_COPY_IN || status == PGRES_COPY_BOTH)
      return Failure{Reason::assertion, "COPY", address_ + " begins a COPY; a probe's statement is one that returns rows"};
    if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) {
      const char* state = PQresultErrorField(piece, PG_DIAG_SQLSTATE);
      const char* words = PQresultErrorField(piece, PG_DIAG_MESSAGE_PRIMARY);
      const bool gone = PQstatus(handle_.get()) == CONNECTION_BAD;
      return failed(state ? state : "", words ? words : PQresultErrorMessage(piece), gone);
    }
    // Every piece repeats the columns.
    if (answer.columns.empty()) {
      for (int i = 0; i < PQnfields(piece); ++i) answer.columns.emplace_back(PQfname(piece, i));
    }
    for (int row = 0; row < PQntuples(piece); ++row) {
      auto& values = answer.rows.emplace_back();
      for (int i = 0; i < PQnfields(piece); ++i) {
        bytes += static_cast<std::size_t>(PQgetlength(piece, row, i));
        if (PQgetisnull(piece, row, i)) {
          values.emplace_back();
        } else {
          values.emplace_back(std::string(PQgetvalue(piece, row, i), static_cast<std::size_t>(PQgetlength(piece, row, i))));
        }
      }
    }
    if (answer.rows.size() <= max_rows && bytes <= max_bytes) return std::nullopt;
    return Failure{Reason::protocol, "EFBIG", address_ + " answers with more than " + std::to_string(max_rows) + " rows or 4 MiB"};
  }

  boost::asio::any_io_executor loop_;
  Handle handle_;
  std::weak_ptr<Workers> errands_;
  std::shared_ptr<FloodGuard> guard_;
  std::string address_;
  bool busy_ = false;
  std::uint64_t before_ = 0;  // traffic, when the statement was sent
};

}  // namespace

Task<Result<std::unique_ptr<PgConnection>>> RealPostgres::connect(Secret dsn, Phases& phases) {
  Stopwatch watch;
  auto target = co_await resolve_target(std::move(dsn), resolver_);
  watch.lap(phases, Phase::resolve);
  if (!target) co_return target.error();

  if (auto hangs = co_await files_answer(disk_, target->options)) co_return std::move(*hangs);

  // Both shared with the worker: when this is cancelled, the worker may still be at it.
  auto handle = std::make_shared<Handle>();
  auto step = std::make_shared<Step>();
  Progress progress(phases);
  std::function<void()> begin = [handle, step, options = target->options] {
    *handle = start(options);
    if (*handle) *step = {PGRES_POLLING_WRITING, PQstatus(handle->get())};
  };
  std::function<void()> go_on = [handle, step] {
    step->next = PQconnectPoll(handle->get());
    step->status = PQstatus(handle->get());
  };
  co_await workers_.run(std::move(begin));
  if (!*handle) co_return Failure{Reason::own_fault, "ENOMEM", "no memory for a connection"};
  while (step->status != CONNECTION_BAD && step->next != PGRES_POLLING_OK && step->next != PGRES_POLLING_FAILED) {
    co_await wait_for(workers_.loop(), PQsocket(handle->get()), step->next == PGRES_POLLING_WRITING);
    co_await workers_.run(go_on);
    progress.note(step->status);
    if (step->status != CONNECTION_BAD && traffic_of(PQsocket(handle->get())) > max_greeting)
      co_return Failure{Reason::protocol, "EFBIG", target->address + " talks on and on before it lets anybody in"};
  }
  if (step->next != PGRES_POLLING_OK) co_return connection_failure(PQerrorMessage(handle->get()), target->address);
  PQsetnonblocking(handle->get(), 1);
  std::unique_ptr<PgConnection> connection =
      std::make_unique<RealPgConnection>(workers_.loop(), *handle, errands_, guard_, std::move(*target));
  co_return std::move(connection);
}

}  // namespace drwatch
