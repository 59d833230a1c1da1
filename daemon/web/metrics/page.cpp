// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/metrics/metrics.hpp"
#include "daemon/web/room.hpp"

namespace drwatch::web {

Task<Response> metrics_page(Room& room, Call) {
  constexpr std::size_t most_waiting = 8;  // each holds a page of megabytes
  Response response;
  if (room.worker.waiting() >= most_waiting) {
    response = problem(503, "busy", "enough scrapes are being answered already");
    response.headers.emplace_back("Retry-After", "1");
    co_return response;
  }
  auto snapshot =
      std::make_shared<const Snapshot>(take_snapshot(room.desk.state(), room.desk.settings(), room.desk.figures(), room.desk.now()));
  std::function<std::string()> make = [snapshot] { return metrics_text(*snapshot); };
  response.body = co_await room.worker.run(std::move(make));
  response.type = "text/plain; version=0.0.4; charset=utf-8";
  co_return response;
}

}  // namespace drwatch::web
