// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/world.hpp"

namespace drwatch {

class RealHttp : public Http {
 public:
  explicit RealHttp(Net& net) : net_(net) {}
  Task<Result<HttpResponse>> fetch(HttpRequest request, Phases& phases) override;

 private:
  Net& net_;
};

}  // namespace drwatch
