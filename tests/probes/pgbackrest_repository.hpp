// SPDX-License-Identifier: Apache-2.0
// A repository of pgBackRest that is made up, and the program that is asked for it.
#pragma once

#include <doctest/doctest.h>
#include <algorithm>
#include <random>
#include <set>
#include "probes/backup/pgbackrest/info.hpp"
#include "probes/backup/pgbackrest/verdict.hpp"
#include "probes/parts/wal_position.hpp"
#include "tests/probes/fake_world.hpp"

namespace backup_pgbackrest_test {

using namespace drwatch;
using namespace drwatch::testing;

inline constexpr std::uint64_t size = 16 << 20;
inline const std::string sha = "-36e9ff94054e8d0ab4895586cbf7c2c6dd0e5d83";
inline const std::string toml = "reads = \"pgbackrest\"\nstanza = \"main\"\n";
inline constexpr std::int64_t two_o_clock = 1772330400;  // FakeClock's time

inline std::string name(std::uint64_t number, std::uint32_t timeline = 1) { return segment_name({timeline, number}, size); }

struct Backup {
  std::uint64_t start, stop;
  std::string error = "false", label = "20260301-010000F", reference = "null";
  std::int64_t stopped = two_o_clock - 3600;
  std::uint32_t timeline = 1;
};

inline std::string text_of(const Backup& b) {
  return R"({"archive":{"start":")" + name(b.start, b.timeline) + R"(","stop":")" + name(b.stop, b.timeline) +
         R"("},"backrest":{"format":5,"version":"2.45"},"database":{"id":1,"repo-key":1},"error":)" + b.error +
         R"(,"info":{"delta":36910925,"repository":{"delta":8554785,"size":8554785},"size":36910925},"label":")" + b.label +
         R"(","lsn":{"start":")" + lsn_text(b.start * size + 0x28) + R"(","stop":")" + lsn_text(b.stop * size + 0x100) +
         R"("},"prior":null,"reference":)" + b.reference + R"(,"timestamp":{"start":)" + std::to_string(b.stopped - 3) + R"(,"stop":)" +
         std::to_string(b.stopped) + R"(},"type":"full"})";
}

inline std::string info_text(const std::vector<Backup>& backups, int code = 0, const std::string& message = "ok") {
  std::string list;
  for (const Backup& b : backups) list += (list.empty() ? "" : ",") + text_of(b);
  return R"([{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"00000001000000000000000F","min":"000000010000000000000001"}],"backup":[)" +
         list +
         R"(],"cipher":"none","db":[{"id":1,"repo-key":1,"system-id":7711082846122671425,"version":"15"}],"name":"main","repo":[{"cipher":"none","key":1,"status":{"code":)" +
         std::to_string(code) + R"(,"message":")" + message + R"("}}],"status":{"code":)" + std::to_string(code) +
         R"(,"lock":{"backup":{"held":false}},"message":")" + message + R"("}}])";
}

// A repository of folders of files, answering as the program does.
struct Repository {
  std::string info = info_text({{4, 4}});
  std::map<std::string, std::map<std::string, std::string>> folders;  // folder -> file -> its JSON
  std::map<std::string, std::string> contents;                        // of .history files
  std::set<std::string> removed;                                      // backups whose folders are not there
  int listed = 0;

  void add(const std::string& folder, const std::string& file, std::uint64_t bytes, std::int64_t time) {
    folders[folder][file] = R"({"type":"file","size":)" + std::to_string(bytes) + R"(,"time":)" + std::to_string(time) + "}";
  }
  void hold(std::uint64_t from, std::uint64_t to, std::uint32_t timeline = 1, std::int64_t time = two_o_clock - 300) {
    for (auto n = from; n <= to; ++n) add(name(n, timeline).substr(0, 16), name(n, timeline) + sha + ".gz", 11951, time);
  }
  void drop(std::uint64_t n, std::uint32_t timeline = 1) {
    folders[name(n, timeline).substr(0, 16)].erase(name(n, timeline) + sha + ".gz");
  }

  // The folders of all backups that `info` names, but those removed.
  std::string backups() const {
    std::string text = R"({".":{"type":"path"},"backup.info":{"type":"file","size":12,"time":1772300000})";
    for (std::size_t at = info.find("\"label\":\""); at != info.npos; at = info.find("\"label\":\"", at + 1)) {
      const std::string label = info.substr(at + 9, info.find('"', at + 9) - at - 9);
      if (!removed.count(label)) text += ",\"" + label + R"(":{"type":"path"})";
    }
    return text + "}\n";
  }

  Result<ExecResult> answer(const ExecRequest& request) {
    const auto has = [&](const std::string& word) { return std::find(request.argv.begin(), request.argv.end(), word); };
    ExecResult result;
    result.exit_code = 0;
    if (has("info") != request.argv.end()) {
      result.output = info;
    } else if (const auto get = has("repo-get"); get != request.argv.end()) {
      result.output = contents[get[1].substr(get[1].rfind('/') + 1)];
    } else {
      const std::string path = *(has("repo-ls") + 1);
      const std::string last = path.substr(path.rfind('/') + 1);
      if (path == "backup/main") {
        result.output = backups();
        return result;
      }
      ++listed;
      result.output = R"({".":{"type":"path"})";
      if (last == "15-1") {
        for (const auto& [folder, files] : folders) result.output += ",\"" + folder + R"(":{"type":"path"})";
        for (const auto& [file, content] : contents)
          result.output += ",\"" + file + R"(":{"type":"file","size":)" + std::to_string(content.size()) + R"(,"time":1772300000})";
      } else {
        for (const auto& [file, json] : folders[last]) result.output += ",\"" + file + "\":" + json;
      }
      result.output += "}\n";
    }
    return result;
  }
};

struct Seen {
  Repository repository;
  FakeWorld world;
  std::unique_ptr<Probe> probe = probe_of("backup", toml);
  Outcome run() {
    world.exec.answer = [this](const ExecRequest& request) { return repository.answer(request); };
    return world.run(*probe);
  }
};

inline bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

inline std::uint64_t safe_number(const Outcome& outcome) {
  REQUIRE(outcome.recovery);
  REQUIRE(outcome.recovery->safe);
  return outcome.recovery->safe->lsn / size - 1;
}

}  // namespace backup_pgbackrest_test
