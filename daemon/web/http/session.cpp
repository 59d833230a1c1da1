// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/http/session.hpp"

#include "config/rows/encoding.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace drwatch::web {
namespace {

constexpr std::size_t key_bytes = 32;

std::string_view bytes_of(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

// `what` keeps the seals for different purposes apart.
std::string mac(const std::string& key, std::string_view what, std::string_view digest, std::string_view text) {
  std::string all(what);
  all.append(1, '\0').append(digest).append(text);
  unsigned char made[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(all.data()), all.size(), made,
            &size))
    throw std::runtime_error("OpenSSL has no HMAC with SHA-256");
  return hex_of({reinterpret_cast<const char*>(made), size});
}

std::string text_of(const Ticket& ticket) {
  const auto until = std::chrono::duration_cast<seconds>(ticket.until.time_since_epoch()).count();
  return base64url(ticket.name) + "." + std::to_string(until) + "." + ticket.nonce;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// One name or value; a zero byte stands in no text of ours.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i] == '+' ? ' ' : text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = digit(text[i + 1]), low = digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    // Browsers send the ends of lines as CR LF.
    if (c != '\r') out += c;
  }
  return out;
}

}  // namespace

Digest digest_of(std::string_view text) {
  Digest digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}
bool same(const Digest& a, const Digest& b) { return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

std::optional<std::string> cookie_of(const Request& request, std::string_view name) {
  for (const auto& [header, value] : request.headers) {
    if (header != "cookie") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = rest.find(';');
      std::string_view pair = rest.substr(0, end);
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') return std::string(pair.substr(name.size() + 1));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  return std::nullopt;
}

namespace {
bool is_form(const Request& request) {
  const std::string* type = request.header("content-type");
  return type && type->starts_with("application/x-www-form-urlencoded");
}
}  // namespace

Response no_form(const Request& request, std::string takes) {
  if (!is_form(request)) return problem(415, "wrong type", std::move(takes));
  return problem(400, "not understood", "the form has a broken %-escape or a zero byte; nothing was done");
}

std::optional<std::map<std::string, std::string>> form_of(const Request& request) {
  if (!is_form(request)) return std::nullopt;
  std::map<std::string, std::string> fields;
  std::string_view rest = request.body;
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    const auto equals = pair.find('=');
    const auto name = decoded(pair.substr(0, equals));
    const auto value = equals == std::string_view::npos ? std::optional<std::string>("") : decoded(pair.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    fields[*name] = *value;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return fields;
}

std::string Seals::sealed(const Ticket& ticket, const Digest& token) const {
  const std::string text = text_of(ticket);
  return text + "." + mac(key_, "session", bytes_of(token), text);
}

std::optional<Ticket> Seals::read(std::string_view cookie) {
  constexpr std::size_t longest = 512;
  if (cookie.size() > longest) return std::nullopt;
  const auto first = cookie.find('.'), second = cookie.find('.', first + 1), third = cookie.find('.', second + 1);
  if (first == std::string_view::npos || second == std::string_view::npos || third == std::string_view::npos) return std::nullopt;
  const auto name = from_base64url(cookie.substr(0, first));
  std::int64_t until = 0;
  const auto [end, error] = std::from_chars(cookie.data() + first + 1, cookie.data() + second, until);
  if (!name || error != std::errc() || end != cookie.data() + second || until < 0 || until > 100'000'000'000) return std::nullopt;
  return Ticket{*name, Time(seconds{until}), std::string(cookie.substr(second + 1, third - second - 1))};
}

bool Seals::holds(std::string_view cookie, const Digest& token, Time now) const {
  const auto ticket = read(cookie);
  if (!ticket || now >= ticket->until) return false;
  const std::string right = sealed(*ticket, token);
  return right.size() == cookie.size() && CRYPTO_memcmp(right.data(), cookie.data(), right.size()) == 0;
}

std::string Seals::form_token(const std::string& nonce, const Digest& token) const {
  return mac(key_, "form", bytes_of(token), nonce).substr(0, 32);
}
std::string Seals::form_token(const std::string& nonce) const { return mac(key_, "signing in", "", nonce).substr(0, 32); }

std::string nonce_of(Dice& dice) {
  std::string bytes;
  for (int rolls = 0; rolls < 2; ++rolls) {
    const std::uint64_t roll = dice.roll();
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(roll >> shift);
  }
  return hex_of(bytes);
}

namespace {

std::string read_key(int file) {
  char bytes[key_bytes * 2 + 1];
  const auto size = ::read(file, bytes, sizeof bytes);
  return size == static_cast<ssize_t>(key_bytes * 2) ? std::string(bytes, key_bytes * 2) : std::string();
}

[[noreturn]] void fail(const std::string& path) {
  throw std::runtime_error("cannot keep the key of the sessions in " + path + ": " + std::strerror(errno));
}

}  // namespace

std::string kept_key(const std::string& path, Dice& dice) {
  if (const int there = ::open(path.c_str(), O_RDONLY | O_CLOEXEC); there >= 0) {
    std::string key = read_key(there);
    ::close(there);
    if (!key.empty()) return key;
  } else if (errno != ENOENT) {
    fail(path);
  }
  // Whole or not at all, whoever pulls the plug meanwhile.
  const std::string key = nonce_of(dice) + nonce_of(dice), draft = path + ".new";
  ::unlink(draft.c_str());
  const int made = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) fail(draft);
  const bool written = ::write(made, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(made) == 0;
  ::close(made);
  if (!written || ::rename(draft.c_str(), path.c_str()) != 0) fail(path);
  return key;
}

}  // namespace drwatch::web
