// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/moment.hpp"

namespace drwatch::web {

Moment::Moment(const Desk& desk, std::string base_url, std::uint64_t wrong_tokens)
    : settings(desk.settings()),
      state(desk.state()),
      figures(desk.figures()),
      seen{state, *settings, desk.now(), figures.durable, std::move(base_url)} {
  figures.wrong_tokens = wrong_tokens;
  for (const auto& [name, probe] : settings->probes) next_runs.emplace_hint(next_runs.end(), name, desk.next_run(name));
}

std::shared_ptr<const Moment> Moments::now(std::chrono::nanoseconds boottime, const std::string& base_url, std::uint64_t wrong_tokens) {
  const bool same = newest_ && newest_->state.record.seq == desk_.state().record.seq && newest_->settings == desk_.settings() &&
                    newest_->seen.base_url == base_url && boottime - taken_at_ < fresh_for;
  if (!same) {
    newest_ = std::make_shared<const Moment>(desk_, base_url, wrong_tokens);
    taken_at_ = boottime;
  }
  return newest_;
}

}  // namespace drwatch::web
