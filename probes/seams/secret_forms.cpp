// SPDX-License-Identifier: Apache-2.0
#include "probes/seams/secret_forms.hpp"

#include "config/rows/encoding.hpp"
#include "config/rows/pattern.hpp"
#include "config/rows/secret.hpp"
#include "config/rows/text.hpp"
#include "probes/parts/bounded_json.hpp"
#include "probes/seams/excerpt.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

namespace drwatch {
namespace {

using Json = nlohmann::json;

void add(std::vector<std::string>& parts, std::string part) {
  if (part.size() >= least_secret && !has(parts, part)) parts.push_back(std::move(part));
}

// "services", "grant_type": what a path or a form is made of besides its secrets. Nobody issues tokens without digits and capitals.
bool is_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::islower(c) || c == '_'; });
}

bool names_a_secret(const std::string& field) {
  static const RE2 name(secret_field);
  return RE2::PartialMatch(field, name);
}

// Short values are ports, numbers of versions, yes and no.
void add_value(std::vector<std::string>& parts, const std::string& field, const std::string& value) {
  if (names_a_secret(field) || (value.size() >= short_secret && !is_word(value))) add(parts, value);
}

// a=b&c=d
void add_fields(std::vector<std::string>& parts, std::string_view form) {
  while (!form.empty()) {
    const std::string pair(form.substr(0, form.find('&')));
    form.remove_prefix(std::min(form.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    const std::string field = pair.substr(0, equals);
    std::string value = equals == pair.npos ? pair : pair.substr(equals + 1);
    add_value(parts, field, value);
    std::replace(value.begin(), value.end(), '+', ' ');
    add_value(parts, field, percent_decoded(value));
  }
}

// What follows the origin. A webhook's URL is its password: a server that has no such page repeats the path, or a part of it.
void add_url(std::vector<std::string>& parts, const std::string& url) {
  static const RE2 shape("(?s)[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*([^?#]*)(?:\\?([^#]*))?(#.*)?");
  std::string path, query;
  if (!RE2::FullMatch(url, shape, &path, &query)) return;
  // Without its first slash: some name it so.
  path.erase(0, path.starts_with('/') ? 1 : 0);
  add(parts, path);
  add(parts, percent_decoded(path));
  add(parts, query);
  add_fields(parts, query);
  for (std::string_view rest = path; !rest.empty();) {
    const std::string segment(rest.substr(0, rest.find('/')));
    rest.remove_prefix(std::min(rest.size(), segment.size() + 1));
    // The last one is hidden even if it looks like a word: it may be all that is secret.
    if (segment.size() < short_secret || (is_word(segment) && !rest.empty())) continue;
    add(parts, segment);
    add(parts, percent_decoded(segment));
  }
}

void add_json(std::vector<std::string>& parts, const std::string& field, const Json& json) {
  if (json.is_structured()) {
    for (const auto& [key, value] : json.items()) add_json(parts, json.is_object() ? key : field, value);
  } else if (json.is_string()) {
    add_value(parts, field, json.get<std::string>());
  } else if (json.is_number()) {
    add_value(parts, field, json.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
}

std::vector<std::string> parts_of(const std::string& secret) {
  static const RE2 form("[^=&\\s]+=[^&\\s]*(&[^=&\\s]+=[^&\\s]*)*");
  std::vector<std::string> parts;
  add(parts, secret);
  // As excerpt() shows it, which is where messages come from.
  add(parts, excerpt(secret, secret.size()));
  for (std::string& password : config::passwords_in(secret)) add(parts, std::move(password));
  add_url(parts, secret);
  if (secret.find("://") == secret.npos && RE2::FullMatch(secret, form)) add_fields(parts, secret);
  if (secret.starts_with('{') || secret.starts_with('[')) add_json(parts, "", bounded_json(secret));
  return parts;
}

void add_form(std::vector<SecretForm>& forms, SecretForm form) {
  if (form.text.size() >= least_secret && std::none_of(forms.begin(), forms.end(), [&](const auto& f) { return f.text == form.text; }))
    forms.push_back(std::move(form));
}

// In base64 three bytes become four letters, so the letters of a text depend on where in a triple it begins. Each time those are taken
// that depend on nothing else: without the first, which hold bits of what stands before, and the last, with bits of what follows.
void add_base64(std::vector<SecretForm>& forms, const std::string& bytes) {
  for (std::size_t before = 0; before < 3; ++before) {
    const std::size_t first = before == 0 ? 0 : before + 1, bits = 8 * (before + bytes.size()), end = bits / 6;
    SecretForm form{base64(std::string(before, '\0') + bytes).substr(first, end - first), false, before != 0, bits % 6 != 0};
    SecretForm in_url = form;
    std::replace(in_url.text.begin(), in_url.text.end(), '+', '-');
    std::replace(in_url.text.begin(), in_url.text.end(), '/', '_');
    add_form(forms, std::move(form));
    add_form(forms, std::move(in_url));
  }
}

}  // namespace

std::vector<SecretForm> secret_forms(const std::string& secret) {
  std::vector<SecretForm> forms;
  for (const std::string& part : parts_of(secret)) {
    add_form(forms, {part, part.size() < short_secret, false, false});
    add_base64(forms, part);
    // OAuth clients encode their secret before they encode it (RFC 6749, 2.3.1); a JSON document that is encoded has it escaped.
    if (const std::string encoded = percent_encoded(part); encoded != part) add_base64(forms, encoded);
    const std::string quoted = Json(part).dump(-1, ' ', false, Json::error_handler_t::replace);
    if (quoted.size() != part.size() + 2) add_base64(forms, quoted.substr(1, quoted.size() - 2));
    std::string hex = hex_of(part);
    add_form(forms, {hex, false, false, false});
    std::transform(hex.begin(), hex.end(), hex.begin(), [](unsigned char c) { return std::toupper(c); });
    add_form(forms, {std::move(hex), false, false, false});
  }
  return forms;
}

}  // namespace drwatch
