// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/cluster.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace drwatch::testing {
namespace {

namespace fs = std::filesystem;

std::string newest_bin() {
  fs::path best;
  if (fs::exists("/usr/lib/postgresql"))
    for (const auto& version : fs::directory_iterator("/usr/lib/postgresql"))
      if (fs::exists(version.path() / "bin/initdb") && version.path() > best) best = version.path();
  if (best.empty()) throw std::runtime_error("PostgreSQL is not installed: apt-get install postgresql-15");
  return (best / "bin").string() + "/";
}

std::string quoted(const std::string& word) {
  std::string made = "'";
  for (char c : word) made += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return made + "'";
}

std::string output_of(const std::string& command) {
  std::array<char, 4096> part{};
  std::string output;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) throw std::runtime_error("popen");
  while (const auto size = std::fread(part.data(), 1, part.size(), pipe)) output.append(part.data(), size);
  if (::pclose(pipe) != 0) throw std::runtime_error(command + ":\n" + output);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

}  // namespace

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

Cluster::Cluster(const std::vector<std::string>& more, const std::string& initdb) : bin_(newest_bin()) {
  std::string name = (fs::temp_directory_path() / "drwatch-probes-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
  folder_ = name;
  archive_ = folder_ + "/archive";
  if (::geteuid() == 0) output_of("chown postgres " + folder_);
  as_owner("mkdir " + archive_);
  as_owner(bin_ + "initdb -N -A trust -U postgres --wal-segsize=1 " + initdb + " -D " + folder_ + "/data");
  port_ = free_port();
  as_owner("printf '%s\\n' \"listen_addresses = '127.0.0.1'\" \"port = " + std::to_string(port_) + "\" \"unix_socket_directories = '" +
           folder_ + "'\" \"fsync = off\" \"archive_mode = on\" \"archive_timeout = 60\" \"archive_command = '" + store_command() +
           "'\" >> " + folder_ + "/data/postgresql.conf");
  for (const std::string& line : more) as_owner("printf '%s\\n' " + quoted(line) + " >> " + folder_ + "/data/postgresql.conf");
  start();
}

Cluster::~Cluster() {
  try {
    if (running_) stop();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string Cluster::as_owner(const std::string& command) const {
  const std::string in_shell = "sh -c " + quoted("cd " + folder_ + " && " + command);
  return output_of(::geteuid() == 0 ? "runuser -u postgres -- " + in_shell : in_shell);
}

void Cluster::start() {
  as_owner(bin_ + "pg_ctl -w -t 20 -D " + folder_ + "/data -l " + folder_ + "/log start");
  running_ = true;
}

void Cluster::stop() {
  running_ = false;
  as_owner(bin_ + "pg_ctl -w -t 20 -m fast -D " + folder_ + "/data stop");
}

void Cluster::crash() {
  running_ = false;
  as_owner(bin_ + "pg_ctl -w -t 20 -m immediate -D " + folder_ + "/data stop");
}

std::string Cluster::dsn(const std::string& user) const {
  return "host=127.0.0.1 port=" + std::to_string(port_) + " dbname=postgres user=" + user;
}

std::string Cluster::sql(const std::string& statement) {
  return as_owner(bin_ + "psql -X -A -t -v ON_ERROR_STOP=1 -d " + quoted(dsn("postgres")) + " -c " + quoted(statement));
}

void Cluster::script(const std::string& text) {
  const std::string path = folder_ + "/script.sql";
  std::ofstream(path) << text;
  as_owner(bin_ + "psql -X -q -v ON_ERROR_STOP=1 -d " + quoted(dsn("postgres")) + " -f " + path);
}

void Cluster::set(const std::string& name, const std::string& value) {
  script("ALTER SYSTEM SET " + name + " = '" + value + "'; SELECT pg_reload_conf();");
  await(name + " = " + value, [&] { return sql("SHOW " + name) == value; });
}

std::string Cluster::switch_segment() {
  return sql("SELECT pg_walfile_name(pg_switch_wal()) FROM pg_logical_emit_message(true, 'drwatch', 'something to archive')");
}

void Cluster::base_backup() {
  as_owner(bin_ + "pg_basebackup -N -c fast -X none --no-manifest -D " + folder_ + "/base" + std::to_string(++backups_) + " -d " +
           quoted(dsn("postgres")));
}

Standby::Standby(Cluster& primary, std::string name) : primary_(primary), name_(std::move(name)), port_(free_port()) {
  primary_.as_owner(primary_.bin() + "pg_basebackup -N -R -X stream -c fast --no-manifest -C -S " + name_ + " -D " + data() + " -d " +
                    quoted(primary_.dsn("postgres")));
  primary_.as_owner("printf '%s\\n' \"port = " + std::to_string(port_) + "\" \"cluster_name = '" + name_ +
                    "'\" \"archive_mode = off\" \"wal_receiver_status_interval = 1\" \"wal_retrieve_retry_interval = 100\" >> " + data() +
                    "/postgresql.conf");
  start();
  await("the standby streams", [&] {
    return primary_.sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND application_name = '" + name_ + "'") == "1";
  });
}

Standby::~Standby() {
  try {
    if (running_) stop();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
  }
}

std::string Standby::dsn(const std::string& user) const {
  return "host=127.0.0.1 port=" + std::to_string(port_) + " dbname=postgres user=" + user;
}

std::string Standby::sql(const std::string& statement) {
  return primary_.as_owner(primary_.bin() + "psql -X -A -t -v ON_ERROR_STOP=1 -d " + quoted(dsn("postgres")) + " -c " + quoted(statement));
}

void Standby::start() {
  primary_.as_owner(primary_.bin() + "pg_ctl -w -t 20 -D " + data() + " -l " + data() + "/log start");
  running_ = true;
}

void Standby::stop() {
  running_ = false;
  primary_.as_owner(primary_.bin() + "pg_ctl -w -t 20 -m fast -D " + data() + " stop");
}

void await(const std::string& what, const std::function<bool()>& so) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!so()) {
    if (std::chrono::steady_clock::now() > until) FAIL("never came: " << what);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace drwatch::testing
