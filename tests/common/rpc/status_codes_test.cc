#include "common/rpc/status_codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lorikeet::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(StatusCodes, AreTheContracts) {
  EXPECT_EQ(ToGrpc(absl::OkStatus()).error_code(), grpc::StatusCode::OK);
  EXPECT_EQ(ToGrpc(Aborted("stale")).error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ToGrpc(FailedPrecondition("state")).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ToGrpc(NotFound("missing")).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ToGrpc(InvalidArgument("bad")).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ToGrpc(Unavailable("later")).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ToGrpc(Internal("fault")).error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(ToGrpc(absl::UnauthenticatedError("who")).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ToGrpc(absl::AlreadyExistsError("there")).error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST(StatusCodes, OurOwnMessagesArriveAsTheyWere) {
  for (const Status& status :
       {NotFound("no sweep 'x'"), Aborted("stale"), InvalidArgument("a.yaml:1:2: wrong"),
        FailedPrecondition("finished"), absl::OkStatus()}) {
    EXPECT_EQ(FromGrpc(ToGrpc(status), "peer"), status);
  }
}

TEST(StatusCodes, GrpcsMessagesNameThePeer) {
  const std::string peer = "the coordinator at 127.0.0.1:7070";
  const Status gone = FromGrpc({grpc::StatusCode::UNAVAILABLE, "refused"}, peer);
  EXPECT_TRUE(absl::IsUnavailable(gone));
  EXPECT_THAT(Message(gone), StartsWith(peer));
  EXPECT_THAT(Message(gone), HasSubstr("refused"));
  EXPECT_TRUE(absl::IsUnavailable(FromGrpc({grpc::StatusCode::DEADLINE_EXCEEDED, "late"}, peer)));
  EXPECT_THAT(Message(FromGrpc({grpc::StatusCode::UNAUTHENTICATED, "no"}, peer)), StartsWith(peer));
}

TEST(StatusCodes, LongMessagesAreCutBetweenCharacters) {
  std::string text = "a";
  while (text.size() < 40'000) text += "é";
  const grpc::Status cut = ToGrpc(InvalidArgument("{}", text));
  EXPECT_LT(cut.error_message().size(), 16'000U);
  EXPECT_THAT(cut.error_message(), HasSubstr("(cut)"));
  const std::string kept = cut.error_message().substr(0, cut.error_message().find("\n…"));
  EXPECT_EQ(kept.size() % 2, 1U) << "half a character is left";
}

}  // namespace
}  // namespace lorikeet::rpc
