#include "worker/agent/outbox.h"

#include <utility>

namespace lorikeet::agent {

void Outbox::Push(const v1::WorkerMessage& message) {
  bytes_ += message.ByteSizeLong();
  if (message.has_renew()) {
    messages_.insert(messages_.begin() + static_cast<std::ptrdiff_t>(renewals_++), message);
  } else {
    messages_.push_back(message);
  }
}

v1::WorkerMessage Outbox::Pop() {
  v1::WorkerMessage message = std::move(messages_.front());
  messages_.pop_front();
  if (renewals_ > 0) --renewals_;
  bytes_ -= message.ByteSizeLong();
  return message;
}

}  // namespace lorikeet::agent
