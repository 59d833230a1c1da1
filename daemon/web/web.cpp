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

}  // namespace

Web::Web(World world, Desk& desk, Log& log, TaskGroup& tasks, const ServerSettings& settings) : inside_(std::make_unique<Inside>()) {
  auto room = std::make_shared<web::Room>(world, desk, log, settings);
  auto respond = [room](web::Request request) { return web::respond(room, std::move(request)); };
  auto server = std::make_shared<web::Server>(world, tasks, settings.listen, web::Limits{}, std::move(respond),
                                              [room](const web::Request& head) { return web::admit(*room, head); });
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

void Web::reload(const ServerSettings& settings) {
  auto& room = *inside_->room;
  room.server = settings;
  room.auth = web::Auth(settings);
  room.base_url = base_url(settings, address());
  inside_->server->trust(web::Proxies(settings.trusted_proxies));
  try {
    inside_->server->identity(identity_of(settings));
  } catch (const std::runtime_error& error) {
    // Going on with the certificate that works beats going dark.
    room.log.line(Importance::error, std::string(error.what()) + "; the certificate loaded before stays in use");
  }
}

void Web::stop() { inside_->server->stop(); }

}  // namespace drwatch
