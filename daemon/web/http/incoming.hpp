// SPDX-License-Identifier: Apache-2.0
// One request being read: bytes in, a request or a refusal out. Beast's parser, driven by hand, stays in incoming.cpp; no I/O here.
#pragma once

#include "daemon/web/http/message.hpp"

#include <functional>
#include <memory>
#include <variant>

namespace drwatch::web {

class Incoming {
 public:
  // Asked once the header of a request that brings a body has come, before anything of the body is read: how many bytes it may have (0: as
  // usual), or why not to read it. The request is without its body.
  using Admit = std::function<std::variant<std::size_t, Response>(Request)>;
  // Both in bytes.
  Incoming(std::size_t header_limit, std::size_t body_limit, Admit admit = {});
  ~Incoming();

  // Takes what belongs to this request from the front of `bytes` and leaves what follows (pipelining).
  void feed(std::string& bytes);

  bool header_done() const;
  bool done() const;
  bool wants_continue() const;                     // the client waits for "100 Continue" before it sends the body
  const std::optional<Response>& refused() const;  // not understood, or over a bound: say so and close
  Request head() const;                            // without its body, as far as it has come
  Request take();                                  // once done()

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace drwatch::web
