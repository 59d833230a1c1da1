// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/world/disk.hpp"
#include "daemon/world/postgres/flood_guard.hpp"

#include <memory>

namespace drwatch {

// libpq without blocking the loop: names are resolved before it sees them; every step of connecting runs on a worker, because TLS contexts
// and SCRAM's key derivation are computed inside; the waiting for the socket is done on the loop. See Postgres for what goes in and out.
class RealPostgres : public Postgres {
 public:
  // `errands`: threads for cancel requests, which may hang on a dead server.
  RealPostgres(Workers& workers, Disk& disk, std::weak_ptr<Workers> errands, Resolver& resolver)
      : workers_(workers), disk_(disk), errands_(std::move(errands)), resolver_(resolver) {}
  Task<Result<std::unique_ptr<PgConnection>>> connect(Secret dsn, Phases& phases) override;

 private:
  Workers& workers_;
  Disk& disk_;
  std::weak_ptr<Workers> errands_;
  Resolver& resolver_;
  std::shared_ptr<FloodGuard> guard_ = std::make_shared<FloodGuard>();
};

}  // namespace drwatch
