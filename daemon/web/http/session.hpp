// SPDX-License-Identifier: Apache-2.0
// A browser's session: a cookie that says whose token was shown, and until when it is good for. It is sealed and not stored: a restart ends
// none, and changing a token ends all that were made with it.
#pragma once

#include "config/rows/time.hpp"
#include "daemon/web/http/message.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace drwatch::web {

using Digest = std::array<unsigned char, 32>;
// SHA-256, so that what is compared always has the same length, and how far two digests agree tells nothing about the token.
Digest digest_of(std::string_view text);
bool same(const Digest& a, const Digest& b);  // constant time

inline constexpr Duration session_lasts = hours{12};
inline constexpr std::string_view session_cookie = "drwatch_session", form_cookie = "drwatch_form";

// The value of a cookie that the request brings; nullopt: it brings none of that name.
std::optional<std::string> cookie_of(const Request& request, std::string_view name);
// The fields of a form as a browser sends them; nullopt: it is no such body, or has a broken escape. Line ends come as "\n".
std::optional<std::map<std::string, std::string>> form_of(const Request& request);

// Why form_of() has nothing: 415 for what is no form (`takes` says which one is taken), 400 for one that cannot be read.
Response no_form(const Request& request, std::string takes);

// What a sealed cookie says; whether it is true is known when the digest of the token of that name has been looked up.
struct Ticket {
  std::string name;  // of the token
  Time until{};
  std::string nonce;  // its own: what tells two sessions of one token apart
};

class Seals {
 public:
  // `key`: any bytes that only drwatch knows.
  explicit Seals(std::string key) : key_(std::move(key)) {}
  const std::string& key() const { return key_; }
  std::string sealed(const Ticket& ticket, const Digest& token) const;
  // Whose it says it is, not yet believed; nullopt: it is no ticket of ours.
  static std::optional<Ticket> read(std::string_view cookie);
  // It was sealed here, for this token, and is not over.
  bool holds(std::string_view cookie, const Digest& token, Time now) const;
  // What every form of a session brings back: another site can send a form, but not read one.
  std::string form_token(const std::string& nonce, const Digest& token) const;
  // The same before anybody has signed in, for a browser that holds this nonce in a cookie.
  std::string form_token(const std::string& nonce) const;

 private:
  std::string key_;
};

// 128 bits of chance, as 32 hexadecimal digits.
std::string nonce_of(Dice& dice);

// The key of the seals, from a file that is made, for drwatch's user alone, where there is none yet. Throws std::runtime_error.
std::string kept_key(const std::string& path, Dice& dice);

}  // namespace drwatch::web
