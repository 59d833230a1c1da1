// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/metrics/metrics.hpp"
#include "daemon/web/room.hpp"

namespace drwatch::web {

Task<SharedResponse> metrics_page(Room& room, Call call) {
  Renderer::Prepare prepare = [&room] {
    return [moment = room.moment()] {
      Response response;
      response.body = metrics_text(take_snapshot(moment->state, moment->settings, moment->figures, moment->seen.now));
      response.type = "text/plain; version=0.0.4; charset=utf-8";
      return response;
    };
  };
  Renderer& renderer = call.caller.name.empty() ? room.scrapes : room.known;
  co_return co_await renderer.make("metrics", std::move(prepare));
}

}  // namespace drwatch::web
