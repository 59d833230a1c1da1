// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/metrics/metrics.hpp"
#include "daemon/web/room.hpp"

namespace drwatch::web {

Task<SharedResponse> metrics_page(Room& room, Call) {
  Renderer::Prepare prepare = [&room] {
    return [moment = room.moment()] {
      Response response;
      response.body = metrics_text(take_snapshot(moment->state, moment->settings, moment->figures, moment->seen.now));
      response.type = "text/plain; version=0.0.4; charset=utf-8";
      return response;
    };
  };
  co_return co_await room.scrapes.make(Renderer::Lane::usual, "metrics", std::move(prepare));
}

}  // namespace drwatch::web
