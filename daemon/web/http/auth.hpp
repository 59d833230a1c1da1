// SPDX-License-Identifier: Apache-2.0
// Who may do what. Tokens are compared in constant time, all of them every time.
#pragma once

#include "config/settings.hpp"
#include "daemon/web/http/message.hpp"

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace drwatch::web {

using Digest = std::array<unsigned char, 32>;
// SHA-256, so that what is compared always has the same length, and how far two digests agree tells nothing about the token.
Digest digest_of(std::string_view text);
bool same(const Digest& a, const Digest& b);  // constant time

enum class Role { viewer, responder, admin };
// What a route asks for: nothing; to read (which loopback may without a token); a role.
// figures: reading, from any Host (scrapers name the host as they like). reloading: an admin, or drwatch's own user on its local socket.
enum class Needs { nothing, reading, figures, responder, admin, reloading };

struct Caller {
  std::string name;  // of the token; empty: none was needed
  Role role = Role::viewer;
};

class Auth {
 public:
  // Keeps digests of the tokens, not the tokens. With a public_url loopback needs a token too, unless open_reading is set: behind a reverse
  // proxy on this machine everybody comes from loopback.
  explicit Auth(const ServerSettings& server);
  // The caller, or why not (401, 403).
  std::variant<Caller, Response> admit(const Request& request, Needs needs) const;
  // A right token is never kept waiting; the answer to a wrong one is.
  static constexpr Duration wrong_token_held = seconds{1};

 private:
  struct Known {
    std::string name;
    Role role;
    Digest digest;
  };
  std::optional<Caller> caller(std::string_view token) const;
  bool host_is_ours(const Request& request) const;

  std::vector<Known> known_;
  bool free_reading_ = true;  // loopback reads without a token
  std::string public_host_;
};

}  // namespace drwatch::web
