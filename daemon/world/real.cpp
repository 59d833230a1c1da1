// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/real.hpp"

#include "daemon/world/clock.hpp"
#include "daemon/world/disk.hpp"
#include "daemon/world/dns/resolver.hpp"
#include "daemon/world/files.hpp"
#include "daemon/world/net/http.hpp"
#include "daemon/world/net/net.hpp"
#include "daemon/world/net/tls.hpp"
#include "daemon/world/postgres/sessions.hpp"
#include "daemon/world/processes/exec.hpp"
#include "daemon/world/workers.hpp"

#include <openssl/ssl.h>

#include <csignal>

namespace drwatch {

struct RealWorld::Inside {
  Inside(boost::asio::any_io_executor l, int threads)
      : loop(l),
        clock(l),
        resolver(l),
        workers(l, threads),
        disk(l),
        errands(std::make_shared<Workers>(l, 1)),
        contexts(disk),
        net(l, clock, resolver, contexts),
        http(net),
        postgres(workers, disk, errands, resolver),
        exec(l, disk),
        files(disk) {}

  boost::asio::any_io_executor loop;
  RealClock clock;
  RealDice dice;
  RealResolver resolver;
  Workers workers;  // for work that is bounded: keys
  // For what may hang, never in the way of the others: files, programs, and cancel requests to a dead server.
  Disk disk;
  std::shared_ptr<Workers> errands;
  TlsContexts contexts;
  RealNet net;
  RealHttp http;
  RealPostgres postgres;
  RealExec exec;
  RealFiles files;
};

RealWorld::RealWorld(boost::asio::any_io_executor loop, int workers) : inside_(std::make_unique<Inside>(loop, workers)) {
  // OpenSSL cleans up at the exit of the process. It takes its own note of that here, before anybody can keep a world in a static object:
  // what is noted later is done earlier, so the threads of the world have ended, each with its state of OpenSSL, before the clean-up.
  OPENSSL_init_ssl(0, nullptr);
  // A command that does not read its input would otherwise end the daemon.
  // Writing to a pipe whose reader has gone raises SIGPIPE, whose default action ends the process; ignored, the write fails with EPIPE.
  std::signal(SIGPIPE, SIG_IGN);
}

RealWorld::~RealWorld() = default;

World RealWorld::world() {
  auto& i = *inside_;
  return World{i.loop, i.clock, i.dice, i.resolver, i.net, i.http, i.postgres, i.exec, i.files};
}

void RealWorld::forget_tls() { inside_->contexts.forget(); }

Disk& RealWorld::disk() { return inside_->disk; }

void RealWorld::on_left_behind(std::function<void(const std::string&)> tell) { inside_->exec.on_left_behind(std::move(tell)); }

void RealWorld::guarded_by(const ProcessGuard& guard) { inside_->exec.guarded_by(guard); }

Task<void> RealWorld::on_worker(std::function<void()> work) { return inside_->workers.run(std::move(work)); }

}  // namespace drwatch
