#include "coordinator/rpc/server.h"

#include <gmock/gmock.h>
#include <google/protobuf/io/coded_stream.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>

#include "fixture.h"
#include "lorikeet/v1/client.grpc.pb.h"

namespace lorikeet::rpc {
namespace {

using ::testing::HasSubstr;

// A call of a method whose messages are given as bytes; Debian has no generated code for health and
// reflection.
StatusOr<std::string> RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                              const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(&context, method, &queue);
  const auto step = [&] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  stream->StartCall(nullptr);
  step();
  const grpc::Slice slice(request);
  stream->WriteLast(grpc::ByteBuffer(&slice, 1), {}, nullptr);
  step();
  grpc::ByteBuffer answer;
  stream->Read(&answer, nullptr);
  const bool read = step();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  step();
  if (!read)
    return Internal("no answer: {} {}", static_cast<int>(status.error_code()), status.error_message());
  grpc::Slice bytes;
  if (!answer.DumpToSingleSlice(&bytes).ok()) return Internal("no slice");
  return std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}

TEST_F(ServerTest, FindsAFreePort) {
  EXPECT_TRUE(IsLoopback(server_->address()));
  EXPECT_NE(server_->address(), "127.0.0.1:0");
}

TEST_F(ServerTest, NamesAPortInUse) {
  ServerOptions options = Options();
  options.listen = server_->address();
  const Status status = Server::Start(options, service_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr(server_->address()));
  EXPECT_THAT(Message(status), HasSubstr("Address already in use"));
}

TEST_F(ServerTest, NamesAnAddressThatIsNotOurs) {
  ServerOptions options = Options();
  options.listen = "127.0.0.1:70707";
  EXPECT_TRUE(absl::IsInvalidArgument(Server::Start(options, service_).status()));
  options.listen = "0.0.0.0:0";
  EXPECT_THAT(Message(Server::Start(options, service_).status()), HasSubstr("--tls-certificate"));
}

TEST_F(ServerTest, NeedsAToken) {
  ServerOptions options = Options();
  options.access = nullptr;
  EXPECT_TRUE(absl::IsInvalidArgument(Server::Start(options, service_).status()));
}

TEST_F(ServerTest, RaisesTheLimitOfOpenFiles) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

TEST_F(ServerTest, AnswersHealthProbesWithoutAToken) {
  // HealthCheckRequest {service = 1}, HealthCheckResponse {status = 1: SERVING is 1}.
  const std::string serving("\x08\x01", 2);
  const auto health = [&](const std::string& service) {
    return RawCall(
        channel_, "/grpc.health.v1.Health/Check",
        service.empty() ? "" : "\x0a" + std::string(1, static_cast<char>(service.size())) + service);
  };
  for (const std::string service : {"", "lorikeet.v1.SweepService", "lorikeet.v1.WorkerService"}) {
    const StatusOr<std::string> answer = health(service);
    ASSERT_TRUE(answer.ok()) << service << ": " << answer.status();
    EXPECT_EQ(*answer, serving) << service;
  }
  EXPECT_THAT(Message(health("lorikeet.v1.Unknown").status()), HasSubstr("no answer: 5")) << "NOT_FOUND";
}

TEST_F(ServerTest, DescribesItselfByReflection) {
  // ServerReflectionRequest {list_services = 7: ""}: the answer carries the names.
  const StatusOr<std::string> answer = RawCall(
      channel_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", std::string("\x3a\x00", 2));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(*answer, HasSubstr("lorikeet.v1.SweepService"));
  EXPECT_THAT(*answer, HasSubstr("lorikeet.v1.WorkerService"));
  EXPECT_THAT(*answer, HasSubstr("grpc.health.v1.Health"));
}

TEST_F(ServerTest, SpeaksTls) {
  char name[] = "/tmp/lorikeet-tls-XXXXXX";
  const std::string folder = mkdtemp(name);
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test "
      "-addext subjectAltName=IP:127.0.0.1 -keyout " +
      folder + "/key.pem -out " + folder + "/certificate.pem 2>/dev/null";
  ASSERT_EQ(system(command.c_str()), 0) << "openssl is missing";  // NOLINT: a fixed command of the test's own
  ServerOptions options = Options();
  options.tls.certificate = folder + "/certificate.pem";
  options.tls.key = folder + "/key.pem";
  auto server = Server::Start(options, service_);
  ASSERT_TRUE(server.ok()) << server.status();

  const auto list = [&](const std::string& ca) {
    const auto channel = OpenChannel((*server)->address(), {.certificate = {}, .key = {}, .ca = ca});
    EXPECT_TRUE(channel.ok()) << channel.status();
    v1::ListSweepsResponse response;
    return v1::SweepService::NewStub(*channel)->ListSweeps(Context().get(), {}, &response);
  };
  const grpc::Status trusted = list(folder + "/certificate.pem");
  EXPECT_TRUE(trusted.ok()) << trusted.error_message();
  EXPECT_EQ(list("").error_code(), grpc::StatusCode::UNAVAILABLE) << "plain text is refused";
  std::filesystem::remove_all(folder);
}

TEST_F(ServerTest, ShutdownMayBeCalledTwice) {
  server_->Shutdown(std::chrono::seconds(1));
  server_->Shutdown(std::chrono::seconds(1));
  v1::ListSweepsResponse response;
  EXPECT_EQ(v1::SweepService::NewStub(channel_)->ListSweeps(Context().get(), {}, &response).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace lorikeet::rpc
