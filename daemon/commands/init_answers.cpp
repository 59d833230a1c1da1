// SPDX-License-Identifier: Apache-2.0
// What is wrong with the answers to init: told before anything is written.
#include "daemon/commands/init_answers.hpp"

#include "config/rows/cron.hpp"
#include "config/rows/pattern.hpp"
#include "config/rows/text.hpp"
#include "daemon/commands/init.hpp"

#include <algorithm>
#include <string_view>

namespace drwatch::commands {

Target target_of(const std::string& url) {
  Target target;
  const auto scheme = url.find("://");
  target.tls = lower(url.substr(0, scheme)) == "https";
  std::string rest = url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const auto bracket = rest.find(']');
  const auto colon = rest.find(':', bracket == rest.npos ? 0 : bracket);
  target.host = rest.substr(0, colon);
  target.port = colon == rest.npos ? (target.tls ? "443" : "80") : rest.substr(colon + 1);
  return target;
}

bool is_dns_name(const std::string& host) {
  const auto last = host.rfind('.');
  return last != host.npos && last + 1 < host.size() && host.find_first_of("[:") == host.npos &&
         host.find_first_not_of("0123456789", last + 1) != host.npos;
}

Job job_of(const std::string& said) {
  const auto equals = said.find('=');
  Job job{said.substr(0, equals), "", ""};
  const std::string when = equals == said.npos ? "1h" : said.substr(equals + 1);
  (when.find(' ') != when.npos || when.starts_with('@') ? job.schedule : job.period) = when;
  return job;
}

std::string before_colon(const std::string& text) { return text.substr(0, text.find(':')); }
std::string behind_colon(const std::string& text) {
  const auto colon = text.find(':');
  return colon == text.npos ? "" : text.substr(colon + 1);
}

namespace {

bool has_control(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string job_misfit(const std::string& said) {
  const Job job = job_of(said);
  if (!config::is_name(job.name)) return config::shown(job.name) + " is not a job's name; use a-z, 0-9 and '-', beginning with a letter";
  if (!job.schedule.empty()) {
    std::string error;
    return Cron::parse(job.schedule, "UTC", &error) ? "" : "the job's schedule " + config::shown(job.schedule) + ": " + error;
  }
  const auto period = parse_duration(job.period);
  return period && *period >= seconds{1} ? ""
                                         : config::shown(job.period) + " is no period; write it like 15m, or a schedule like \"0 2 * * *\"";
}

std::string backup_misfit(const InitAnswers& answers) {
  const std::string kind = before_colon(answers.backup), rest = behind_colon(answers.backup);
  if (kind == "archiver")
    return !rest.empty() && rest.front() != '/' ? "the archive's folder is not an absolute path; begin it with /" : "";
  if (kind == "pgbackrest") return rest.empty() ? "the stanza is missing; write pgbackrest:STANZA" : "";
  if (kind == "file") return rest.empty() || rest.front() != '/' ? "the dumps' folder is missing; write file:/FOLDER" : "";
  if (answers.backup == "supabase" || answers.backup == "supabase-pitr")
    return answers.supabase.empty() ? "Supabase's backups belong to a project; name it with --supabase" : "";
  const auto near = config::nearest(kind, {"archiver", "pgbackrest", "file", "supabase", "supabase-pitr"});
  return config::shown(answers.backup) + " is no source of backups; " +
         (near ? "did you mean '" + *near + "'?" : "use archiver[:FOLDER], pgbackrest:STANZA, file:FOLDER, supabase or supabase-pitr");
}

std::string duration_misfit(const std::string& what, const std::string& text) {
  const auto duration = parse_duration(text);
  return duration && *duration >= seconds{1} ? "" : what + " " + config::shown(text) + " is no duration; write it like 4h or 30m";
}

std::string url_misfit(const std::string& what, const std::string& url) {
  if (url.empty()) return "";
  if (const auto wrong = config::misfit("http-url", url))
    return what + " " + config::shown(url) + ": " + wrong->message + "; " + wrong->hint;
  return config::holds_a_secret(url) ? what + " holds a password or token; give the address without it" : "";
}

// Names that init gives itself, and words of conditions; components, probes and signals share one set of names.
constexpr std::string_view taken =
    " any is not all most of database connections integrity backups auth security gateway domain api hosting cron providers supabase "
    "serving "
    "core internet internet-too resolver primary connection-limit sentinel wal-archive login-settings forged-token project-gateway "
    "database-provider home endpoint app-dns app-certificate breach-suspected corruption-suspected deletion-suspected leak-suspected "
    "ransomware-suspected ";

}  // namespace

bool nothing_to_watch(const InitAnswers& a) {
  return a.site.empty() && a.endpoint.empty() && a.dsn.empty() && a.supabase.empty() && a.jobs.empty();
}

std::string init_misfit(const InitAnswers& a) {
  const std::vector<std::string> texts = {a.site,   a.endpoint, a.dsn,     a.supabase,  a.alertmanager,
                                          a.backup, a.pager,    a.deadman, a.public_url};
  if (std::any_of(texts.begin(), texts.end(), has_control) || std::any_of(a.jobs.begin(), a.jobs.end(), has_control))
    return "an answer has more than one line, or control characters; give each as one line";
  for (const auto& [what, url] : {std::pair("the site", a.site), std::pair("the endpoint", a.endpoint),
                                  std::pair("the Alertmanager's address", a.alertmanager), std::pair("the public URL", a.public_url)})
    if (auto wrong = url_misfit(what, url); !wrong.empty()) return wrong;
  for (const auto& [what, url] : {std::pair("the pager's", a.pager), std::pair("the deadman's", a.deadman)})
    if (!url.empty() && config::misfit("http-url", url))
      return std::string(what) + " file does not hold an address; write https://... into it";
  if (!a.supabase.empty() && a.supabase.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") != a.supabase.npos)
    return config::shown(a.supabase) + " is no project; give the first part of PROJECT.supabase.co";
  if (!a.backup.empty()) {
    if (auto wrong = backup_misfit(a); !wrong.empty()) return wrong;
    if (a.dsn.empty()) return "backups protect the database, and there is none; name it with --postgres";
  }
  std::vector<std::string> names;
  for (const auto& job : a.jobs) {
    if (auto wrong = job_misfit(job); !wrong.empty()) return wrong;
    names.push_back(job_of(job).name);
    if (taken.find(" " + names.back() + " ") != taken.npos)
      return config::shown(names.back()) + " is the name of something else; call the job otherwise";
    if (std::count(names.begin(), names.end(), names.back()) > 1)
      return config::shown(names.back()) + " is named twice; give each job its own name";
  }
  if (auto wrong = duration_misfit("the RTO", a.rto); !wrong.empty()) return wrong;
  return duration_misfit("the RPO", a.rpo);
}

}  // namespace drwatch::commands
