// SPDX-License-Identifier: Apache-2.0
// drwatch init: what is written is complete before the first file of it is.
#include "daemon/commands/init.hpp"

#include "config/rows/files.hpp"
#include "config/settings.hpp"
#include "daemon/commands/shipped.hpp"
#include "daemon/commands/text.hpp"
#include "probes/probe.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>

namespace drwatch::commands {

namespace fs = std::filesystem;

namespace {

constexpr const char* default_folder = "/etc/drwatch";
constexpr const char* default_drop_in = "/etc/systemd/system/drwatch.service.d/credentials.conf";

std::string errno_words() { return std::strerror(errno); }

// A folder of its own, gone with it.
class Temporary {
 public:
  Temporary() {
    std::error_code none;
    const fs::path place = fs::temp_directory_path(none);
    if (none) throw CommandRefused("there is no folder for temporary files: " + none.message() + "; look at TMPDIR");
    std::string name = (place / "drwatch-init-XXXXXX").string();
    if (!mkdtemp(name.data())) throw CommandRefused("no temporary folder can be made: " + errno_words() + "; look at TMPDIR");
    path_ = name;
  }
  ~Temporary() {
    std::error_code no_matter;
    fs::remove_all(path_, no_matter);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Written whole or not at all, with its mode from the first byte on.
void write_file(const fs::path& path, const std::string& text, mode_t mode) {
  const std::string made = path.string() + ".new";
  unlink(made.c_str());
  const int file = open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (file < 0)
    throw CommandRefused(path.string() + " cannot be written: " + errno_words() + "; run it as root, or give another folder with --to");
  bool good = fchmod(file, mode) == 0;
  for (std::size_t at = 0; good && at < text.size();) {
    const auto some = write(file, text.data() + at, text.size() - at);
    good = some > 0 || (some < 0 && errno == EINTR);
    if (some > 0) at += static_cast<std::size_t>(some);
  }
  good = good && fsync(file) == 0;
  good = close(file) == 0 && good;
  if (good && std::rename(made.c_str(), path.c_str()) == 0) return;
  const std::string because = errno_words();
  unlink(made.c_str());
  throw CommandRefused(path.string() + " cannot be written: " + because + "; is the disk full?");
}

void make_folder(const fs::path& path, mode_t mode) {
  std::error_code error;
  if (fs::is_directory(path, error)) return;
  fs::create_directories(path.parent_path(), error);
  if (mkdir(path.c_str(), mode) != 0 || chmod(path.c_str(), mode) != 0)
    throw CommandRefused(path.string() + " cannot be made: " + errno_words() + "; run it as root, or give another folder with --to");
}

// Takes out, with the reason, what cannot be loaded beside the main file, until all that is left can; and of the rest the parts that are
// about what is not watched. A scenario is only worth its place while its trigger can hold.
std::vector<LeftOut> keep_the_whole(const std::string& main, Texts& texts) {
  const Temporary folder;
  const auto write = [&folder](const std::string& name, const std::string& text) {
    make_folder((folder.path() / name).parent_path(), 0700);
    write_file(folder.path() / name, text, 0600);
  };
  write("drwatch.toml", main);
  for (const auto& [name, text] : texts) write("scenarios/" + name, text);
  std::vector<LeftOut> left_out;
  const auto kinds = kind_schemas();
  for (;;) {
    config::Problems problems;
    config::load((folder.path() / "drwatch.toml").string(), kinds, {}, problems);
    bool again = false;
    for (const auto& problem : problems.all()) {
      if (problem.level != config::Problem::Level::error) continue;
      const std::string name = fs::path(problem.place.file).filename().string();
      if (!texts.erase(name)) {
        if (again) continue;  // of another problem of one that is out by now
        if (std::any_of(left_out.begin(), left_out.end(), [&](const LeftOut& out) { return out.scenario + ".toml" == name; })) continue;
        throw CommandRefused("the answers make no configuration: " + config::problem_text(problem) + "; give another answer there");
      }
      fs::remove(folder.path() / "scenarios" / name);
      left_out.push_back({name.substr(0, name.rfind('.')), problem.message});
      again = true;
    }
    if (again) continue;
    const Texts before = texts;
    cut_what_is_left_out(problems.all(), (folder.path() / "scenarios/").string(), texts);
    if (texts == before) break;
    for (const auto& [name, text] : texts)
      if (text != before.at(name)) write("scenarios/" + name, text);
  }
  std::sort(left_out.begin(), left_out.end(), [](const LeftOut& a, const LeftOut& b) { return a.scenario < b.scenario; });
  return left_out;
}

bool can_be_in_a_unit(const std::string& path) {
  return path.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@") == path.npos;
}

// A file with one secret in it.
std::string from_file(const std::string& path, const std::string& what) {
  if (path.empty()) return "";
  auto [text, error] = config::read_file(path, 1 << 16);
  if (!text) throw CommandRefused(path + " cannot be read: " + error + "; name the file that holds " + what);
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->find_first_not_of(" \t") == text->npos) throw CommandRefused(path + " is empty; write " + what + " into it");
  return *text;
}

InitAnswers answers_of(const InitOptions& o) {
  InitAnswers a;
  a.site = o.site, a.endpoint = o.endpoint, a.supabase = o.supabase, a.alertmanager = o.alertmanager, a.backup = o.backup;
  a.jobs = o.jobs, a.public_url = o.public_url, a.rto = o.rto, a.rpo = o.rpo;
  a.dsn = from_file(o.postgres, "the connection string");
  a.pager = from_file(o.pager, "the address that takes the alerts");
  a.deadman = from_file(o.deadman, "the address that is called");
  return a;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  const auto is = fs::symlink_status(path, error);
  return is.type() != fs::file_type::not_found;
}

struct Written {
  std::string path;
  bool secret = false, kept = false;
};

std::vector<Written> write_all(const InitPlan& plan, const fs::path& folder, const fs::path& drop_in, bool force) {
  std::vector<std::string> there;
  for (const auto& file : plan.files)
    if (is_there(folder / file.name)) there.push_back((folder / file.name).string());
  if (is_there(drop_in)) there.push_back(drop_in.string());
  if (!there.empty() && !force)
    throw CommandRefused(there.front() + (there.size() > 1 ? " and " + std::to_string(there.size() - 1) + " more are there" : " is there") +
                         " already, and nothing was written; --force overwrites (a secret only with one that you give)");
  make_folder(folder, 0755);
  make_folder(folder / "credentials", 0700);
  make_folder(folder / "scenarios", 0755);
  make_folder(folder / "scenarios" / "shared", 0755);
  make_folder(drop_in.parent_path(), 0755);
  std::vector<Written> written;
  for (const auto& file : plan.files) {
    const fs::path path = folder / file.name;
    const bool kept = file.secret && !file.given && is_there(path);
    if (!kept) write_file(path, file.text, file.secret ? 0600 : 0644);
    written.push_back({path.string(), file.secret, kept});
  }
  write_file(drop_in, plan.drop_in, 0644);
  written.push_back({drop_in.string(), false, false});
  return written;
}

std::vector<std::string> next_lines(const InitPlan& plan, const InitAnswers& answers, const fs::path& folder, const fs::path& drop_in) {
  std::vector<std::string> lines;
  for (const auto& file : plan.files)
    if (file.secret && file.text.empty()) lines.push_back("editor " + (folder / file.name).string() + "   # " + file.what);
  if (!answers.dsn.empty())
    lines.push_back("drwatch sql | psql ...   # once, as an administrator of the database: what drwatch's role needs there");
  const std::string config = (folder / "drwatch.toml").string();
  lines.push_back("drwatch check --config " + config);
  lines.push_back("drwatch probe --config " + config);
  lines.push_back("drwatch serve --config " + config + "   # by hand, to look at it; or as a service:");
  if (drop_in == default_drop_in)
    lines.push_back("systemctl daemon-reload && systemctl enable --now drwatch");
  else
    lines.push_back("install -D -m 0644 " + drop_in.string() + " " + default_drop_in +
                    "   # then systemctl daemon-reload && systemctl enable --now drwatch");
  lines.push_back("drwatch doctor --config " + config);
  return lines;
}

}  // namespace

InitPlan init_plan(const InitAnswers& answers, const std::string& folder) {
  InitPlan plan;
  const std::string main = init_configuration(answers);
  Texts texts;
  for (const auto& [name, text] : shipped_scenarios()) texts.emplace(name, text);
  plan.left_out = keep_the_whole(main, texts);
  plan.files.push_back({"drwatch.toml", main});
  std::set<std::string> shared;
  for (const auto& [name, text] : texts) {
    if (name.starts_with("shared/")) continue;
    plan.files.push_back({"scenarios/" + name, text});
    plan.scenarios.push_back(name.substr(0, name.rfind('.')));
    shared.merge(included(text));
  }
  for (const auto& name : shared)
    if (const auto at = texts.find(name); at != texts.end()) plan.files.push_back({"scenarios/" + name, at->second});
  for (auto& file : plan.files)
    if (const auto at = file.name.starts_with("scenarios/") ? shipped_scenarios().find(file.name.substr(10)) : shipped_scenarios().end();
        at != shipped_scenarios().end() && at->second != file.text)
      file.text.insert(0, "# Without what is not watched here; the whole: /etc/drwatch/scenarios-available/" + file.name.substr(10) + "\n");
  const auto credentials = init_credentials(answers);
  plan.files.insert(plan.files.end(), credentials.begin(), credentials.end());
  plan.drop_in = init_drop_in(credentials, folder);
  return plan;
}

int init(const InitOptions& options) {
  InitAnswers answers = answers_of(options);
  if (auto wrong = init_misfit(answers); !wrong.empty()) throw CommandRefused(wrong);
  if (nothing_to_watch(answers)) {
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || options.json)
      throw CommandRefused("nothing is there to be watched; say what there is, with --site, --postgres and the like (drwatch init --help)");
    answers = ask_on_terminal(std::move(answers));
    if (auto wrong = init_misfit(answers); !wrong.empty()) throw CommandRefused(wrong);
    if (nothing_to_watch(answers)) throw CommandRefused("nothing is there to be watched; nothing was written");
  }
  const fs::path folder = fs::absolute(options.to.empty() ? default_folder : options.to).lexically_normal();
  std::string plain = folder.string();
  if (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  if (!can_be_in_a_unit(plain))
    throw CommandRefused(config::shown(plain) + " cannot stand in a unit; use letters, digits and ._-+@ in the folder's name");
  const fs::path drop_in = !options.drop_in.empty()  ? fs::absolute(options.drop_in)
                           : plain == default_folder ? fs::path(default_drop_in)
                                                     : fs::path(plain) / "drwatch.service.d" / "credentials.conf";
  const InitPlan plan = init_plan(answers, plain);
  const auto written = write_all(plan, plain, drop_in, options.force);
  const auto next = next_lines(plan, answers, plain, drop_in);
  if (options.json) {
    Json document{{"files", Json::array()}, {"scenarios", plan.scenarios}, {"left_out", Json::array()}, {"next", next}};
    for (const auto& file : written) document["files"].push_back({{"path", file.path}, {"secret", file.secret}, {"kept", file.kept}});
    for (const auto& out : plan.left_out) document["left_out"].push_back({{"scenario", out.scenario}, {"because", out.because}});
    print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return 0;
  }
  for (const auto& file : written)
    print((file.kept ? "kept     " : "written  ") + file.path + (file.secret ? "   (for root alone)" : "") + "\n");
  const bool one = plan.scenarios.size() == 1;
  print("\n" + std::to_string(plan.scenarios.size()) + (one ? " scenario of the runbook fits" : " scenarios of the runbook fit") +
        " what is watched. Not written:\n");
  for (const auto& out : plan.left_out) print("  " + out.scenario + ": " + out.because + "\n");
  print("\nNext:\n");
  for (const auto& line : next) print("  " + line + "\n");
  return 0;
}

}  // namespace drwatch::commands
