// SPDX-License-Identifier: Apache-2.0
// Reads a Supabase project's backups through the Management API: what Supabase says that it could restore. What it can't prove: that a
// restore works, and that anything outlives the project or the account. Down means: Supabase says that backups fail, are off or not there.
#include "config/rows/pattern.hpp"
#include "probes/backup/readers.hpp"
#include "probes/backup/supabase/backups.hpp"
#include "probes/parts/asked_to_wait.hpp"
#include "probes/parts/back_off.hpp"
#include "probes/parts/connection_rows.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <charconv>

namespace drwatch::kinds::backup::supabase {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc =
    R"(A Supabase project's backups, as the Management API tells them: the end of the window of point-in-time recovery, or without that the
newest completed daily backup. Write-ahead log is shipped about every two minutes and not at all while nothing is written, so a window that
stands still proves a loss only together with a `postgres` probe's `canary`. `down` (`assertion`, `absent`) when the newest daily backup
failed, there is none, `pitr = true` and it is off, the project is paused, removed or failed to restore, or is not there any more;
`degraded` when the window has not begun or is shorter than `pitr_window`, or the newest daily backup is older than 30 h (with `every`, a quarter
more than that); `unknown` when the API refuses (401, 403), limits (429), fails or answers in another shape. After a refusal or a limit it
is not asked again for 20 s, doubling to 10 min, or as long as the answer says. Two requests a run: an `interval` of `5m` is enough.
Survives: `host` and `logical`; not `region` (a restore stays in it) and not `account` (deleting the project deletes its backups).)";

struct SupabaseSettings {
  std::string project;
  Secret token;
  std::string api = "https://api.supabase.com";
  bool pitr = false;
  std::optional<Duration> window;
  TlsSettings tls;
  std::string family = "any";
  friend bool operator==(const SupabaseSettings&, const SupabaseSettings&) = default;
};

// It becomes a part of a path: nothing but letters and digits may stand in it.
void read_project(SupabaseSettings& into, const Value& value, const Reading& reading) {
  const std::string* text = value.text();
  const bool fits = text && !text->empty() && text->size() <= 64 && std::all_of(text->begin(), text->end(), [](unsigned char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
                    });
  if (!fits)
    return reading.problems.error(value.place, reading.key, "is not a project's reference",
                                  "it is the first part of its address, twenty small letters");
  into.project = *text;
}

std::vector<config::Row> rows() {
  using S = SupabaseSettings;
  using config::row;
  using config::row_with;
  return {
      row_with<S>("project", "string", {.doc = "The project's reference: the first part of `REF.supabase.co`.", .required = true},
                  read_project),
      row<S>("token", &S::token,
             {.doc = "An access token that may read the project's backups; best one that may do nothing else.", .required = true}),
      row<S>("api", &S::api, {.doc = "Where the Management API is.", .fallback = "https://api.supabase.com", .pattern_name = "http-url"}),
      row<S>("pitr", &S::pitr, {.doc = "Point-in-time recovery must be on.", .fallback = "false"}),
      row<S>("pitr_window", &S::window, {.doc = "How far back point-in-time recovery must reach; less is `degraded`.", .min = 60}),
      row_with<S>("tls", tls_type, {.doc = tls_doc}, [](S& s, const Value& v, const Reading& r) { read_tls(s.tls, v, r); }),
      row<S>("family", &S::family, {.doc = "Which addresses to use.", .fallback = "any", .one_of = {"any", "v4", "v6"}}),
  };
}

// Supabase's own backups are daily; what comes oftener is not asked for where the file does not say `pitr`.
std::optional<config::PointsApart> points_apart(const SupabaseSettings& own) {
  if (own.pitr) return std::nullopt;
  return config::PointsApart{hours{24}, "daily backups", "reads Supabase's and does not ask for point-in-time recovery",
                             "set pitr = true there (and have it)"};
}

bool fit_for_a_header(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

bool refuses(int status) { return status == 401 || status == 403; }

Outcome not_read(Reason reason, std::string code, const std::string& why) {
  return outcome_of(Health::unknown, reason, std::move(code), "the backups could not be read: " + why);
}

// What looks like a token goes before it is cut: half of one is no longer recognized.
std::string shown(const std::string& body) {
  constexpr std::size_t enough = 4096;
  return quote(without_tokens(body.substr(0, enough)));
}

Outcome not_read(const HttpResponse& answer) {
  const std::string code = std::to_string(answer.status);
  if (refuses(answer.status)) return not_read(Reason::auth, code, "the API refuses the token (" + code + ")");
  if (answer.status == 429) {
    Outcome turned = not_read(Reason::protocol, code, "the API limits how often it may be asked (429)");
    turned.rate_limited = true;
    return turned;
  }
  const std::string told = answer.body.empty() ? "" : ": " + shown(answer.body);
  return not_read(Reason::protocol, code, "the API answered " + code + told);
}

Outcome no_project() {
  Outcome gone =
      outcome_of(Health::down, Reason::absent, "404", "there is no such project, and so none of its backups (or the token may not see it)");
  gone.recovery.emplace();
  gone.recovery->failing = gone.recovery->whole = true;  // its backups went with it
  return gone;
}

class SupabaseProbe : public Probe {
 public:
  SupabaseProbe(const SupabaseSettings& own, const ProbeSettings& settings)
      : settings_(own), every_(settings.backup ? settings.backup->every : std::nullopt) {
    while (settings_.api.ends_with('/')) settings_.api.pop_back();
  }

  // A source that could not be read says nothing of itself.
  Health when_late() const override { return Health::unknown; }

  Task<Outcome> run(World& world) override {
    const std::string& token = settings_.token.reveal();
    if (!settings_.token.present()) co_return not_read(Reason::internal, "", "the token " + settings_.token.name() + " is missing");
    if (!fit_for_a_header(token))
      co_return not_read(Reason::internal, "", "the token " + settings_.token.name() + " holds what no token holds (a line break?)");
    if (const auto left = back_off_.remaining(world.clock.boottime())) {
      Outcome waiting = last_refusal_;
      waiting.message += "; it is asked again in " + duration_words(*left);
      co_return waiting;
    }
    Phases phases;
    Outcome outcome = co_await look(world, &phases);
    outcome.phases = phases;
    co_return outcome;
  }

 private:
  Task<Outcome> look(World& world, Phases* phases) {
    const auto backups = co_await get(world, "/database/backups", phases);
    if (!backups) co_return not_read(backups.error().reason, backups.error().code, backups.error().message);
    if (auto refused = note_refusal(world, *backups)) co_return *refused;

    Phases other;
    const auto project = co_await get(world, "", &other);
    // A token for the backups alone is refused here, and that is no reason to wait.
    if (project && project->status == 429) note_refusal(world, *project);
    if (backups->status == 404 && project && project->status == 404) co_return no_project();
    if (backups->status != 200) co_return not_read(*backups);

    const auto told = parse_supabase_backups(backups->body);
    if (!told) co_return not_read(Reason::protocol, "200", "the answer has another shape: " + shown(backups->body));
    const auto status = project && project->status == 200 ? parse_supabase_status(project->body) : std::nullopt;
    Outcome outcome = judge_supabase(*told, status, {settings_.pitr, settings_.window, every_}, world.clock.now());
    outcome.facts["address"] = backups->address;
    co_return outcome;
  }

  Task<Result<HttpResponse>> get(World& world, std::string below, Phases* phases) {
    HttpRequest request;
    request.url = settings_.api + "/v1/projects/" + settings_.project + below;
    request.headers.emplace_back("Authorization", "Bearer " + settings_.token.reveal());
    request.headers.emplace_back("Accept", "application/json");
    request.tls = settings_.tls;
    request.family = family_of(settings_.family);
    co_return co_await world.http.fetch(std::move(request), *phases);
  }

  // A refusal is answered by waiting; nullopt: it was none.
  std::optional<Outcome> note_refusal(World& world, const HttpResponse& answer) {
    if (!refuses(answer.status) && answer.status != 429) {
      back_off_.accepted();
      return std::nullopt;
    }
    const auto wanted = asked_to_wait(answer, world.clock.now());
    back_off_.refused(world.clock.boottime(), wanted ? std::optional(std::chrono::ceil<seconds>(*wanted)) : std::nullopt);
    last_refusal_ = not_read(answer);
    return last_refusal_;
  }

  SupabaseSettings settings_;
  std::optional<Duration> every_;
  BackOff back_off_;
  Outcome last_refusal_;
};

}  // namespace

Kind reader() {
  return kind_of<SupabaseSettings, SupabaseProbe>({.name = "supabase", .doc = doc, .rows = rows(), .points_apart = points_apart});
}

}  // namespace drwatch::kinds::backup::supabase
