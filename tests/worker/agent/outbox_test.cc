#include "worker/agent/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lorikeet::agent {
namespace {

v1::WorkerMessage Events(std::int64_t token) {
  v1::WorkerMessage message;
  message.mutable_events()->set_token(token);
  return message;
}
v1::WorkerMessage Renew(std::int64_t nonce) {
  v1::WorkerMessage message;
  message.mutable_renew()->set_nonce(nonce);
  return message;
}
// In the order in which they leave: "r1 e2".
std::string Drain(Outbox& outbox) {
  std::string order;
  while (!outbox.empty()) {
    const v1::WorkerMessage message = outbox.Pop();
    order +=
        (order.empty() ? "" : " ") + (message.has_renew() ? "r" + std::to_string(message.renew().nonce())
                                                          : "e" + std::to_string(message.events().token()));
  }
  return order;
}

TEST(Outbox, RenewalsOvertakeEventsAndNotEachOther) {
  Outbox outbox;
  outbox.Push(Events(1));
  outbox.Push(Events(2));
  outbox.Push(Renew(1));
  outbox.Push(Events(3));
  outbox.Push(Renew(2));
  EXPECT_EQ(outbox.size(), 5U);
  EXPECT_EQ(Drain(outbox), "r1 r2 e1 e2 e3");
}

TEST(Outbox, KeepsItsOrderWhileItIsRead) {
  Outbox outbox;
  outbox.Push(Renew(1));
  outbox.Push(Renew(2));
  outbox.Push(Events(1));
  EXPECT_TRUE(outbox.Pop().has_renew());
  outbox.Push(Renew(3));
  EXPECT_EQ(outbox.Pop().renew().nonce(), 2);
  EXPECT_EQ(outbox.Pop().renew().nonce(), 3);
  EXPECT_TRUE(outbox.Pop().has_events());
  outbox.Push(Events(2));
  outbox.Push(Renew(4));
  EXPECT_EQ(Drain(outbox), "r4 e2");
}

TEST(Outbox, CountsItsBytes) {
  Outbox outbox;
  outbox.Push(Events(1));
  outbox.Push(Renew(1));
  EXPECT_EQ(outbox.bytes(), Events(1).ByteSizeLong() + Renew(1).ByteSizeLong());
  Drain(outbox);
  EXPECT_EQ(outbox.bytes(), 0U);
}

}  // namespace
}  // namespace lorikeet::agent
