// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/pages/forms.hpp"

#include "config/rows/encoding.hpp"

namespace drwatch::web {

std::string sent_as(const Sent& sent, const std::string& name) {
  const auto found = sent.find(name);
  return found == sent.end() ? std::string() : found->second;
}

std::optional<Response> not_ours(const Call& call, const std::optional<Sent>& sent, const std::string& takes) {
  if (!sent) return no_form(call.request, takes);
  if (!call.caller.session.empty() && sent_as(*sent, "form") != call.caller.form_token)
    return problem(403, "not this form", "the form is not one of this session's; load the page again, then send it");
  return std::nullopt;
}

Request request_for(const Call& call, const Sent& sent, std::string path, const View& body) {
  Request request;
  request.method = "POST";
  request.target = std::move(path);
  request.segments = {"api", "v1", call.request.segments.front()};
  request.body = json_text(body);
  request.headers.emplace_back("content-type", "application/json");
  request.peer = call.request.peer;
  if (const std::string key = sent_as(sent, "key"); !key.empty())
    request.headers.emplace_back("idempotency-key", "form-" + sha256_hex(key + "\n" + request.target + "\n", request.body).substr(0, 40));
  return request;
}

NotDone not_done_of(const Response& refusal, const Sent& sent) {
  const View said = View::parse(refusal.body, nullptr, false);
  const auto text = [&said](const char* key) {
    return said.is_object() && said.contains(key) && said[key].is_string() ? said[key].get<std::string>() : std::string();
  };
  std::string why = text("title") + ": " + text("detail") + ".";
  if (why[0] >= 'a' && why[0] <= 'z') why[0] = static_cast<char>(why[0] - 32);
  return {std::move(why), sent_as(sent, "note"), refusal.status};
}

std::string id_in(const Response& done, const std::string& otherwise) {
  const View said = View::parse(done.body, nullptr, false);
  return said.is_object() && said.contains("id") && said["id"].is_string() ? said["id"].get<std::string>() : otherwise;
}

}  // namespace drwatch::web
