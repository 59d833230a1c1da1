// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/api/keyed.hpp"

#include "config/rows/encoding.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

constexpr std::size_t most_key = 200;  // bytes
constexpr auto answer_kept = std::chrono::hours(24);
constexpr std::size_t most_answers = 1000;

Response refused_key(const Refusal& refused) { return problem(refused.status, refused.title, refused.detail, refused.list); }

}  // namespace

Keyed keyed(const Call& call) {
  const std::string* key = call.request.header("idempotency-key");
  if (!key || key->empty()) return {};
  // Cut, two keys could be one.
  if (key->size() > most_key)
    return {"", "",
            Refusal{400, "not understood", "an Idempotency-Key has at most " + std::to_string(most_key) + " bytes; nothing was done", {}}};
  return {call.caller.name + "/" + *key,
          sha256_hex(call.request.method + " " + call.request.target + "\n", call.request.body).substr(0, 32), std::nullopt};
}

Task<Answer> submit(Room& room, const Call& call, Input input) {
  Keyed with = keyed(call);
  if (with.refused) {
    Answer answer;
    answer.refused = std::move(with.refused);
    co_return answer;
  }
  co_return co_await room.desk.submit(std::move(input), std::move(with.key), std::move(with.of));
}

Task<SharedResponse> once(Room& room, const Call& call, std::function<Task<SharedResponse>()> does) {
  const Keyed with = keyed(call);
  if (with.refused) co_return shared(refused_key(*with.refused));
  if (with.key.empty()) co_return co_await does();
  auto& answers = room.keyed_answers;
  const auto now = room.world.clock.boottime();
  std::erase_if(answers, [&](const auto& each) { return now - each.second->at > answer_kept; });
  for (auto found = answers.find(with.key); found != answers.end(); found = answers.find(with.key)) {
    const auto other = found->second;
    if (other->of != with.of)
      co_return shared(
          problem(422, "idempotency key used before",
                  "this Idempotency-Key came with another request; nothing was done: send each request with a key of its own"));
    if (other->answer) co_return other->answer;
    co_await other->over.wait();
  }
  if (answers.size() >= most_answers)
    answers.erase(
        std::min_element(answers.begin(), answers.end(), [](const auto& a, const auto& b) { return a.second->at < b.second->at; }));
  const auto own = std::make_shared<KeyedAnswer>(room.world.executor, now, with.of);
  answers[with.key] = own;
  // Ended without an answer, by whoever went away: the next in turn does it.
  const auto leave = [&](KeyedAnswer* ended) {
    const auto found = answers.find(with.key);
    if (!ended->answer && found != answers.end() && found->second.get() == ended) answers.erase(found);
    ended->over.made();
  };
  const std::unique_ptr<KeyedAnswer, decltype(leave)> leaving(own.get(), leave);
  own->answer = co_await does();
  co_return own->answer;
}

}  // namespace drwatch::web
