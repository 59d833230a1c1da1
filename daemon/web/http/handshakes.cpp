// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/http/handshakes.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

// Also after a step that took no time to speak of: what else is due comes between any two.
constexpr Handshakes::Steady::duration least_pause = std::chrono::microseconds(100);

}  // namespace

Handshakes::Place::Place(std::shared_ptr<Handshakes> all, std::string peer)
    : all_(std::move(all)), peer_(std::move(peer)), turn_(all_->loop_, boost::asio::steady_timer::time_point::max()) {}

Handshakes::Place::~Place() {
  if (granted_)
    all_->ended(began_ ? Steady::now() - *began_ : Steady::duration(0));
  else
    give_up();
}

void Handshakes::Place::begin() { began_ = Steady::now(); }

void Handshakes::Place::give_up() {
  if (granted_ || over_) return;
  over_ = true;
  all_->leave(*this);
  wake();
}

// Whoever waits goes on, and whoever begins to wait after this as well.
void Handshakes::Place::wake() { turn_.expires_at(boost::asio::steady_timer::time_point::min()); }

std::shared_ptr<Handshakes::Place> Handshakes::enter(const std::string& peer) {
  auto place = std::make_shared<Place>(shared_from_this(), peer);
  auto& its = of_peer_[peer];
  if (its.empty()) round_.push_back(peer);
  its.push_back(place.get());
  go_on();
  return place;
}

std::size_t Handshakes::waiting() const {
  std::size_t count = 0;
  for (const auto& [peer, its] : of_peer_) count += its.size();
  return count;
}

void Handshakes::leave(Place& place) {
  const auto its = of_peer_.find(place.peer_);
  if (its == of_peer_.end()) return;
  std::erase(its->second, &place);
  if (!its->second.empty()) return;
  of_peer_.erase(its);
  std::erase(round_, place.peer_);
}

void Handshakes::ended(Steady::duration took) {
  busy_ = false;
  not_before_ = Steady::now() + std::max(least_pause, (parts - 1) * took);
  go_on();
}

void Handshakes::go_on() {
  if (busy_ || pausing_ || round_.empty()) return;
  if (Steady::now() < not_before_) {
    pausing_ = true;
    pause_.expires_at(not_before_);
    pause_.async_wait([self = weak_from_this()](const boost::system::error_code&) {
      if (const auto all = self.lock()) {
        all->pausing_ = false;
        all->go_on();
      }
    });
    return;
  }
  const std::string peer = std::move(round_.front());
  round_.pop_front();
  const auto its = of_peer_.find(peer);
  Place& next = *its->second.front();
  its->second.pop_front();
  if (its->second.empty())
    of_peer_.erase(its);
  else
    round_.push_back(peer);
  busy_ = next.granted_ = true;
  next.wake();
}

}  // namespace drwatch::web
