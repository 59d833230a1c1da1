// SPDX-License-Identifier: Apache-2.0
// Where secrets are read: the environment, a file, systemd's credentials. A problem names the place, never the value.
#include "config/rows/secret.hpp"

#include "config/rows/encoding.hpp"
#include "config/rows/files.hpp"
#include "config/rows/pattern.hpp"
#include "config/rows/schema.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace drwatch::config {
namespace {

constexpr std::string_view ways = "write { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }";
// As systemd bounds credentials.
constexpr std::size_t longest_secret = 1 << 20;

struct Found {
  std::optional<std::string> value;
  std::string missing;  // why there is none
};

Found read_secret_file(const std::string& path) {
  auto [text, error] = read_file(path, longest_secret);
  if (!text) return {{}, error};
  // Editors and echo end a file with a line break; it is never part of the secret. Only one: the rest may be meant.
  if (text->ends_with('\n')) text->pop_back();
  if (text->empty()) return {{}, "is empty"};
  return {std::move(text), ""};
}

Found read_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value) return {{}, "is not set"};
  if (*value == '\0') return {{}, "is empty"};
  return {value, ""};
}

Found read_credential(const std::string& name) {
  // systemd hands credentials over as files; a name must not lead out of that folder.
  if (name.find('/') != name.npos || name == "." || name == "..") return {{}, "is not a credential's name"};
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (!folder)
    return {{}, "is not there: $CREDENTIALS_DIRECTORY is not set (systemd's LoadCredential= sets it; by hand: --credentials DIR)"};
  return read_secret_file(std::string(folder) + "/" + name);
}

Secret found_or_missing(Secret::From from, const std::string& name, std::string_view noun, Found found, const Value& value,
                        const Reading& reading) {
  if (found.value) return Secret(from, name, std::move(*found.value));
  const std::string message = "the secret's " + std::string(noun) + " " + shown(name) + ": " + found.missing;
  // The daemon must not start blind; `drwatch check` on another machine has no secrets and only warns.
  if (reading.secrets_must_exist)
    reading.problems.error(value.place, reading.key, message, "provide it before drwatch starts");
  else
    reading.problems.warning(value.place, reading.key, message, "drwatch will not start without it");
  return Secret::missing(from, name);
}

Secret plain(const Value& value, const Reading& reading, bool plain_text_allowed) {
  const std::string& text = *value.text();
  if (!plain_text_allowed) {
    reading.problems.error(value.place, reading.key, "a secret never stands in the file", std::string(ways));
  } else if (holds_a_secret(text)) {
    reading.problems.error(value.place, reading.key, "a password or token stands in the text", std::string(ways));
  } else if (text.empty()) {
    reading.problems.error(value.place, reading.key, "is empty", std::string(ways) + ", or the text itself when nothing in it is secret");
  } else {
    return Secret(Secret::From::plain, "", text);
  }
  return {};
}

Secret read_place(const Value& value, const Reading& reading, bool plain_text_allowed) {
  if (value.text()) return plain(value, reading, plain_text_allowed);
  const Table* table = value.table();
  const bool one = table && table->size() == 1;
  const std::string* name = one ? table->front().value.text() : nullptr;
  if (!name || name->empty()) {
    reading.problems.error(value.place, reading.key, "not a place of a secret", std::string(ways));
    return {};
  }
  const std::string& key = table->front().key;
  if (key == "env") return found_or_missing(Secret::From::env, *name, "environment variable", read_environment(*name), value, reading);
  if (key == "credential") return found_or_missing(Secret::From::credential, *name, "credential", read_credential(*name), value, reading);
  if (key == "file") {
    const std::string path = (std::filesystem::path(reading.folder) / *name).lexically_normal();
    return found_or_missing(Secret::From::file, path, "file", read_secret_file(path), value, reading);
  }
  const auto close = nearest(key, {"env", "file", "credential"});
  reading.problems.error(table->front().place, reading.key, "unknown key " + shown(key),
                         close ? "did you mean '" + *close + "'?" : std::string(ways));
  return {};
}

// Of a connection string the password counts, as the other side gets it; of several readings of one the longest.
bool is_short(const std::string& secret) {
  const auto passwords = passwords_in(secret);
  std::size_t longest = 0;
  for (const std::string& password : passwords) longest = std::max(longest, percent_decoded(password).size());
  return (passwords.empty() ? secret.size() : longest) < short_secret;
}

}  // namespace

Secret read_secret(const Value& value, const Reading& reading, bool plain_text_allowed) {
  Secret secret = read_place(value, reading, plain_text_allowed);
  if (!secret.present() || secret.from() == Secret::From::plain) return secret;
  if (is_short(secret.reveal()))
    reading.problems.warning(value.place, reading.key,
                             "the secret " + shown(secret.name()) + " has fewer than " + std::to_string(short_secret) +
                                 " bytes: it can't be told from ordinary text, and so not be hidden where the other side repeats it",
                             "use a longer one");
  if (reading.secrets) reading.secrets->push_back(secret);
  return secret;
}

}  // namespace drwatch::config
