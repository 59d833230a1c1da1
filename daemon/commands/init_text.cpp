// SPDX-License-Identifier: Apache-2.0
// The texts that init writes. Names are those of the configuration that ships, since the scenarios speak of them.
#include "daemon/commands/init.hpp"
#include "daemon/commands/init_answers.hpp"

namespace drwatch::commands {

namespace {

std::string quoted(const std::string& text) {
  std::string all = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') all += '\\';
    all += c;
  }
  return all + "\"";
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + quoted(name);
  return "[" + all + "]";
}

// What of the platform is there, by the names that the shipped scenarios use.
struct Parts {
  explicit Parts(const InitAnswers& a)
      : site(!a.site.empty()),
        api(!a.endpoint.empty()),
        database(!a.dsn.empty()),
        supabase(!a.supabase.empty()),
        backups(!a.backup.empty()),
        cron(!a.jobs.empty()) {
    named = (site && is_dns_name(target_of(a.site).host)) || (!site && api && is_dns_name(target_of(a.endpoint).host));
  }
  bool site, api, database, supabase, backups, cron;
  bool named = false;  // there is a name of the DNS to watch

  std::vector<std::string> those(const std::vector<std::string>& names) const {
    std::vector<std::string> kept;
    for (const auto& name : names)
      if (there(name)) kept.push_back(name);
    return kept;
  }
  bool there(const std::string& name) const {
    if (name == "database" || name == "connections" || name == "integrity") return database;
    if (name == "auth" || name == "security" || name == "gateway" || name == "providers") return supabase;
    if (name == "api") return api;
    if (name == "hosting") return site;
    if (name == "domain") return named;
    if (name == "backups") return backups;
    return name == "cron" && cron;
  }
};

class Writer {
 public:
  explicit Writer(const InitAnswers& answers) : a_(answers), parts_(answers) {}

  std::string text() {
    head();
    objectives();
    alerting();
    witnesses();
    components();
    if (parts_.database) database();
    if (parts_.backups) backups();
    if (parts_.supabase) supabase();
    if (parts_.site || parts_.api) pages();
    if (parts_.named) name();
    for (const auto& job : a_.jobs) job_probe(job_of(job));
    if (parts_.cron) put("");
    tail();
    return std::move(text_);
  }

 private:
  void put(const std::string& line) { text_ += line + "\n"; }

  void head() {
    put("# drwatch's configuration, written by `drwatch init`: a beginning, to be changed. Every setting: man drwatch.toml.");
    put("# drwatch check --config FILE     every problem at once");
    put("# drwatch probe --config FILE     every probe once, now: what it asked, what came");
    put("# drwatch doctor --config FILE    what is still missing");
    put("");
    put("[server]");
    put("listen = \"127.0.0.1:9780\"          # a reverse proxy with TLS before it lets others in");
    if (a_.public_url.empty())
      put("# public_url = \"https://drwatch.example.org\"   # how links in alerts begin; with it, reading needs a token as well");
    else
      put("public_url = " + quoted(a_.public_url) + "   # how links in alerts begin; reading needs a token");
    put("[server.tokens.oncall]              # one table for each person or system: its name is recorded with all that it does");
    put("role   = \"responder\"");
    put("secret = { credential = \"oncall-token\" }");
    put("[server.tokens.platform]");
    put("role   = \"admin\"");
    put("secret = { credential = \"admin-token\" }");
    put("");
  }

  void objectives() {
    put("[recovery]");
    put("rto = " + quoted(a_.rto) + "                          # so long recovery may take; a scenario may say otherwise");
    put("rpo = " + quoted(a_.rpo) +
        "                          # so much may be lost when a machine is lost, or data is deleted by mistake");
    put("");
  }

  void alerting() {
    if (!a_.alertmanager.empty() || !a_.pager.empty()) {
      put("[alertmanager]");
      if (!a_.alertmanager.empty()) put("urls     = [" + quoted(a_.alertmanager) + "]");
      if (!a_.pager.empty()) put("fallback = [\"pager\"]                # told when no Alertmanager has taken an alert for a minute");
    }
    if (!a_.pager.empty()) {
      put("[channel.pager]");
      put("kind = \"webhook\"");
      put("url  = { credential = \"pager-url\" }");
    }
    if (!a_.deadman.empty()) {
      put("[deadman]                           # called every minute while drwatch watches: whoever misses the call pages");
      put("url = { credential = \"deadman-url\" }");
    }
    put("");
  }

  void witnesses() {
    put("# Outside the platform: when most of these fail, it is drwatch that cannot see, and it calls nothing down.");
    put("[witness]");
    put("probes = [\"internet\", \"internet-too\", \"resolver\"]");
    put("[probe.internet]");
    put("kind   = \"tcp\"");
    put("target = \"1.1.1.1:443\"");
    put("[probe.internet-too]");
    put("kind   = \"tcp\"");
    put("target = \"9.9.9.9:443\"");
    put("[probe.resolver]");
    put("kind = \"dns\"");
    put("name = \"iana.org\"");
    put("");
  }

  void component(const std::string& name, const std::string& title, const std::vector<std::string>& depends_on, bool in_supabase = false) {
    if (!parts_.there(name)) return;
    put("[component." + name + "]");
    put("title      = " + quoted(title));
    if (const auto there = parts_.those(depends_on); !there.empty()) put("depends_on = " + quoted_list(there));
    if (in_supabase && parts_.supabase) put("lies_in    = [\"supabase\"]            # all that is there is lost together");
  }

  void set(const std::string& name, const std::vector<std::string>& members) {
    const auto there = parts_.those(members);
    if (there.size() < 2) return;
    put("[set." + name + "]");
    put("members = " + quoted_list(there));
  }

  void components() {
    put("# What fails and is recovered as one. While something that it depends on is down, that explains it.");
    component("database", "Database", {}, true);
    component("connections", "Connections to the database", {"database"}, true);
    component("integrity", "Stored data", {"database"});
    component("backups", "Backups", {"database"});
    component("auth", "Login", {"database", "connections"}, true);
    component("security", "What must be refused", {"auth"});
    component("gateway", "The project's gateway", {}, true);
    component("domain", "Names and certificates", {});
    component("api", "Endpoints", {"database", "connections", "auth", "domain"});
    component("hosting", "Hosting", {"domain"});
    component("cron", "Scheduled jobs", {"hosting", "database"});
    component("providers", "Providers' status pages", {});
    put("");
    // Among few, the database and its connections would be most of all that serves: its fault alone would look like a complete outage.
    const bool few = parts_.those({"database", "auth", "api", "hosting"}).size() < 3;
    set("serving", few ? std::vector<std::string>{"database", "auth", "api", "hosting"}
                       : std::vector<std::string>{"database", "connections", "auth", "api", "hosting"});
    set("core", {"database", "auth", "api"});
    put("");
  }

  void database() {
    put("# The database. `drwatch sql` prints what drwatch's role needs there: run that once.");
    put("[probe.primary]");
    put("component = \"database\"");
    put("kind      = \"postgres\"");
    put("dsn       = { credential = \"primary-dsn\" }");
    put("canary    = true                    # a row written and committed in every run: recovery points are exact by it");
    put("[probe.connection-limit]");
    put("component            = \"connections\"");
    put("kind                 = \"postgres\"");
    put("dsn                  = { credential = \"primary-dsn\" }");
    put("connections_degraded = 0.8");
    put("connections_down     = 0.97");
    put("[probe.sentinel]");
    put("component = \"integrity\"");
    put("kind      = \"postgres\"");
    put("dsn       = { credential = \"primary-dsn\" }");
    put("sentinel  = true                    # a thousand rows that never change, hashed anew");
    put("interval  = \"1m\"");
    put("");
  }

  void backups() {
    const std::string kind = before_colon(a_.backup), rest = behind_colon(a_.backup);
    put("# How far the database could be restored. `survives` is yours to say: add \"region\" and \"account\" where the copies lie in "
        "another one.");
    put("[probe.wal-archive]");
    put("component = \"backups\"");
    put("kind      = \"backup\"");
    if (kind == "archiver") {
      put("reads     = \"pg_stat_archiver\"     # the archiver's own account ...");
      put("dsn       = { credential = \"primary-dsn\" }");
      if (rest.empty())
        put("# archive = \"/srv/wal-archive\"    # ... which is only believed where the archive itself can be listed from here");
      else
        put("archive   = " + quoted(rest) + "   # ... believed no further than this folder bears it out");
    } else if (kind == "pgbackrest") {
      put("reads     = \"pgbackrest\"");
      put("stanza    = " + quoted(rest));
      put("dsn       = { credential = \"primary-dsn\" }");
      put("interval  = \"1m\"");
    } else if (kind == "file") {
      put("reads     = \"file\"");
      put("folder    = " + quoted(rest));
      put("every     = \"24h\"                   # how often a dump comes: no RPO shorter than this can be met by it");
      put("interval  = \"5m\"");
      put("timeout   = \"4m\"                    # each new dump is read to its end, once");
    } else {
      put("reads     = \"supabase\"");
      put("project   = " + quoted(a_.supabase));
      put("token     = { credential = \"management-token\" }");
      put(a_.backup == "supabase-pitr"
              ? "pitr      = true"
              : "# pitr    = true                    # daily backups alone are up to a day old; with PITR say so here");
      put("interval  = \"5m\"");
    }
    put("protects  = \"database\"");
    put("survives  = [\"host\", \"logical\"]");
    put("");
  }

  void supabase() {
    const std::string address = "https://" + a_.supabase + ".supabase.co";
    put("# The Supabase project. The publishable key opens nothing that the project's pages do not open.");
    put("[probe.login-settings]");
    put("component = \"auth\"");
    put("kind      = \"http\"");
    put("target    = " + quoted(address + "/auth/v1/settings"));
    put("headers   = { apikey = { credential = \"publishable-key\" } }");
    put("status    = 200");
    put("json      = [{ pointer = \"/external\", exists = true }]");
    put("# That people can log in is only known by logging in. With an account of drwatch's own, without rights:");
    put("#   [probe.login]");
    put("#   component = \"auth\"");
    put("#   kind      = \"auth\"");
    put("#   target    = " + quoted(address + "/auth/v1"));
    put("#   api_key   = { credential = \"publishable-key\" }");
    put("#   user      = \"drwatch@example.org\"");
    put("#   password  = { credential = \"login-password\" }");
    put("#   interval  = \"1m\"");
    put("[probe.forged-token]                # a token that nobody issued has to be refused");
    put("component = \"security\"");
    put("kind      = \"http\"");
    put("asks      = \"refusal\"");
    put("target    = " + quoted(address + "/auth/v1/user"));
    put("headers   = { apikey = { credential = \"publishable-key\" } }");
    put("bearer    = { credential = \"forged-token\" }");
    put("status    = [401, 403]");
    put("[probe.project-gateway]");
    put("component = \"gateway\"");
    put("kind      = \"http\"");
    put("target    = " + quoted(address + "/auth/v1/health"));
    put("headers   = { apikey = { credential = \"publishable-key\" } }");
    put("status    = 200");
    put("[probe.database-provider]           # what the provider says of itself: evidence, never a cause");
    put("component   = \"providers\"");
    put("kind        = \"statuspage\"");
    put("target      = \"https://status.supabase.com\"");
    put("stale_after = \"30d\"                 # it is written when something happens");
    put("interval    = \"1m\"");
    put("");
  }

  void pages() {
    put("# What users come for.");
    if (parts_.site) {
      put("[probe.home]");
      put("component = \"hosting\"");
      put("kind      = \"http\"");
      put("target    = " + quoted(a_.site));
      put("status    = 200");
      put("# body_matches = \"</html>\"          # better: words that only your page has, and its end");
    }
    if (parts_.api) {
      put("[probe.endpoint]");
      put("component = \"api\"");
      put("kind      = \"http\"");
      put("target    = " + quoted(a_.endpoint));
      put("status    = 200");
      put("# json = [{ pointer = \"/status\", equals = \"ok\" }]   # better: a value that is only there when it works");
    }
    put("");
  }

  void name() {
    const Target target = target_of(parts_.site ? a_.site : a_.endpoint);
    put("# The name and its certificate.");
    put("[probe.app-dns]");
    put("component = \"domain\"");
    put("kind      = \"dns\"");
    put("name      = " + quoted(target.host));
    put("servers   = [\"1.1.1.1:53\", \"9.9.9.9:53\", \"system\"]");
    put("# expect  = [\"192.0.2.1\"]             # pin what your hosting told you to point it at: another answer is then down");
    put("interval  = \"1m\"");
    if (target.tls) {
      put("[probe.app-certificate]");
      put("component      = \"domain\"");
      put("kind           = \"tls\"");
      put("target         = " + quoted(target.host + ":" + target.port));
      put("degraded_below = \"14d\"");
      put("down_below     = \"2d\"");
      put("interval       = \"5m\"");
      put("retry          = \"30s\"");
    }
    put("");
  }

  void job_probe(const Job& job) {
    put("# The job's last line: curl -fsS http://127.0.0.1:9780/ping/KEY (in credentials/job-" + job.name +
        "); /fail behind it says that it failed.");
    put("[probe." + job.name + "]");
    put("component   = \"cron\"");
    put("kind        = \"heartbeat\"");
    put(job.schedule.empty() ? "period      = " + quoted(job.period) : "schedule    = " + quoted(job.schedule) + "   # timezone = \"UTC\"");
    put("start_grace = \"10m\"");
    put("key         = { credential = \"job-" + job.name + "\" }");
  }

  void tail() {
    put("# Facts from outside: `drwatch signal raise NAME`, a SIEM, or an Alertmanager's webhook.");
    for (const char* name : {"breach-suspected", "corruption-suspected", "deletion-suspected", "leak-suspected", "ransomware-suspected"}) {
      put("[signal." + std::string(name) + "]");
      put("expires = \"24h\"");
    }
    put("");
    put("[scenarios]");
    put("path = \"scenarios\"                  # one file a scenario; more of them: /etc/drwatch/scenarios-available");
  }

  const InitAnswers& a_;
  Parts parts_;
  std::string text_;
};

}  // namespace

std::string init_configuration(const InitAnswers& answers) { return Writer(answers).text(); }

}  // namespace drwatch::commands
