// Requests under an id of the client's: done once, answered alike however often they are asked.
#include <functional>

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::HasSubstr;

class RequestsTest : public ServiceTest {
 protected:
  // Submits under that id; how it was answered.
  StatusOr<std::string> SubmitOnce(const std::string& id, const std::string& sweep,
                                   const std::string& fingerprint = "f") {
    return service_->Once({.id = id, .fingerprint = fingerprint}, [&]() -> StatusOr<std::string> {
      ++done_;
      ASSIGN_OR_RETURN(const Submitted submitted, service_->Submit(MakeSweep(sweep, 0, 1)));
      return std::string(submitted.existing ? "there\0" : "new\0", submitted.existing ? 6 : 4) +
             submitted.sweep_id;
    });
  }
  int done_ = 0;
};

TEST_F(RequestsTest, TheFirstAnswerIsGivenAgain) {
  const auto first = SubmitOnce("r-1", "one");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(*SubmitOnce("r-1", "one"), *first);
  EXPECT_EQ(done_, 1);
  EXPECT_NE(*SubmitOnce("r-2", "one"), *first) << "another request: the sweep is there by now";
  EXPECT_EQ(done_, 2);
}

TEST_F(RequestsTest, ARestartForgetsNone) {
  const std::string first = *SubmitOnce("r-1", "one");
  Restart();
  EXPECT_EQ(*SubmitOnce("r-1", "one"), first);
  EXPECT_EQ(done_, 1);
}

TEST_F(RequestsTest, AnotherRequestUnderTheSameIdIsRefused) {
  ASSERT_TRUE(SubmitOnce("r-1", "one", "f").ok());
  const auto other = SubmitOnce("r-1", "two", "g");
  EXPECT_TRUE(absl::IsInvalidArgument(other.status()));
  EXPECT_THAT(Message(other.status()), HasSubstr("request_id r-1: it was used for another request"));
  EXPECT_FALSE(service_->GetSweep("two").ok());
}

TEST_F(RequestsTest, AnErrorIsNotKept) {
  const auto refused = [&] {
    return service_->Once({.id = "r-1", .fingerprint = "f"}, [&]() -> StatusOr<std::string> {
      ++done_;
      ASSIGN_OR_RETURN(const Paused paused, service_->Pause("one"));
      return paused.state;
    });
  };
  EXPECT_TRUE(absl::IsNotFound(refused().status()));
  Submit(MakeSweep("one", 0, 1));
  EXPECT_EQ(*refused(), "paused");
  EXPECT_EQ(done_, 2);
}

// The answer to a lost retry must not undo what a person did since.
TEST_F(RequestsTest, ALateRepetitionDoesNothing) {
  Submit(MakeSweep("one", 0, 1));
  const auto pause = [&] {
    return service_->Once({.id = "r-1", .fingerprint = "f"}, [&]() -> StatusOr<std::string> {
      ASSIGN_OR_RETURN(const Paused paused, service_->Pause("one"));
      return paused.state;
    });
  };
  EXPECT_EQ(*pause(), "paused");
  ASSERT_TRUE(service_->Resume("one").ok());
  EXPECT_EQ(*pause(), "paused");
  EXPECT_EQ(core::Name(View("one").sweep.state), "running");
}

TEST_F(RequestsTest, AreKeptForADay) {
  ASSERT_TRUE(SubmitOnce("r-1", "one").ok());
  clock_.Advance(std::chrono::hours(23));
  ASSERT_TRUE(SubmitOnce("r-2", "two").ok());
  EXPECT_EQ(One("SELECT count(*) FROM requests"), "2");
  clock_.Advance(std::chrono::hours(2));
  ASSERT_TRUE(SubmitOnce("r-3", "three").ok());
  EXPECT_EQ(One("SELECT group_concat(id) FROM (SELECT id FROM requests ORDER BY id)"), "r-2,r-3");
}

TEST_F(RequestsTest, WithoutAnIdNothingIsKept) {
  ASSERT_TRUE(SubmitOnce("", "one").ok());
  ASSERT_TRUE(SubmitOnce("", "one").ok());
  EXPECT_EQ(done_, 2);
  EXPECT_EQ(One("SELECT count(*) FROM requests"), "0");
}

}  // namespace
}  // namespace lorikeet::service
