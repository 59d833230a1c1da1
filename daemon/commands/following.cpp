// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/following.hpp"

#include <chrono>
#include <thread>

namespace drwatch::commands {
namespace {

constexpr auto turn = std::chrono::milliseconds(500);
constexpr auto lost_patience = std::chrono::seconds(30);  // a daemon that is restarted meanwhile

}  // namespace

void follow_command(Client& client, const std::string& incident, const std::string& step) {
  const std::string path = "/api/v1/incidents/" + path_element(incident) + "/steps/" + path_element(step) + "/output?after=";
  std::uint64_t printed = 0;
  auto heard_at = std::chrono::steady_clock::now();
  for (;; std::this_thread::sleep_for(turn)) {
    Json now;
    try {
      now = client.get(path + std::to_string(printed));
    } catch (const CommandRefused& refused) {
      if (std::chrono::steady_clock::now() - heard_at < lost_patience) continue;
      throw CommandRefused(std::string(refused.what()) + "; the command may still run: drwatch incident show " + incident);
    }
    heard_at = std::chrono::steady_clock::now();
    print(text_at(now, "output"));
    printed = static_cast<std::uint64_t>(number_at(now, "bytes").value_or(0));
    const std::string state = text_at(now, "state");
    if (state == "running") continue;
    const std::string by = text_at(now, "by");
    print("step '" + step + "' is " + state + (state == "failed" && !by.empty() ? " (" + by + ")" : "") + "\n");
    return;
  }
}

}  // namespace drwatch::commands
