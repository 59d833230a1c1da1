// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/web.hpp"

#include "daemon/web/http/server.hpp"
#include "daemon/web/room.hpp"

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace drwatch {

struct Web::Inside {
  std::shared_ptr<web::Room> room;
  std::shared_ptr<web::Server> server;
};

namespace {

std::shared_ptr<web::Identity> identity_of(const ServerSettings& server) {
  return server.tls_certificate.empty() ? nullptr : web::load_identity(server.tls_certificate, server.tls_key);
}

// In the folder that systemd makes for the unit (RuntimeDirectory=); without one there is none.
std::string local_socket() {
  const char* folder = std::getenv("RUNTIME_DIRECTORY");
  return folder && *folder == '/' && !std::strchr(folder, ':') ? std::string(folder) + "/control.sock" : std::string();
}

std::string base_url(const ServerSettings& server, const std::string& address) {
  if (!server.public_url.empty()) return server.public_url;
  return (server.tls_certificate.empty() ? "http://" : "https://") + address;
}

// Watching and paging do not wait for it: without a file that can be kept, only the sessions end with the daemon.
void keep_sessions(web::Room& room, const std::string& key_file) {
  if (key_file.empty()) return;
  try {
    room.auth = web::Auth(room.server, web::kept_key(key_file, room.world.dice));
  } catch (const std::exception& error) {
    room.log.line(Importance::warning, std::string(error.what()) + "; whoever signs in on a page does so again after a restart");
  }
}

}  // namespace

ServerIdentity read_server_identity(const ServerSettings& server) {
  try {
    return {identity_of(server), ""};
  } catch (const std::exception& error) {
    return {nullptr, error.what()};
  }
}

Web::Web(World world, Desk& desk, Log& log, TaskGroup& tasks, const ServerSettings& settings, const std::string& key_file)
    : inside_(std::make_unique<Inside>()) {
  auto room = std::make_shared<web::Room>(world, desk, log, settings);
  keep_sessions(*room, key_file);
  auto respond = [room](web::Request request) { return web::respond(room, std::move(request)); };
  auto server = std::make_shared<web::Server>(world, tasks, settings.listen, web::Limits{}, std::move(respond),
                                              [room](const web::Request& head) { return web::admit(*room, head); });
  server->refuse_with([room](const web::Request& head, web::Response refusal) { return web::refused(*room, head, std::move(refusal)); });
  server->identity(identity_of(settings));
  server->trust(web::Proxies(settings.trusted_proxies));
  if (const std::string path = local_socket(); !path.empty()) server->listen_locally(path);
  room->base_url = base_url(settings, server->address());
  server->start();
  inside_->room = std::move(room);
  inside_->server = std::move(server);
}

Web::~Web() { stop(); }

std::string Web::address() const { return inside_->server->address(); }

void Web::reload(const ServerSettings& settings, ServerIdentity identity) {
  auto& room = *inside_->room;
  room.server = settings;
  room.auth = web::Auth(settings, room.auth.seals().key());
  room.base_url = base_url(settings, address());
  inside_->server->trust(web::Proxies(settings.trusted_proxies));
  // Going on with the certificate that works beats going dark.
  if (!identity.error.empty()) return room.log.line(Importance::error, identity.error + "; the certificate loaded before stays in use");
  inside_->server->identity(std::move(identity.identity));
}

void Web::stop() { inside_->server->stop(); }

Task<void> Web::answered(Duration patience) {
  constexpr Duration look_every{10};
  for (Duration waited{0}; inside_->server->answering() > 0 && waited < patience; waited += look_every)
    co_await inside_->room->world.clock.sleep_for(look_every);
}

}  // namespace drwatch
