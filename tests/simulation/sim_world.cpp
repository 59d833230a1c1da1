// SPDX-License-Identifier: Apache-2.0
#include "sim_world.hpp"

#include <boost/asio/post.hpp>

namespace drwatch::sim {

Task<Outcome> SimProbe::run(World& world) {
  struct Counted {
    RunLedger& runs;
    std::string name;
    Counted(RunLedger& r, std::string n, std::chrono::nanoseconds now) : runs(r), name(std::move(n)) {
      if (++runs.running[name] > 1) runs.overlapped = true;
      runs.last_begun[name] = now;
    }
    ~Counted() { --runs.running[name]; }
  } counted(runs_, name_, world.clock.boottime());
  const Truth::Target& target = truth_.targets[name_];
  if (target.stalls) co_await world.clock.sleep_for(hours{1});
  co_await world.clock.sleep_for(chance_.between(milliseconds{1}, milliseconds{200}));
  Health seen = target.lies && chance_.one_in(2) ? Health::down : target.health;
  Outcome o =
      outcome_of(seen, seen == Health::up ? Reason::none : Reason::connect, seen == Health::down ? "ECONNREFUSED" : "", "as simulated");
  if (backup_) {
    Truth::Target& archive = truth_.targets[name_];
    if (archive.archiving) archive.last_archived = world.clock.now() - seconds{5};
    if (seen != Health::unknown) o.recovery = RecoveryReading{std::nullopt, archive.last_archived, seen == Health::down};
  }
  co_return o;
}

// ---- Alertmanager

namespace {
using Json = nlohmann::json;
HttpResponse answer(int status, std::string body) {
  HttpResponse r;
  r.status = status;
  r.body = std::move(body);
  return r;
}
}  // namespace

Task<Result<HttpResponse>> SimHttp::fetch(HttpRequest request, Phases&) {
  co_await clock_.sleep_for(chance_.between(milliseconds{1}, milliseconds{50}));
  if (truth_.alertmanager_away) co_return Failure{Reason::connect, "ECONNREFUSED", "connection refused"};
  if (request.method == "POST") {
    HttpResponse taken = take(request.body);
    // It took them, and the answer was lost on the way.
    if (chance_.one_in(20)) co_return Failure{Reason::connect, "ECONNRESET", "connection reset"};
    co_return taken;
  }
  co_return list();
}

HttpResponse SimHttp::take(const std::string& body) {
  for (const Json& alert : Json::parse(body)) {
    auto starts = parse_time(alert.at("startsAt").get<std::string>()), ends = parse_time(alert.at("endsAt").get<std::string>());
    if (!starts || !ends || *ends < *starts) return answer(400, "\"start time must be before end time\"");
    Kept& kept = alerts_[alert.at("labels").get<std::map<std::string, std::string>>()];
    kept = {*starts, *ends};
  }
  return answer(200, "");
}

std::set<std::map<std::string, std::string>> SimHttp::standing() {
  std::set<std::map<std::string, std::string>> firing;
  for (const auto& [labels, kept] : alerts_)
    if (kept.ends_at > clock_.now()) firing.insert(labels);
  return firing;
}

HttpResponse SimHttp::list() {
  Json all = Json::array();
  for (const auto& labels : standing()) all.push_back({{"labels", labels}});
  return answer(200, all.dump());
}

// ---- the journal

void SimJournal::write(JournalWrite write, std::function<void()> done) { queue_.emplace_back(std::move(write), std::move(done)); }

void SimJournal::flush() {
  if (queue_.empty() && !failing_) return;
  if (truth_.disk_full) {
    if (!failing_ && health_) health_("no space left on device");
    failing_ = true;
    return;
  }
  if (failing_ && health_) health_("");
  failing_ = false;
  for (auto queued = std::move(queue_); auto& [write, done] : queued) {
    disk_.events.insert(disk_.events.end(), write.events.begin(), write.events.end());
    for (auto& [key, text] : write.kept) {
      if (text.empty())
        disk_.kept.erase(key);
      else
        disk_.kept[key] = text;
    }
    boost::asio::post(loop_, [done = std::move(done), alive = alive_] {
      if (*alive && done) done();
    });
  }
  queue_.clear();
  if (commit_) commit_(Duration{1}, 1);
}

// ---- not here

namespace {
Failure not_here() { return {Reason::internal, "", "not part of the simulation"}; }
}  // namespace
Task<Result<Resolved>> NoResolver::resolve(std::string, Family, std::vector<std::string>) { co_return not_here(); }
Task<Result<Connected>> NoNet::connect(std::string, std::uint16_t, Family, std::optional<TlsSettings>, Phases&) { co_return not_here(); }
Task<Result<std::unique_ptr<PgConnection>>> NoPostgres::connect(Secret, Phases&) { co_return not_here(); }
Task<Result<ExecResult>> NoExec::run(ExecRequest) { co_return not_here(); }
Task<Result<Listed>> NoFiles::list(std::string, std::function<void(std::vector<FileEntry>)>) { co_return not_here(); }
Task<Result<std::string>> NoFiles::read(std::string, std::size_t) { co_return not_here(); }

}  // namespace drwatch::sim
