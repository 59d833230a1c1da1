// SPDX-License-Identifier: Apache-2.0
// One listening socket and its connections: HTTP/1.1 with keep-alive, every wait and every size bounded. What is answered is not its
// business.
#pragma once

#include "daemon/tasks/task_group.hpp"
#include "daemon/web/http/message.hpp"
#include "daemon/web/http/peers.hpp"
#include "daemon/web/http/socket.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace drwatch::web {

struct Limits {
  std::size_t header_bytes = 16 * 1024, body_bytes = 64 * 1024;  // of a body: where its route has no bound of its own
  std::size_t connections = 1024;                                // at once; whoever is slowest makes room
  std::size_t streams = 256;                                     // of them, responses without an end; half of it where no token was shown
  std::size_t of_a_peer = 256;                                   // connections of one address; not of a proxy
  std::size_t unsent_bytes = 64 << 20;                           // of all answers that their readers have not taken yet
  Duration header_within = seconds{10};                          // from its first byte (and the TLS handshake)
  Duration body_within = seconds{20};
  Duration write_within = seconds{30};      // a piece of a response must be taken
  Duration idle = seconds{60};              // between requests
  Duration look_every = milliseconds{500};  // how exactly all of these are kept
};

class Server : public std::enable_shared_from_this<Server> {
 public:
  // Makes the response to a request, whatever it is; may take its time. It must not throw: the connection would end without an answer.
  using Respond = std::function<Task<SharedResponse>(Request)>;
  // Incoming::Admit, with all that the server knows of the request. Nothing of the body of one that is refused is read, and its connection
  // ends with the answer.
  using Admit = std::function<std::variant<std::size_t, Response>(const Request&)>;
  // What the server itself has to refuse, as whoever asked wants it said: the request is known as far as it was read.
  using Refuse = std::function<Response(const Request&, Response)>;

  // `listen`: "127.0.0.1:9780", "[::1]:9780". Binds and listens at once. Throws std::runtime_error with what to do ("cannot listen on
  // 127.0.0.1:9780: Address already in use; ..."). Connections are accepted after start().
  Server(World world, TaskGroup& tasks, const std::string& listen, Limits limits, Respond respond, Admit admit = {});
  // A Unix socket beside it, for root and the user that drwatch runs as: they need no token. Binds at once; throws as the constructor does.
  void listen_locally(const std::string& path);
  void start();
  // Takes nothing more and closes what is not being answered; the answers under way are given, and their connections end. The tasks end
  // with their group.
  void stop();
  std::string address() const;                        // with the port as bound
  void identity(std::shared_ptr<Identity> identity);  // of connections from now on; null: plain
  void trust(Proxies proxies);                        // of requests and connections from now on
  void refuse_with(Refuse refuse) { refuse_ = std::move(refuse); }
  std::size_t connections() const { return connections_.size(); }
  std::size_t answering() const;  // of them, those whose request is being answered

 private:
  enum class Doing { handshake, idle, header, body, answering, writing, streaming, leaving };
  struct Connection {
    std::uint64_t id = 0;
    TaskGroup::Id task = 0;
    std::unique_ptr<Socket> socket;
    std::string peer, share;  // its address, and as whose connection it counts
    bool loopback = false;
    std::string local_user;
    std::string buffer;  // read, not yet understood
    Doing doing = Doing::handshake;
    std::chrono::nanoseconds since{0}, until{0};  // boottime
    std::size_t bytes = 0;                        // that came or went since `since`
    std::size_t unsent = 0;                       // of its answer
    bool late = false;                            // the deadline passed while it was sending
    bool answered = false;                        // one request at least
  };
  using Shared = std::shared_ptr<Server>;
  using One = std::shared_ptr<Connection>;
  struct Streaming;

  static Task<void> accept(Shared self);
  static Task<void> accept_locally(Shared self);
  static Task<void> look_after(Shared self);
  static Task<void> serve(Shared self, One one);
  static Task<std::optional<Request>> receive(Shared self, One one);
  static Task<bool> read_more(Shared self, One one);
  static Task<bool> send(Shared self, One one, std::string bytes);
  static Task<bool> send_shared(Shared self, One one, std::string header, std::shared_ptr<const std::string> body);
  static Task<bool> answer(Shared self, One one, Request request);
  static Task<void> leave(Shared self, One one);
  Response refused(const Request& request, Response refusal) const { return refuse_ ? refuse_(request, std::move(refusal)) : refusal; }

  void begin(One one, Doing doing);
  static bool in_answer(const Connection& one);
  void tell_whence(const Connection& one, Request& request) const;
  double pace(const Connection& one) const;
  bool close_slowest(const std::function<bool(const Connection&)>& among);
  bool make_room();
  void take_in(boost::asio::ip::tcp::socket socket);
  void take_in_locally(boost::asio::local::stream_protocol::socket socket);
  void begin_serving(One one, Doing doing);

  World world_;
  TaskGroup& tasks_;
  Limits limits_;
  Respond respond_;
  Admit admit_;
  Refuse refuse_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::local::stream_protocol::acceptor local_;
  std::string local_path_;
  std::shared_ptr<Identity> identity_;
  std::shared_ptr<Handshakes> handshakes_;
  Proxies proxies_;
  std::map<std::uint64_t, One> connections_;
  std::uint64_t next_id_ = 1;
  std::size_t streams_ = 0, anonymous_streams_ = 0, unsent_ = 0;
  TaskGroup::Id accepting_ = 0, accepting_locally_ = 0, looking_ = 0;
  bool stopped_ = false;
};

}  // namespace drwatch::web
