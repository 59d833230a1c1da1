// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// By c-ares. Every look-up asks the name servers anew: an answer from a cache would hide that they are dead. getaddrinfo of the system is
// not used, because it cannot be cancelled and blocks a thread. See Resolver for what goes in and out.
class RealResolver : public Resolver {
 public:
  explicit RealResolver(boost::asio::any_io_executor loop);
  Task<Result<Resolved>> resolve(std::string name, Family family, std::vector<std::string> servers) override;
  Task<std::vector<Result<DnsAnswer>>> ask(std::vector<DnsQuestion> questions) override;
  std::vector<std::string> system_servers() override;

 private:
  boost::asio::any_io_executor loop_;
};

}  // namespace drwatch
