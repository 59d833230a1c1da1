// SPDX-License-Identifier: Apache-2.0
// Signing in with a token, and out again. Made on the loop, in well under a millisecond: who was paged does not wait behind those who only
// read.
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/rendering.hpp"

namespace drwatch::web {
namespace {

std::string cookie(std::string_view name, const std::string& value, bool secure, Duration lasts) {
  return std::string(name) + "=" + value + "; Path=/; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(lasts.count() / 1000) +
         (secure ? "; Secure" : "");
}

std::string field(const std::map<std::string, std::string>& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

// What an own path leads to, as it is said to people: without the fields of a query.
std::string without_query(const std::string& path) { return path.substr(0, path.find('?')); }

Response login_page(Room& room, const Call& call, const std::string& next, const std::string& refused) {
  // A browser that has one already keeps it: the form of another tab goes on being good.
  auto nonce = cookie_of(call.request, form_cookie);
  if (!nonce || nonce->size() != 32) nonce = nonce_of(room.world.dice);
  View document;
  document["form"] = room.auth.seals().form_token(*nonce);
  document["next"] = next;
  document["leads"] = next == "/" ? View(nullptr) : View(without_query(next));
  document["refused"] = refused.empty() ? View(nullptr) : View(refused);
  document["no_tokens"] = !room.auth.has_tokens();
  const auto already = room.auth.in_session(call.request, room.world.clock.now());
  document["already"] = already ? View(already->name + " (" + std::string(role_name(already->role)) + ")") : View(nullptr);
  Frame frame;
  frame.here = next;
  frame.signing_in = true;
  Response response = page(frame, "login", "Sign in · drwatch", std::move(document));
  response.headers.emplace_back("Set-Cookie", cookie(form_cookie, *nonce, room.auth.by_tls(call.request), session_lasts));
  return response;
}

}  // namespace

Response page_login(Room& room, const Call& call) {
  const auto& query = call.request.query;
  const auto next = query.find("next");
  return login_page(room, call, next == query.end() ? "/" : own_path(next->second),
                    query.contains("ended") ? "The session is over, and nothing was done. Sign in and do it again." : "");
}

Task<SharedResponse> sign_in(Room& room, Call call) {
  const auto fields = form_of(call.request);
  if (!fields) co_return shared(no_form(call.request, "this takes the form of the page /login"));
  const std::string next = own_path(field(*fields, "next"));
  const auto refuse = [&](int status, const std::string& why) {
    Response response = login_page(room, call, next, why);
    response.status = status;
    return response;
  };
  const auto nonce = cookie_of(call.request, form_cookie);
  if (!nonce) co_return shared(refuse(403, "This browser has kept no cookie of this page. Allow cookies for it, and try again."));
  if (field(*fields, "form") != room.auth.seals().form_token(*nonce))
    co_return shared(refuse(403, "This form was not the newest. Try again."));
  std::string token = field(*fields, "token");
  // Pasted from a file or a chat, it often brings a blank or a line's end.
  token.erase(0, token.find_first_not_of(" \t\n"));
  token.erase(token.find_last_not_of(" \t\n") + 1);
  const auto session = room.auth.session_for(token, room.world.clock.now(), nonce_of(room.world.dice));
  if (!session) {
    room.note_wrong_token(call.request);
    Response wrong = refuse(401, "This is no token of [server.tokens]. Look at it again: it may have been changed.");
    wrong.held = Auth::wrong_token_held;
    co_return shared(std::move(wrong));
  }
  Response response = see_other(next);
  response.headers.emplace_back("Set-Cookie", cookie(session_cookie, *session, room.auth.by_tls(call.request), session_lasts));
  co_return shared(std::move(response));
}

// Ends the session in this browser. Sealed, and not stored anywhere, a copy of the cookie made elsewhere stays good until its time is over
// or the token is changed.
Task<SharedResponse> sign_out(Room& room, Call call) {
  const auto who = room.auth.in_session(call.request, room.world.clock.now());
  // Another site's form brings no cookie (SameSite=Lax): it must not take away the one that the browser has.
  if (!who) co_return shared(see_other("/login"));
  const auto fields = form_of(call.request);
  if (!fields || field(*fields, "form") != who->form_token)
    co_return shared(problem(403, "not this form", "the form is not one of this session's; load the page again"));
  Response response = see_other("/login");
  response.headers.emplace_back("Set-Cookie", cookie(session_cookie, "", room.auth.by_tls(call.request), Duration{0}));
  co_return shared(std::move(response));
}

}  // namespace drwatch::web
