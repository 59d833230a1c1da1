// SPDX-License-Identifier: Apache-2.0
// What a world answers that has no such part.
#include "probes/world.hpp"

namespace drwatch {
namespace {

Failure not_here() { return {Reason::internal, "", "this world has no such part"}; }

}  // namespace

Task<Result<std::unique_ptr<Stream>>> Net::secure(std::unique_ptr<Stream>, TlsSettings, std::string, TlsShown&, Phases&) {
  co_return not_here();
}

}  // namespace drwatch
