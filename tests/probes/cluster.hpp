// SPDX-License-Identifier: Apache-2.0
// A real PostgreSQL of its own on loopback, archiving into a folder, gone when the test ends.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace drwatch::testing {

class Cluster {
 public:
  // `more`: lines of postgresql.conf; `initdb`: options of it.
  explicit Cluster(const std::vector<std::string>& more = {},
                   const std::string& initdb =
                       "");  // started; segments of 1 MB, so that they fill soon. Fails the test when PostgreSQL is not installed.
  ~Cluster();
  Cluster(const Cluster&) = delete;

  std::string dsn(const std::string& user) const;  // without a password: trusted
  const std::string& archive() const { return archive_; }

  std::string sql(const std::string& statement);                // as superuser; what psql prints
  void script(const std::string& text);                         // the same, many statements, stopping at the first error
  void set(const std::string& name, const std::string& value);  // ALTER SYSTEM and reload, until it is seen
  void archive_with(const std::string& command) { set("archive_command", command); }
  std::string switch_segment();  // writes something and returns the name of the segment that it closed
  void base_backup();
  void stop();
  void crash();  // no shutdown: what was in memory is gone
  void start();

  std::string store_command() const { return "cp %p " + archive_ + "/%f"; }
  const std::string& folder() const { return folder_; }
  int port() const { return port_; }
  const std::string& bin() const { return bin_; }  // of PostgreSQL's programs, with a slash
  std::string as_owner(
      const std::string& command) const;  // runs it as the cluster's owner, in its folder; what it printed. Throws when it fails

 private:
  std::string folder_, archive_, bin_;
  int port_ = 0, backups_ = 0;
  bool running_ = false;
};

// A streaming standby of it, in the same folder.
class Standby {
 public:
  Standby(Cluster& primary, std::string name);  // base backup, slot and application_name of this name; started, and connected
  ~Standby();
  Standby(const Standby&) = delete;

  std::string dsn(const std::string& user) const;
  std::string sql(const std::string& statement);
  void start();
  void stop();

 private:
  std::string data() const { return primary_.folder() + "/" + name_; }
  Cluster& primary_;
  std::string name_;
  int port_;
  bool running_ = false;
};

int free_port();

// Asks again until it is so; fails the test after 20 s.
void await(const std::string& what, const std::function<bool()>& so);

}  // namespace drwatch::testing
