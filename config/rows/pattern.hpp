// SPDX-License-Identifier: Apache-2.0
// The named shapes that a string setting may be asked to have (Meta::pattern_name), and what passes for a secret in plain text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch::config {

struct Misfit {
  std::string message, hint;
};

// What is wrong with `text`; nullopt: it fits. Patterns: name url http-url regex json-pointer path header host:port method network.
std::optional<Misfit> misfit(std::string_view pattern, std::string_view text);

// How the reference names a pattern: "URL", "regular expression"; the type itself when there's nothing better.
std::string_view pattern_text(std::string_view pattern);

// a-z, 0-9, '-', beginning with a letter.
bool is_name(std::string_view text);

// A URL with a password, or a parameter named password, token, key ...: it belongs into a secret.
bool holds_a_secret(std::string_view text);

// The passwords in a connection string or a URL: as they are written there, and as the other side gets them (unescaped, percent-decoded).
std::vector<std::string> passwords_in(const std::string& text);

// A header that carries credentials: its value belongs into a secret.
bool is_secret_header(std::string_view name);

}  // namespace drwatch::config
