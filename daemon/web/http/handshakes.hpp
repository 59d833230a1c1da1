// SPDX-License-Identifier: Apache-2.0
// Whose turn it is to compute a step of its TLS handshake. A signature with a large key takes milliseconds on the loop, so that a thousand
// clients at once would stall it for seconds: steps are taken one at a time, by turns of the peers, and never more than a share of the
// loop.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace drwatch::web {

// On the loop's thread only.
class Handshakes : public std::enable_shared_from_this<Handshakes> {
 public:
  using Steady = boost::asio::steady_timer::clock_type;

  // One step's place among those that wait. Destroying it ends the step, or gives the place up.
  class Place {
   public:
    Place(std::shared_ptr<Handshakes> all, std::string peer);
    ~Place();
    Place(const Place&) = delete;
    // To be waited for (async_wait), whatever it ends with: then the turn has come, or the place was given up.
    boost::asio::steady_timer& turn() { return turn_; }
    bool granted() const { return granted_; }
    void begin();  // the computing, whose time is counted until the end of the place
    void give_up();

   private:
    friend class Handshakes;
    void wake();
    std::shared_ptr<Handshakes> all_;
    std::string peer_;
    boost::asio::steady_timer turn_;
    std::optional<Steady::time_point> began_;
    bool granted_ = false, over_ = false;
  };

  // Of so many parts of the loop's time all steps together take one.
  static constexpr int parts = 4;

  explicit Handshakes(boost::asio::any_io_executor loop) : loop_(loop), pause_(std::move(loop)) {}
  // A place behind all others of this peer. One peer's many count as one among the peers.
  std::shared_ptr<Place> enter(const std::string& peer);
  std::size_t waiting() const;

 private:
  void go_on();
  void leave(Place& place);
  void ended(Steady::duration took);

  boost::asio::any_io_executor loop_;
  boost::asio::steady_timer pause_;
  std::map<std::string, std::deque<Place*>> of_peer_;  // none is empty
  std::deque<std::string> round_;                      // the keys of the above, the next one first
  Steady::time_point not_before_{};
  bool busy_ = false, pausing_ = false;
};

}  // namespace drwatch::web
