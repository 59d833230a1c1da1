// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// Every look-up asks the name servers anew: an answer from a cache would hide that they are dead. The system's resolver is never used: its
// look-ups cannot be cancelled and wait for each other.
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
