// Nothing starts before its files are known to be the sweep's.
#include <gmock/gmock.h>

#include "tests/worker/agent/session_fixture.h"

namespace lorikeet::agent {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using M = v1::WorkerMessage;

const std::string kOne(64, '1'), kTwo(64, '2');
const std::vector<FileFingerprint> kFixed = {
    {"model", kOne}, {"/data/train.jsonl", kTwo}, {"documents", kTwo}, {"/adapters/other", kOne}};

class SessionFilesTest : public SessionTest {
 protected:
  SessionFilesTest() {
    options_.fingerprinter = &fingerprinter_;
    Restart();
    Connect();
  }
  void Answer(const std::string& id, const std::vector<FileFingerprint>& found) {
    session_->OnFingerprints(id, found);
    session_->Tick();
  }
  // The events sent since the last call.
  std::vector<v1::Event> Events() {
    std::vector<v1::Event> events;
    for (const auto& message : link_.Take(M::kEvents))
      events.insert(events.end(), message.events().events().begin(), message.events().events().end());
    return events;
  }
};

TEST_F(SessionFilesTest, StartsWhatHasTheSweepsFilesOnceThatIsKnown) {
  Grant("a-1", 1, {0}, "t-1", SmallTrial(), kFixed);
  ASSERT_THAT(fingerprinter_.asked, SizeIs(1));
  EXPECT_EQ(fingerprinter_.asked[0].first, "a-1");
  EXPECT_EQ(fingerprinter_.asked[0].second, SmallTrial());
  Advance(seconds(20));
  EXPECT_THAT(launcher_.started, IsEmpty());
  EXPECT_THAT(link_.Take(M::kRenew), SizeIs(testing::Ge(1))) << "meanwhile its lease is renewed";
  const auto progress = link_.Take(M::kProgress);
  ASSERT_THAT(progress, SizeIs(1));
  EXPECT_EQ(progress[0].progress().phase(), "fingerprinting");

  Answer("a-1", {{"model", kOne}, {"/data/train.jsonl", kTwo}, {"/data/test.jsonl", kTwo}});
  EXPECT_THAT(launcher_.started, SizeIs(1));
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(1));
  ASSERT_EQ(events[0].fingerprints().files_size(), 3);
  EXPECT_EQ(events[0].fingerprints().files(2).name(), "/data/test.jsonl");
  EXPECT_EQ(events[0].fingerprints().files(2).value(), kTwo);
  Answer("a-1", {{"model", kTwo}});  // nobody asked
  EXPECT_THAT(launcher_.started, SizeIs(1));
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(SessionFilesTest, HandsBackWhatHasOtherFilesAndSaysWhich) {
  Grant("a-1", 1, {0}, "t-1", SmallTrial(), kFixed);
  Answer("a-1", {{"model", kTwo}, {"/data/train.jsonl", kTwo}, {"/data/test.jsonl", kTwo}});
  EXPECT_THAT(launcher_.started, IsEmpty());
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_TRUE(events[0].has_fingerprints()) << "it is the coordinator that decides";
  EXPECT_EQ(events[1].returned().reason(),
            "its worker's files are not the sweep's: model: its fingerprint is 222222222222…, the sweep's "
            "111111111111…");
  EXPECT_FALSE(events[1].returned().not_started());
  EXPECT_THAT(link_.Take(M::kClosed), SizeIs(1)) << "its slot is free at once";
  Ack("a-1", 2);
  EXPECT_FALSE(HasAttempt("a-1"));
}

TEST_F(SessionFilesTest, AMissingFileIsADifferenceOnlyWhereItIsKnownWhatItShouldBe) {
  const std::vector<FileFingerprint> found = {{"model", "", "/models/tiny: no such folder"}};
  Grant("a-1", 1, {0}, "t-1", SmallTrial(), kFixed);
  Answer("a-1", found);
  EXPECT_THAT(launcher_.started, IsEmpty());
  EXPECT_THAT(Events().at(1).returned().reason(), HasSubstr("model: /models/tiny: no such folder"));
  // The trainer says best what it misses.
  Grant("a-2", 1, {1}, "t-2");
  Answer("a-2", found);
  EXPECT_THAT(launcher_.started, SizeIs(1));
  EXPECT_EQ(Events().at(0).fingerprints().files(0).error(), "/models/tiny: no such folder");
}

TEST_F(SessionFilesTest, AnAnswerThatComesTooLateStartsNothing) {
  Grant("a-1");
  Receive([](auto& message) {
    message.mutable_revoke()->set_attempt_id("a-1");
    message.mutable_revoke()->set_token(1);
    message.mutable_revoke()->set_reason("cancelled");
  });
  Answer("a-1", {{"model", kOne}});
  EXPECT_FALSE(HasAttempt("a-1"));
  Grant("a-2", 1, {0}, "t-2");
  session_->HandBack("asked to");
  Answer("a-2", {{"model", kOne}});
  EXPECT_THAT(launcher_.started, IsEmpty());
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].returned().reason(), "asked to");
}

TEST_F(SessionFilesTest, FilesThatCannotBeReadNowAreNoDifference) {
  Grant("a-1", 1, {0}, "t-1", SmallTrial(), kFixed);
  session_->OnFilesUnread("a-1", Internal("/models/tiny/config.json: cannot be read: Stale file handle"));
  session_->Tick();
  EXPECT_THAT(launcher_.started, IsEmpty());
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(1)) << "no word of fingerprints, for which it would be barred";
  EXPECT_TRUE(events[0].returned().not_started());
  EXPECT_THAT(events[0].returned().reason(), HasSubstr("Stale file handle"));
  EXPECT_THAT(link_.Take(M::kClosed), IsEmpty()) << "its slot rests";
  Advance(options_.start_backoff);
  EXPECT_THAT(link_.Take(M::kClosed), SizeIs(1));
  session_->OnFilesUnread("a-1", Internal("told twice"));
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(SessionFilesTest, FilesThatAreNeverReadAreNotWaitedForForEver) {
  Grant("a-1");
  Advance(options_.prepare_limit - seconds(1));
  session_->Tick();
  EXPECT_THAT(Events(), IsEmpty());
  Advance(seconds(1));
  session_->Tick();
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_TRUE(events[0].returned().not_started());
  EXPECT_THAT(events[0].returned().reason(), HasSubstr("its files were read for longer than 1800 s"));
  Answer("a-1", {{"model", kOne}});
  EXPECT_THAT(launcher_.started, IsEmpty());
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(SessionFilesTest, WhatWaitedForItsFilesIsHandedBackByTheNextStart) {
  Grant("a-1");
  Restart();
  Connect({{"a-1", 0}});
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].returned().reason(), "its worker was restarted");
  EXPECT_FALSE(events[0].returned().not_started());
}

TEST_F(SessionFilesTest, WhatThisHostCannotStartSaysSo) {
  launcher_.refusal = Internal("no more processes");
  Grant("a-1");
  Answer("a-1", {{"model", kOne}});
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_TRUE(events[1].returned().not_started());
}

TEST(Difference, IsOfNamesThatBothSidesKnow) {
  EXPECT_EQ(Difference({{"model", kOne}}, {}), std::nullopt);
  EXPECT_EQ(Difference({{"model", kOne}}, {{"documents", kTwo}, {"model", ""}}), std::nullopt);
  EXPECT_EQ(Difference({{"model", kOne}, {"/b", kOne}}, {{"model", kTwo}, {"/b", kTwo}}),
            "model: its fingerprint is 111111111111…, the sweep's 222222222222…; "
            "/b: its fingerprint is 111111111111…, the sweep's 222222222222…");
}

}  // namespace
}  // namespace lorikeet::agent
