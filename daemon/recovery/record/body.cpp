// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/body.hpp"

#include "daemon/recovery/record/json.hpp"

namespace drwatch {

Body::Value::Value(std::nullptr_t) : json_(std::make_shared<Json>(nullptr)) {}
Body::Value::Value(Flag yes) : json_(std::make_shared<Json>(yes.is)) {}
Body::Value::Value(Signed number) : json_(std::make_shared<Json>(number.is)) {}
Body::Value::Value(Unsigned number) : json_(std::make_shared<Json>(number.is)) {}
Body::Value::Value(double number) : json_(std::make_shared<Json>(number)) {}
Body::Value::Value(const char* text) : json_(std::make_shared<Json>(text)) {}
Body::Value::Value(std::string_view text) : json_(std::make_shared<Json>(text)) {}
Body::Value::Value(std::string text) : json_(std::make_shared<Json>(std::move(text))) {}
Body::Value::Value(Time at) : json_(std::make_shared<Json>(json::of(at))) {}
Body::Value::Value(const std::vector<std::string>& texts) : json_(std::make_shared<Json>(texts)) {}
Body::Value::Value(const std::map<std::string, std::string>& texts) : json_(std::make_shared<Json>(texts)) {}
Body::Value::Value(const std::vector<Evidence>& because) : json_(std::make_shared<Json>(json::of(because))) {}
Body::Value::Value(const Incident& incident) : json_(std::make_shared<Json>(to_json(incident))) {}
Body::Value::Value(const HeldDrill& drill) : json_(std::make_shared<Json>(to_json(drill))) {}
Body::Value::Value(const Loss& loss) : json_(std::make_shared<Json>(to_json(loss))) {}
Body::Value::Value(Body body) : json_(std::make_shared<Json>(body.json())) {}

Body::Body(std::initializer_list<Field> fields) {
  for (const Field& field : fields) {
    if (!json_) json_ = std::make_shared<Json>(Json::object());
    (*json_)[std::string(field.key)] = std::move(*field.value.json_);
  }
}
Body Body::of(Json json) {
  Body body;
  body.json_ = std::make_shared<Json>(std::move(json));
  return body;
}

void Body::set(std::string_view key, Value value) {
  if (!json_ || json_.use_count() > 1) json_ = std::make_shared<Json>(json());
  (*json_)[std::string(key)] = std::move(*value.json_);
}

Body Body::without(std::string_view key) const {
  if (!json().is_object() || !json().contains(key)) return *this;
  Json rest = Json::object();
  for (const auto& [other, value] : json().items())
    if (other != key) rest[other] = value;
  return of(std::move(rest));
}

const Json& Body::json() const {
  static const Json nothing = Json::object();
  return json_ ? *json_ : nothing;
}

std::string Body::text(const char* key) const { return json::text(json(), key); }
std::vector<std::string> Body::texts(const char* key) const { return json::texts(json(), key); }
bool Body::flag(const char* key, bool otherwise) const { return json::flag(json(), key, otherwise); }
std::optional<double> Body::number(const char* key) const { return json::maybe_number(json(), key); }
std::optional<Time> Body::maybe_time(const char* key) const { return json::maybe_time(json(), key); }
Time Body::time(const char* key) const { return json::time(json(), key); }
std::vector<Evidence> Body::evidence(const char* key) const { return json::evidence(json(), key); }

Body body_of(const Projection& projection) { return Body::of(to_json(projection)); }
Body::Value null_if_empty(const std::string& text) { return text.empty() ? Body::Value(nullptr) : Body::Value(text); }
std::string quoted(const std::vector<std::string>& words) { return Json(words).dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace drwatch
