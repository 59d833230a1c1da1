// SPDX-License-Identifier: Apache-2.0
// Commands that are not decisions: run a probe, try the alerts, reload; and what an Alertmanager calls us with.
#include "daemon/recovery/seen/signals.hpp"
#include "daemon/web/api/fields.hpp"
#include "daemon/web/api/keyed.hpp"
#include "daemon/web/api/reading.hpp"
#include "probes/parts/bounded_json.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>

namespace drwatch::web {
namespace {

using Parsed = nlohmann::json;

// What one alert of a webhook says: the signal named by its label `drwatch_signal`, raised unless the alert is resolved. `alert` tells it
// from others that raise the same signal.
struct Meant {
  std::string signal;
  bool raised = true;
  std::string note, alert;
  Time starts_at{};
};
std::string text_in(const Parsed& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}
// Its labels are what an alert is, and the fingerprint is made of them. Senders that are no Alertmanager may leave it out.
std::string identity(const Parsed& alert) {
  const std::string fingerprint = text_in(alert, "fingerprint");
  return fingerprint.empty() ? alert["labels"].dump(-1, ' ', false, Parsed::error_handler_t::replace) : fingerprint;
}
std::optional<Meant> meant_by(const Parsed& alert) {
  if (!alert.is_object() || !alert.contains("labels") || !alert["labels"].is_object()) return std::nullopt;
  Meant meant{text_in(alert["labels"], "drwatch_signal"), text_in(alert, "status") != "resolved", "", identity(alert), {}};
  meant.starts_at = parse_time(text_in(alert, "startsAt")).value_or(Time{});
  if (meant.signal.empty()) return std::nullopt;
  meant.note = "Alertmanager";
  if (const std::string name = text_in(alert["labels"], "alertname"); !name.empty()) meant.note += ": " + name;
  if (alert.contains("annotations") && alert["annotations"].is_object()) {
    const std::string summary = text_in(alert["annotations"], "summary");
    if (!summary.empty()) meant.note += ": " + summary.substr(0, 500);
  }
  return meant;
}

// A webhook's body, and what was found in it: looked at on a thread when it is large, so it owns all that it touches.
struct Brought {
  static constexpr std::size_t most_alerts = 1000;
  std::string body;
  std::vector<std::optional<Meant>> alerts;
  std::optional<Response> refused;

  void look() {
    if (too_many_values(body)) {
      refused = problem(413, "too many values", "a body holds at most " + std::to_string(most_json_values) + " values of JSON");
      return;
    }
    const Parsed parsed = bounded_json(body);
    if (!parsed.is_object() || !parsed.contains("alerts") || !parsed["alerts"].is_array()) {
      refused = problem(400, "not understood", "the body is not what an Alertmanager's webhook sends: an object with a list 'alerts'");
      return;
    }
    if (parsed["alerts"].size() > most_alerts) {
      refused = problem(413, "too many alerts",
                        "a webhook brings at most " + std::to_string(most_alerts) + "; set max_alerts in Alertmanager's webhook_configs");
      return;
    }
    for (const auto& alert : parsed["alerts"]) alerts.push_back(meant_by(alert));
  }
};

}  // namespace

Task<SharedResponse> run_probe(Room& room, Call call) {
  const std::string name = call.at["name"];
  const auto settings = room.desk.settings();
  const auto found = settings->probes.find(name);
  if (found == settings->probes.end()) co_return shared(not_found("probe", name, keys_of(settings->probes)));
  Fields fields(call.request);
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  if (found->second.calls_in())
    co_return shared(problem(422, "nothing to run", "'" + name + "' is a heartbeat: the job calls in, drwatch cannot run it"));
  const auto outcome = co_await room.desk.run_probe(name);
  if (!outcome) co_return shared(not_found("probe", name, keys_of(room.desk.settings()->probes)));
  View view{{"name", name}};
  view["outcome"] = outcome_view(*outcome, true);
  view["configured"] = written_view(found->second);
  co_return shared(json(view));
}

Task<SharedResponse> acknowledge_probe(Room& room, Call call) {
  const std::string name = call.at["name"];
  const auto settings = room.desk.settings();
  if (!settings->probes.contains(name)) co_return shared(not_found("probe", name, keys_of(settings->probes)));
  Fields fields(call.request);
  AcknowledgeProbe input{name, call.caller.name, fields.text("note")};
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  const Answer answer = co_await submit(room, call, std::move(input));
  if (answer.refused)
    co_return shared(problem(answer.refused->status, answer.refused->title, answer.refused->detail, answer.refused->list));
  co_return shared(json(View{{"name", name}, {"acknowledged", true}, {"durable", answer.durable}}));
}

namespace {
Task<SharedResponse> send_test_alert(Room& room) {
  const auto lines = co_await room.desk.send_test_alert();
  View document{{"results", View::array()}, {"taken", true}};
  for (const auto& [line, taken] : lines) {
    document["results"].push_back(line);
    if (!taken) document["taken"] = false;
  }
  co_return shared(json(document));
}
}  // namespace

Task<SharedResponse> test_alert(Room& room, Call call) {
  Fields fields(call.request);
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  std::function<Task<SharedResponse>()> does = [&room] { return send_test_alert(room); };
  co_return co_await once(room, call, std::move(does));
}

// A configuration that is refused (422) changes nothing: the old one runs on.
Task<SharedResponse> reload(Room& room, Call call) {
  Fields fields(call.request);
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  const auto problems = co_await room.desk.reload();
  if (!problems.empty())
    co_return shared(
        problem(422, "configuration refused", "the running configuration stays as it was; correct the file and reload again", problems));
  co_return shared(json(View{{"reloaded", true}, {"hash", room.desk.settings()->hash}}));
}

// An Alertmanager tries again what is answered with 5xx, and drops what is answered with 4xx. An alert that means no signal here is no
// reason for either: it is answered with 200 and listed as ignored.
Task<SharedResponse> alertmanager_webhook(Room& room, Call call) {
  const auto brought = std::make_shared<Brought>();
  brought->body = std::move(call.request.body);
  std::function<void()> look = [brought] { brought->look(); };
  const std::size_t size = brought->body.size();
  co_await room.reading.run_for(size, std::move(look));
  if (brought->refused) co_return shared(std::move(*brought->refused));
  const auto settings = room.desk.settings();
  std::vector<Input> inputs;
  for (const auto& meant : brought->alerts)
    if (meant && settings->signals.contains(meant->signal))
      inputs.push_back(SetSignal{meant->signal, meant->raised, call.caller.name, meant->note, meant->alert, false, meant->starts_at});
  const auto answers = co_await room.desk.submit_all(std::move(inputs));
  for (const Answer& answer : answers)
    if (answer.refused && answer.refused->status >= 500)
      co_return shared(problem(answer.refused->status, answer.refused->title, answer.refused->detail, answer.refused->list));
  View results = View::array();
  bool durable = true;
  auto answer = answers.begin();
  const auto& signals = room.desk.state().record.signals;
  for (const auto& meant : brought->alerts) {
    if (!meant) {
      results.push_back(View{{"signal", nullptr}, {"result", "ignored: no label drwatch_signal"}});
      continue;
    }
    if (!settings->signals.contains(meant->signal)) {
      results.push_back(View{{"signal", meant->signal}, {"result", "ignored: no [signal." + meant->signal + "] is declared"}});
      continue;
    }
    durable &= answer->durable;
    const auto signal = signals.find(meant->signal);
    const bool stands = signal != signals.end() && signal->second.raised;
    const std::string result = meant->raised ? "raised" : stands ? "still raised by " + who_raises(signal->second) : "cleared";
    results.push_back(View{{"signal", meant->signal}, {"result", answer->refused ? "refused: " + answer->refused->detail : result}});
    ++answer;
  }
  co_return shared(json(View{{"results", results}, {"durable", durable}}));
}

}  // namespace drwatch::web
