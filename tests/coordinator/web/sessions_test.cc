#include "coordinator/web/sessions.h"

#include <gtest/gtest.h>

namespace lorikeet::web {
namespace {

class SessionsTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  SeededRandom random_{3};
  Sessions sessions_{"a secret", clock_, random_};
  const rpc::TokenHash token_ = rpc::HashOfToken("token");
};

TEST_F(SessionsTest, CookieAndKeyTogetherAreTheToken) {
  const Sessions::Opened session = sessions_.Open(token_);
  EXPECT_EQ(sessions_.Find(session.cookie, session.key), token_);
}

TEST_F(SessionsTest, NeitherOpensAnythingAlone) {
  const Sessions::Opened one = sessions_.Open(token_), other = sessions_.Open(token_);
  EXPECT_NE(one.cookie, other.cookie);
  EXPECT_NE(one.key, other.key);
  EXPECT_FALSE(sessions_.Find(one.cookie, "").has_value());
  EXPECT_FALSE(sessions_.Find("", one.key).has_value());
  EXPECT_FALSE(sessions_.Find(one.cookie, other.key).has_value()) << "of another session";
}

TEST_F(SessionsTest, WhatIsChangedIsNotOurs) {
  const Sessions::Opened session = sessions_.Open(token_);
  for (std::size_t i = 0; i < session.cookie.size(); ++i) {
    std::string changed = session.cookie;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(sessions_.Find(changed, session.key).has_value()) << i;
  }
  for (std::size_t i = 0; i < session.key.size(); ++i) {
    std::string changed = session.key;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(sessions_.Find(session.cookie, changed).has_value()) << i;
  }
  for (const char* nonsense : {".", "...", "....", "x.y.z.w", "0.0.0.0.0"})
    EXPECT_FALSE(sessions_.Find(nonsense, session.key).has_value());
}

TEST_F(SessionsTest, OutlivesARestartWithTheSameSecretAlone) {
  const Sessions::Opened session = sessions_.Open(token_);
  EXPECT_EQ(Sessions("a secret", clock_, random_).Find(session.cookie, session.key), token_);
  EXPECT_FALSE(Sessions("another", clock_, random_).Find(session.cookie, session.key).has_value());
}

TEST_F(SessionsTest, EndsWithItsTime) {
  const Sessions::Opened session = sessions_.Open(token_);
  clock_.Advance(kSessionLasts - std::chrono::seconds(1));
  EXPECT_TRUE(sessions_.Find(session.cookie, session.key).has_value());
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_FALSE(sessions_.Find(session.cookie, session.key).has_value());
}

}  // namespace
}  // namespace lorikeet::web
