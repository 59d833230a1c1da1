// SPDX-License-Identifier: Apache-2.0
// Who answers for a zone: its apex, its name servers and their addresses, as the resolvers tell them.
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

struct NameServer {
  std::string name;
  std::vector<std::string> addresses;  // numeric; empty: it has none
};
struct Zone {
  std::string name;
  std::vector<NameServer> servers;  // at most 13, by name
};

// The zone that `name` is in. `resolvers` ("192.0.2.53:53") are asked, the first that answers is believed; not empty. Fails as
// Resolver::ask does, or with dns, NODATA: nobody knows of a zone. `resolver` must outlive the task.
Task<Result<Zone>> find_zone(Resolver* resolver, std::string name, std::vector<std::string> resolvers);

}  // namespace drwatch
