// SPDX-License-Identifier: Apache-2.0
// Answers that take long to make (a page, a history, ten thousand series) are made on a thread beside the loop, one after the other, so
// that no number of readers delays a probe.
#pragma once

#include "daemon/web/http/message.hpp"

#include <functional>
#include <memory>
#include <string>

namespace drwatch::web {

class Renderer {
 public:
  // On the thread; it owns all that it touches.
  using Make = std::function<Response()>;
  // On the loop, when its turn has come: takes what the answer is made from (a snapshot of the state), and says how it is made.
  using Prepare = std::function<Make()>;
  struct Bounds {
    std::size_t answers = 128;  // different ones that wait to be made
    std::size_t readers =
        256;  // who wait for them. One that waits here is not closed to make room: all of them must be fewer than connections
  };

  Renderer(boost::asio::any_io_executor loop, Bounds bounds);
  ~Renderer();  // waits for what is being made; drops the rest
  Renderer(const Renderer&) = delete;

  // The answer, or 503 when too many wait. Those who wait under the same key share one answer; an empty key shares nothing. What prepare or
  // the making throws comes out here. An answer is made of a state that is not older than the call.
  Task<SharedResponse> make(std::string key, Prepare prepare);
  // The answer to a command that was done: before all others, and never refused.
  Task<SharedResponse> make_at_once(Prepare prepare);

 private:
  struct Inside;
  struct Job;
  static Task<SharedResponse> answered(std::shared_ptr<Inside> inside, std::shared_ptr<Job> job);
  std::shared_ptr<Inside> inside_;
};

}  // namespace drwatch::web
