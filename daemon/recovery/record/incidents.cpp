// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/incidents.hpp"

namespace drwatch {

Incidents::Incidents(const Incidents& from) {
  for (const auto& [id, entry] : from.all_) {
    // Those that are over are written to so seldom that nearly all of them stay shared for good.
    if (entry.incident->live()) {
      all_.emplace_hint(all_.end(), id, Entry{std::make_shared<Incident>(*entry.incident), false});
    } else {
      entry.shared = true;
      all_.emplace_hint(all_.end(), id, entry);
    }
  }
}

Incidents& Incidents::operator=(const Incidents& from) {
  if (this != &from) *this = Incidents(from);
  return *this;
}

Incident* Incidents::edit(std::string_view id) {
  const auto found = all_.find(id);
  if (found == all_.end()) return nullptr;
  Entry& entry = found->second;
  if (entry.shared) entry = {std::make_shared<Incident>(*entry.incident), false};
  return entry.incident.get();
}

Incident& Incidents::put(Incident incident) {
  const std::string id = incident.id;
  return *all_.insert_or_assign(id, Entry{std::make_shared<Incident>(std::move(incident)), false}).first->second.incident;
}

void Incidents::erase(std::string_view id) {
  if (const auto found = all_.find(id); found != all_.end()) all_.erase(found);
}

}  // namespace drwatch
