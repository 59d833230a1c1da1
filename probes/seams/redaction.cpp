// SPDX-License-Identifier: Apache-2.0
#include "probes/seams/redaction.hpp"

#include "probes/parts/http_sender.hpp"
#include "probes/seams/excerpt.hpp"

#include <re2/re2.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <memory>

namespace drwatch {
namespace {

// Bytes. "api" or "x" as a secret would turn every other word of a message into stars.
constexpr std::size_t shortest = 4;

// What `pattern` finds is replaced by `instead`, where \1 is the first group.
struct Rule {
  Rule(const std::string& of, const char* with) : pattern(of), instead(with) {}
  RE2 pattern;
  const char* instead;
};

const std::vector<std::unique_ptr<const Rule>>& rules() {
  // A field with one of these in its name has a value that must not be shown. "code" is not among them, although OAuth has secret codes:
  // services name their errors so, and a person needs those.
  static const std::string secret_name =
      "(?i:token|secret|passw|pwd|api[_-]?key|[_-]key|credential|authorization|cookie|session|signature|jwt|otp)";
  static const auto made = [] {
    std::vector<std::unique_ptr<const Rule>> list;
    const auto add = [&](const std::string& pattern, const char* instead) {
      list.push_back(std::make_unique<const Rule>(pattern, instead));
    };
    // "access_token": "...", also when the text ends within it
    add("(\"[^\"\\\\]*" + secret_name + "[^\"\\\\]*\"\\s*:\\s*\")(?:[^\"\\\\]|\\\\.)*", "\\1***");
    // ?token=..., password=... of a form, a query or a dsn
    add("((?:^|[\\s?&;,'\"(])[^\\s=&?;,'\"(]*" + secret_name + "[^\\s=&'\"]*=)(?:'(?:[^'\\\\]|\\\\.)*'?|[^\\s&;'\"]+)", "\\1***");
    // https://user:password@host
    add("(://[^\\s:/@]*:)[^\\s/@]+@", "\\1***@");
    // An Authorization header, in whatever text it stands (RFC 6750, RFC 7617, RFC 7616).
    add("(?i)\\b(bearer|basic|digest)\\s+[a-z0-9+/=._~-]{6,}", "\\1 ***");
    return list;
  }();
  return made;
}

void add_form(std::vector<std::string>& forms, std::string form) {
  if (form.size() >= shortest && std::find(forms.begin(), forms.end(), form) == forms.end()) forms.push_back(std::move(form));
}

// "%40" becomes "@"; a "%" without two hex digits behind it stays as it is.
std::string percent_decoded(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      plain += static_cast<char>(byte);
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// The passwords in a connection string or a URL, as they are written there and percent-decoded. Several patterns may find the same place in
// different lengths; all of what they find is hidden.
std::vector<std::string> passwords_in(const std::string& text) {
  static const RE2 quoted("(?i)password\\s*=\\s*'((?:[^'\\\\]|\\\\.)*)'"), bare("(?i)password\\s*=\\s*([^\\s'&]+)"),
      in_url("://[^\\s:/@]*:([^\\s/@]+)@"), unescaped("://[^\\s:/@]*:(\\S+)@");  // up to the last '@'
  std::vector<std::string> found;
  std::string password;
  for (const RE2* pattern : {&quoted, &bare, &in_url, &unescaped}) {
    re2::StringPiece rest(text);  // the patterns have no boundary before "password", so sslpassword is found too
    while (RE2::FindAndConsume(&rest, *pattern, &password)) {
      found.push_back(password);
      found.push_back(percent_decoded(password));
    }
  }
  return found;
}

}  // namespace

std::vector<std::string> forms_of(const std::string& secret) {
  std::vector<std::string> forms;
  if (secret.size() < shortest) return forms;
  std::vector<std::string> plain = passwords_in(secret);
  plain.insert(plain.begin(), secret);
  for (const std::string& text : plain) {
    add_form(forms, text);
    // Escaped as it stands in a JSON text, without the quotes around it.
    const std::string json = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    add_form(forms, json.substr(1, json.size() - 2));
    add_form(forms, form_encoded(text));
  }
  return forms;
}

std::vector<std::string> hidden_forms(const std::vector<Secret>& secrets) {
  std::vector<std::string> hidden;
  for (const Secret& secret : secrets) {
    if (secret.from() == Secret::From::plain) continue;
    for (std::string& form : forms_of(secret.reveal())) add_form(hidden, std::move(form));
  }
  // The longest first: a part of one may be another.
  std::stable_sort(hidden.begin(), hidden.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return hidden;
}

std::string redacted(std::string text, const std::vector<std::string>& hidden) {
  text = without(std::move(text), hidden);
  for (const auto& rule : rules()) RE2::GlobalReplace(&text, rule->pattern, rule->instead);
  return without_tokens(text);
}

}  // namespace drwatch
