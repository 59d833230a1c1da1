// SPDX-License-Identifier: Apache-2.0
// The web room: metrics, API, pages, pings, on one listening socket.
#pragma once

#include "daemon/desk.hpp"
#include "daemon/log/log.hpp"
#include "daemon/tasks/task_group.hpp"
#include "probes/seams/world.hpp"

#include <memory>
#include <string>

namespace drwatch {

namespace web {
struct Identity;
}

// The server's certificate with its key, from their files. Read on any thread but the loop's: they may lie on a disk that hangs.
struct ServerIdentity {
  std::shared_ptr<web::Identity> identity;  // null: there is none, or `error` says why it cannot be used
  std::string error;
};
ServerIdentity read_server_identity(const ServerSettings& server);  // within a bound of its own; never throws

class Web {
 public:
  // Throws std::runtime_error ("cannot listen on 127.0.0.1:9780: address already in use; ...").
  // `key_file`: where the key of the browsers' sessions is kept, so that a restart ends none; empty: it ends them.
  Web(World world, Desk& desk, Log& log, TaskGroup& tasks, const ServerSettings& server, const std::string& key_file = "");
  ~Web();
  std::string address() const;                                         // "127.0.0.1:9780", the port as bound
  void reload(const ServerSettings& server, ServerIdentity identity);  // tokens, certificate; it waits for no file
  void stop();                                                         // takes nothing more; the answers under way are given
  // After stop(): waits for those answers, for so long at the most.
  Task<void> answered(Duration patience);

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace drwatch
