// SPDX-License-Identifier: Apache-2.0
// What a world answers that has no such part: a world of a test or of the simulation need not have every seam.
#include "probes/seams/world.hpp"

#include "probes/seams/tracer.hpp"

namespace drwatch {
namespace {

Failure not_here() { return {Reason::internal, "", "this world has no such part"}; }

}  // namespace

Task<Result<Connected>> Net::connect_within(std::string host, std::uint16_t port, Family family, std::optional<TlsSettings> tls,
                                            Phases& phases, std::chrono::nanoseconds) {
  co_return co_await connect(std::move(host), port, family, std::move(tls), phases);
}

Task<Result<std::unique_ptr<Stream>>> Net::secure(std::unique_ptr<Stream>, TlsSettings, std::string, TlsShown&, Phases&) {
  co_return not_here();
}

Task<Result<std::chrono::microseconds>> Net::echo(std::string, std::size_t, Duration) { co_return not_here(); }

Task<std::vector<Result<DnsAnswer>>> Resolver::ask(std::vector<DnsQuestion> questions) {
  co_return std::vector<Result<DnsAnswer>>(questions.size(), not_here());
}

void World::hide(const std::string& secret) const {
  if (tracer) tracer->hide(secret);
}

std::string World::without_secrets(std::string text) const { return tracer ? tracer->secrets().hidden(std::move(text)) : text; }
void World::reached(const std::string& fact, const std::string& name) const {
  if (tracer) tracer->reached(fact, name);
}

}  // namespace drwatch
