// SPDX-License-Identifier: Apache-2.0
// Who may do what. Tokens are compared in constant time, all of them every time.
#pragma once

#include "config/settings.hpp"
#include "daemon/web/http/message.hpp"
#include "daemon/web/http/session.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace drwatch::web {

enum class Role { viewer, responder, admin };
std::string_view role_name(Role role);
// What a route asks for: nothing; to read (which loopback may without a token); a role.
// figures: reading, from any Host (scrapers name the host as they like). reloading: an admin, or drwatch's own user on its local socket.
enum class Needs { nothing, reading, figures, responder, admin, reloading };

struct Caller {
  std::string name;  // of the token; empty: none was needed
  Role role = Role::viewer;
  std::string session;     // the nonce of the browser's session; empty: not by a session
  std::string form_token;  // what the session's forms bring back
};

class Auth {
 public:
  // Keeps digests of the tokens, not the tokens. With a public_url loopback needs a token too, unless open_reading is set: behind a reverse
  // proxy on this machine everybody comes from loopback.
  // `key`: of the sessions' seals (session.hpp).
  explicit Auth(const ServerSettings& server, std::string key = {});
  // The caller, or why not (401, 403). A session reads, and sends the forms of pages (`form`); it is no token for the API's commands, which
  // other sites' pages could have a browser send.
  std::variant<Caller, Response> admit(const Request& request, Needs needs, Time now, bool form = false) const;
  // A session for whoever shows this token, as the cookie's value; nullopt: it is nobody's.
  std::optional<std::string> session_for(std::string_view token, Time now, std::string nonce) const;
  // Whose session the request brings; nullopt: none that is good.
  std::optional<Caller> in_session(const Request& request, Time now) const;
  const Seals& seals() const { return seals_; }
  bool has_tokens() const { return !known_.empty(); }
  // The browser sees us by HTTPS, here or at a proxy: its cookies are sent no other way.
  bool by_tls(const Request& request) const;
  // A right token is never kept waiting; the answer to a wrong one is.
  static constexpr Duration wrong_token_held = seconds{1};

 private:
  struct Known {
    std::string name;
    Role role;
    Digest digest;
  };
  const Known* known(std::string_view token) const;
  bool host_is_ours(const Request& request) const;

  std::vector<Known> known_;
  Seals seals_;
  bool free_reading_ = true;  // loopback reads without a token
  bool own_tls_ = false, public_tls_ = false;
  std::string public_host_;
};

}  // namespace drwatch::web
