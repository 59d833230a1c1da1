// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/json.hpp"

namespace drwatch::json {
namespace {
const Json* value(const Json& json, const char* key) {
  auto it = json.find(key);
  return it == json.end() || it->is_null() ? nullptr : &*it;
}
}  // namespace

Json of(Time t) { return time_text(t); }
Json of(const std::optional<Time>& t) { return t ? Json(time_text(*t)) : Json(nullptr); }
Json of(Duration d) { return d.count(); }
Json of(const std::optional<Duration>& d) { return d ? Json(d->count()) : Json(nullptr); }
Json of(const std::optional<double>& number) { return number ? Json(*number) : Json(nullptr); }
Json of(const std::vector<Evidence>& because) {
  Json list = Json::array();
  for (const Evidence& e : because) list.push_back({{"condition", e.condition}, {"since", of(e.since)}, {"evidence", e.evidence}});
  return list;
}

Time time(const Json& json, const char* key) {
  auto t = parse_time(json.at(key).get<std::string>());
  if (!t) throw nlohmann::json::other_error::create(501, std::string(key) + " is not a time", &json);
  return *t;
}
std::optional<Time> maybe_time(const Json& json, const char* key) {
  const Json* v = value(json, key);
  return v ? parse_time(v->get<std::string>()) : std::nullopt;
}
Duration duration(const Json& json, const char* key, Duration otherwise) { return maybe_duration(json, key).value_or(otherwise); }
std::optional<Duration> maybe_duration(const Json& json, const char* key) {
  const Json* v = value(json, key);
  return v ? std::optional(Duration{v->get<std::int64_t>()}) : std::nullopt;
}
std::optional<double> maybe_number(const Json& json, const char* key) {
  const Json* v = value(json, key);
  return v ? std::optional(v->get<double>()) : std::nullopt;
}
std::string text(const Json& json, const char* key) {
  const Json* v = value(json, key);
  return v ? v->get<std::string>() : std::string();
}
bool flag(const Json& json, const char* key, bool otherwise) {
  const Json* v = value(json, key);
  return v ? v->get<bool>() : otherwise;
}
std::vector<std::string> texts(const Json& json, const char* key) {
  const Json* v = value(json, key);
  return v ? v->get<std::vector<std::string>>() : std::vector<std::string>{};
}
std::vector<Evidence> evidence(const Json& json, const char* key) {
  std::vector<Evidence> all;
  if (const Json* v = value(json, key))
    for (const Json& e : *v) all.push_back({text(e, "condition"), time(e, "since"), text(e, "evidence")});
  return all;
}

}  // namespace drwatch::json
