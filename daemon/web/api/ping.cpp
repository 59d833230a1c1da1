// SPDX-License-Identifier: Apache-2.0
// Heartbeats, as clients of Healthchecks.io send them: /ping/KEY, /start, /fail, /log, /EXIT-CODE; GET, HEAD or POST; ?rid= pairs a start
// with its end.
#include "daemon/web/room.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace drwatch::web {
namespace {

constexpr std::size_t kept_bytes = 10'000;  // of what a job says: the same as Healthchecks keeps
constexpr std::size_t rid_bytes = 64;       // a UUID has 36

// What the word after the key means; false: nothing that is known. No word is a success, as is 0; 1 to 255 is a failure with that exit
// code.
bool read_what(const std::string& word, Pinged& ping) {
  if (word.empty()) return true;
  if (const auto what = parse_ping(word); what && what != Ping::success) {  // success is said by saying nothing, or 0
    ping.what = *what;
  } else {
    int code = -1;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), code);
    if (error != std::errc() || end != word.data() + word.size() || code < 0 || code > 255) return false;
    ping.what = code == 0 ? Pinged::What::success : Pinged::What::fail;
    ping.exit_code = code;
  }
  return true;
}

// The last 10,000 bytes, never beginning within a UTF-8 character: why a job failed stands at the end of its log.
std::string bounded(std::string text) {
  if (text.size() <= kept_bytes) return text;
  std::size_t from = text.size() - kept_bytes;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
  text.erase(0, from);
  return text;
}

}  // namespace

// Every key is compared, also after one has matched, so that the time it takes tells nothing about which keys exist.
std::optional<std::string> PingKeys::probe_of(const std::shared_ptr<const Settings>& settings, std::string_view key) {
  if (settings != of_) {
    keys_.clear();
    for (const auto& [name, probe] : settings->probes)
      if (probe.job && !probe.job->key.reveal().empty()) keys_.emplace_back(name, digest_of(probe.job->key.reveal()));
    std::erase_if(buckets_, [&](const auto& bucket) { return !settings->probes.contains(bucket.first); });
    of_ = settings;
  }
  const Digest digest = digest_of(key);
  std::optional<std::string> found;
  for (const auto& [name, known] : keys_)
    if (same(known, digest) && !found) found = name;
  return found;
}

// A token bucket for each job: 100 pings at once, then 5 a second. The answer is how long to wait; nullopt: the ping is taken.
std::optional<Duration> PingKeys::over_rate(const std::string& probe, std::chrono::nanoseconds boottime) {
  constexpr double most = 100, each_second = 5;
  auto& bucket = buckets_.try_emplace(probe, Bucket{most, boottime}).first->second;
  bucket.tokens = std::min(most, bucket.tokens + std::chrono::duration<double>(boottime - bucket.at).count() * each_second);
  bucket.at = boottime;
  if (bucket.tokens < 1) return Duration(static_cast<long>(std::ceil((1 - bucket.tokens) / each_second * 1000)));
  bucket.tokens -= 1;
  return std::nullopt;
}

Task<SharedResponse> ping(Room& room, Call call) {
  const auto probe = room.ping_keys.probe_of(room.desk.settings(), call.at["key"]);
  Pinged pinged;
  // A wrong word and a wrong key look the same from outside: nobody learns here which keys there are.
  if (!probe || !read_what(call.at["what"], pinged))
    co_return shared(
        problem(404, "no such job",
                "no heartbeat probe has this key, or the word after it is not one of start, fail, log or an exit code from 0 to 255"));
  if (const auto wait = room.ping_keys.over_rate(*probe, room.world.clock.boottime())) {
    Response response = problem(429, "too many pings", "this job calls in more often than 5 times a second");
    response.headers.emplace_back("Retry-After", std::to_string(std::max(1L, static_cast<long>(std::ceil(in_seconds(*wait))))));
    co_return shared(std::move(response));
  }
  pinged.probe = *probe;
  pinged.rid = call.request.query["rid"].substr(0, rid_bytes);
  pinged.message = bounded(std::move(call.request.body));
  const Answer answer = co_await room.desk.submit(std::move(pinged), "");
  if (answer.refused)
    co_return shared(problem(answer.refused->status, answer.refused->title, answer.refused->detail, answer.refused->list));
  Response response;
  response.body = "OK";
  if (!answer.durable) response.headers.emplace_back("Drwatch-Durable", "false");
  co_return shared(std::move(response));
}

}  // namespace drwatch::web
