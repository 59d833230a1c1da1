// SPDX-License-Identifier: Apache-2.0
// One look-up of one name by c-ares, driven by the loop. A channel of its own, so that it can be ended at any moment.
#pragma once

#include "probes/seams/world.hpp"

#include <ares.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>

namespace drwatch {

class Bell;

// Use: construct, begin(), wait for done(), read `status` and `answer` or `bytes`. By shared pointer, since waits refer to it weakly. On
// the loop's thread only.
class AresLookup : public std::enable_shared_from_this<AresLookup> {
 public:
  // `servers` ("192.0.2.53:53"): only these are asked; empty: those of /etc/resolv.conf. `last_word`: the first answer counts, also
  // SERVFAIL or REFUSED; otherwise such an answer makes c-ares go on to the next server. `flags`: ARES_FLAG_...
  AresLookup(boost::asio::any_io_executor loop, const std::vector<std::string>& servers, bool last_word, int flags = 0);
  static std::vector<std::string> system_servers();  // "192.0.2.53:53", in their order
  ~AresLookup();
  AresLookup(const AresLookup&) = delete;

  // Looks for addresses, into `answer`.
  void begin(const std::string& name, Family family);
  // Asks for one record type (its number); the message goes unread into `bytes`. Whether the server is to ask others for it (recursion) is
  // one of the `flags`.
  void begin(const std::string& name, int type);
  void end();  // cancels what is under way; nothing is called any more
  const std::shared_ptr<Bell>& done() const { return done_; }

  int status = ARES_ECANCELLED;  // an ARES_... number, once done; ARES_ENOMEM and the like when it could not even begin
  Resolved answer;
  std::optional<std::string> bytes;

 private:
  // A socket of c-ares. `read`, `write`: what c-ares wants to hear of; `reading`, `writing`: a wait for it is under way.
  struct Watch {
    boost::asio::posix::stream_descriptor descriptor;
    ares_socket_t socket;
    bool read = false, write = false, reading = false, writing = false;
  };

  static void on_socket(void* self, ares_socket_t socket, int read, int write);
  static void on_answer(void* self, int status, int timeouts, ares_addrinfo* list);
  static void on_bytes(void* self, int status, int timeouts, unsigned char* bytes, int size);
  void wait_for(const std::shared_ptr<Watch>& watch);
  void process(ares_socket_t readable, ares_socket_t writable);
  void arm_timer();

  boost::asio::any_io_executor loop_;
  ares_channel channel_ = nullptr;
  boost::asio::steady_timer timer_;
  std::shared_ptr<Bell> done_;
  std::map<ares_socket_t, std::shared_ptr<Watch>> watches_;
};

}  // namespace drwatch
