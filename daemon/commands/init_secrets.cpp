// SPDX-License-Identifier: Apache-2.0
// The secrets that init writes: given, made up, or left for somebody to fill in; and how the unit comes by them.
#include "daemon/commands/init.hpp"
#include "daemon/commands/init_answers.hpp"

#include <sys/random.h>

namespace drwatch::commands {

namespace {

// 32 bytes that nobody can guess, as hex.
std::string made_up() {
  unsigned char bytes[32];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) throw CommandRefused("the system gives no random bytes; try again");
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) text += {digits[byte >> 4], digits[byte & 15]};
  return text;
}

}  // namespace

std::vector<InitFile> init_credentials(const InitAnswers& a) {
  std::map<std::string, InitFile> files;
  const auto add = [&files](const std::string& name, const std::string& value, bool given, const std::string& what) {
    files[name] = {"credentials/" + name, value.empty() ? "" : value + "\n", true, given, what};
  };
  add("oncall-token", made_up(), false, "");
  add("admin-token", made_up(), false, "");
  if (!a.dsn.empty()) add("primary-dsn", a.dsn, true, "");
  if (!a.pager.empty()) add("pager-url", a.pager, true, "");
  if (!a.deadman.empty()) add("deadman-url", a.deadman, true, "");
  if (!a.supabase.empty()) add("publishable-key", "", false, "the project's publishable (anon) key");
  if (!a.supabase.empty()) add("forged-token", made_up(), false, "");
  if (a.backup.starts_with("supabase"))
    add("management-token", "", false, "an access token of Supabase that may read the project's backups");
  for (const auto& job : a.jobs) add("job-" + job_of(job).name, made_up(), false, "");
  std::vector<InitFile> all;
  for (auto& [name, file] : files) all.push_back(std::move(file));
  return all;
}

std::string init_drop_in(const std::vector<InitFile>& credentials, const std::string& folder) {
  std::string text = "# Written by `drwatch init`: the secrets that " + folder +
                     "/drwatch.toml names. They stay readable by root alone.\n" +
                     "# After a change here: systemctl daemon-reload && systemctl restart drwatch\n[Service]\n";
  if (folder != "/etc/drwatch") text += "ExecStart=\nExecStart=/usr/bin/drwatch serve --config " + folder + "/drwatch.toml\n";
  for (const auto& file : credentials) {
    const std::string name = file.name.substr(file.name.find('/') + 1);
    text += "LoadCredential=" + name + ":" + folder + "/" + file.name + "\n";
  }
  return text;
}

}  // namespace drwatch::commands
