// Uploads and downloads over a real port, with a service that says what a test wants.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/files.h"
#include "common/rpc/transfer.h"
#include "coordinator/rpc/artifact_folder.h"
#include "coordinator/rpc/limits.h"
#include "fixture.h"
#include "lorikeet/v1/artifacts.grpc.pb.h"
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::rpc {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

v1::ArtifactFile FileOf(const std::string& name, const std::string& bytes) {
  Sha256 hash;
  hash.Add(bytes);
  v1::ArtifactFile file;
  file.set_name(name);
  file.set_bytes(static_cast<std::int64_t>(bytes.size()));
  file.set_sha256(hash.Hex());
  return file;
}

class ArtifactServiceTest : public ServerTest {
 protected:
  void SetUp() override { Start(1 << 20); }
  void Start(std::int64_t most_bytes) {
    server_.reset();
    folder_ = *ArtifactFolder::Open(data_.path(), {});
    ServerOptions options = Options();
    options.access = roles_.get();
    options.artifacts = folder_.get();
    options.most_artifact_bytes = most_bytes;
    auto server = Server::Start(options, service_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = *OpenChannel(server_->address(), {});
    stub_ = v1::ArtifactService::NewStub(channel_);
  }

  static v1::UploadMessage Begin(const std::vector<v1::ArtifactFile>& files,
                                 const std::string& kind = "checkpoint") {
    v1::UploadMessage message;
    v1::UploadBegin& begin = *message.mutable_begin();
    begin.set_trial_id("t-1");
    begin.set_attempt_id("a-1");
    begin.set_token(3);
    begin.set_worker_id("w-1");
    begin.set_kind(kind);
    begin.set_step(7);
    for (const v1::ArtifactFile& file : files) *begin.add_files() = file;
    return message;
  }
  static v1::UploadMessage Chunk(const std::string& bytes) {
    v1::UploadMessage message;
    message.set_chunk(bytes);
    return message;
  }
  grpc::Status Upload(const std::vector<v1::UploadMessage>& messages, const std::string& token = "secret") {
    const auto context = Context(token);
    v1::UploadResponse response;
    const auto writer = stub_->Upload(context.get(), &response);
    for (const v1::UploadMessage& message : messages) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }
  // The answer's files as one row of bytes; the list goes to `begin`.
  grpc::Status Download(const v1::DownloadRequest& request, v1::DownloadBegin& begin, std::string& bytes,
                        const std::string& token = "secret") {
    const auto context = Context(token);
    const auto reader = stub_->Download(context.get(), request);
    v1::DownloadMessage message;
    while (reader->Read(&message)) {
      if (message.has_begin()) begin = message.begin();
      EXPECT_LE(message.chunk().size(), kChunkBytes);
      bytes += message.chunk();
    }
    return reader->Finish();
  }
  // What lies in the artifacts' folder: files, by their path in it. Looked at by the files' own thread, which
  // changes nothing meanwhile, once it has done what was posted.
  std::vector<std::string> Files() {
    std::vector<std::string> files;
    OnFilesThread([&] {
      const std::string folder = data_.path() + "/artifacts";
      for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), folder).string());
      }
    });
    std::sort(files.begin(), files.end());
    return files;
  }
  // How many uploads have a folder for what comes.
  std::ptrdiff_t Coming() {
    std::ptrdiff_t coming = 0;
    OnFilesThread([&] {
      coming = std::distance(fs::directory_iterator(data_.path() + "/artifacts/.coming"),
                             fs::directory_iterator());
    });
    return coming;
  }
  void OnFilesThread(const std::function<void()>& look) {
    absl::Mutex mutex;
    bool done = false;
    ASSERT_TRUE(folder_->Post([&] {
      look();
      absl::MutexLock lock(&mutex);
      done = true;
    }));
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&done));
  }

  store::Folder data_;
  std::unique_ptr<Access> roles_ = [this] {
    const std::string file = data_.path() + "/tokens";
    std::string text;
    for (const char* role : {"client", "read", "worker"}) {
      Sha256 hash;
      hash.Add(role);
      text += fmt::format("{} one {}\n", role, hash.Hex());
    }
    EXPECT_TRUE(WriteFileAtomically(file, text, 0600).ok());
    return *Access::Create("secret", file);
  }();
  std::unique_ptr<ArtifactFolder> folder_;
  std::unique_ptr<v1::ArtifactService::Stub> stub_;

  void TearDown() override { server_.reset(); }  // before the folder
};

TEST_F(ArtifactServiceTest, WhatIsUploadedComesBack) {
  const std::string state(3 * kChunkBytes - 5, 's'), best = "b";
  ASSERT_TRUE(Upload({Begin({FileOf("best-3-1.safetensors", best), FileOf("state-3.safetensors", state)}),
                      Chunk(best), Chunk(state.substr(0, kChunkBytes)),
                      Chunk(state.substr(kChunkBytes, kChunkBytes)), Chunk(state.substr(2 * kChunkBytes))})
                  .ok());
  ASSERT_THAT(service_.artifacts(), SizeIs(1));
  const core::Artifact kept = service_.artifacts()[0];
  EXPECT_EQ(kept.trial_id, "t-1");
  EXPECT_EQ(kept.token, 3);
  EXPECT_EQ(kept.step, 7);
  EXPECT_THAT(Files(),
              testing::ElementsAre(kept.path + "/best-3-1.safetensors", kept.path + "/state-3.safetensors"));
  EXPECT_TRUE(service_.WaitFor(fmt::format("offer a-1 w-1 {} 0", state.size() + 1)));

  v1::DownloadRequest request;
  request.set_trial("t-1");
  request.set_attempt_id("a-2");
  request.set_token(4);
  request.set_worker_id("w-2");
  v1::DownloadBegin begin;
  std::string bytes;
  const grpc::Status status = Download(request, begin, bytes);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(service_.WaitFor("checkpoint t-1 a-2 4 w-2"));
  EXPECT_EQ(bytes, best + state);
  EXPECT_EQ(begin.token(), 3);
  EXPECT_EQ(begin.step(), 7);
  EXPECT_EQ(begin.kind(), "checkpoint");
  EXPECT_EQ(begin.trial_name(), "lora rank=2 seed=1");
  ASSERT_EQ(begin.files_size(), 2);
  EXPECT_EQ(begin.files(1).sha256(), FileOf("", state).sha256());
}

TEST_F(ArtifactServiceTest, ARefusedOfferLeavesNothing) {
  service_.AnswerOffers(Aborted("token 3 is stale, 4 is the newest of trial t-1"));
  const grpc::Status status = Upload({Begin({FileOf("state-3.safetensors", "x")}), Chunk("x")});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(status.error_message(), HasSubstr("stale"));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(ArtifactServiceTest, ARefusedRowLeavesNothing) {
  service_.AnswerKeeps(Aborted("stale"));
  EXPECT_EQ(Upload({Begin({FileOf("state-3.safetensors", "x")}), Chunk("x")}).error_code(),
            grpc::StatusCode::ABORTED);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(ArtifactServiceTest, ABrokenOffUploadLeavesNothing) {
  EXPECT_EQ(Upload({Begin({FileOf("state-3.safetensors", "xyz")}), Chunk("x")}).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  {
    const auto context = Context();
    v1::UploadResponse response;
    const auto writer = stub_->Upload(context.get(), &response);
    ASSERT_TRUE(writer->Write(Begin({FileOf("state-3.safetensors", "xyz")})));
    ASSERT_TRUE(writer->Write(Chunk("xy")));
    // Broken off in the middle: neither before it has begun, nor after.
    ASSERT_TRUE(Eventually([&] { return Coming() == 1; }));
    context->TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  // The server's end of it is not told to us: looked for, until it is there.
  ASSERT_TRUE(Eventually([&] { return Coming() == 0; }));
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_THAT(service_.artifacts(), IsEmpty());
}

TEST_F(ArtifactServiceTest, AnotherHashIsRefused) {
  const grpc::Status status = Upload({Begin({FileOf("state-3.safetensors", "right")}), Chunk("wrong")});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_THAT(status.error_message(), HasSubstr("SHA-256"));
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_THAT(service_.artifacts(), IsEmpty());
}

TEST_F(ArtifactServiceTest, WhatIsTooLargeIsRefusedBeforeItComes) {
  v1::ArtifactFile file = FileOf("state-3.safetensors", "x");
  file.set_bytes((1 << 20) + 1);
  const grpc::Status status = Upload({Begin({file})});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("more than 1048576 bytes"));
  EXPECT_THAT(service_.calls(), Not(Contains(HasSubstr("offer"))));
  EXPECT_EQ(Upload({Begin({FileOf("a", "x")}), Chunk("xy")}).error_code(), grpc::StatusCode::INVALID_ARGUMENT)
      << "more than was said";
  const std::string large(kChunkBytes + 1, 'x');
  EXPECT_THAT(Upload({Begin({FileOf("a", large)}), Chunk(large)}).error_message(), HasSubstr("a chunk of"));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(ArtifactServiceTest, NamesThatLeaveTheFolderAreRefused) {
  for (const char* name : {"../x", "/etc/x", "a/b", "..", ".x", ""}) {
    EXPECT_EQ(Upload({Begin({FileOf(name, "x")}), Chunk("x")}).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT)
        << name;
  }
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_FALSE(fs::exists(data_.path() + "/x"));
}

TEST_F(ArtifactServiceTest, AnUploadBeginsWithWhatComes) {
  EXPECT_EQ(Upload({}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Upload({Chunk("x")}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const auto begin = Begin({FileOf("a", "x")});
  EXPECT_EQ(Upload({begin, begin}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(Upload({Begin({FileOf("a", "x")}, "model")}).error_message(),
              HasSubstr("checkpoint and adapter"));
  v1::UploadMessage wrong = Begin({FileOf("a", "x")});
  wrong.mutable_begin()->set_trial_id(std::string(65, 'x'));
  EXPECT_THAT(Upload({wrong}).error_message(), HasSubstr("upload.trial_id: 65 bytes"));
  wrong = Begin({FileOf("a", "x")});
  wrong.mutable_begin()->set_step(-1);
  EXPECT_THAT(Upload({wrong}).error_message(), HasSubstr("upload.step"));
}

TEST_F(ArtifactServiceTest, EachRoleHasItsOwn) {
  const std::vector<v1::UploadMessage> upload = {Begin({FileOf("adapter_config.json", "{}")}, "adapter"),
                                                 Chunk("{}")};
  EXPECT_EQ(Upload(upload, "client").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Upload(upload, "read").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Upload(upload, "").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(Upload(upload, "worker").ok());
  v1::DownloadRequest adapter, checkpoint;
  adapter.set_trial("lora rank=2 seed=1");
  checkpoint.set_trial("t-1");
  checkpoint.set_attempt_id("a-1");
  v1::DownloadBegin begin;
  std::string bytes;
  EXPECT_TRUE(Download(adapter, begin, bytes, "read").ok());
  EXPECT_TRUE(Download(adapter, begin, bytes, "client").ok());
  EXPECT_EQ(Download(adapter, begin, bytes, "worker").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Download(adapter, begin, bytes, "").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Download(checkpoint, begin, bytes, "client").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Download(checkpoint, begin, bytes, "worker").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ArtifactServiceTest, AnArtifactWhoseFilesAreGoneIsSaidToBe) {
  ASSERT_TRUE(Upload({Begin({FileOf("a", "x"), FileOf("b", "y")}, "adapter"), Chunk("xy")}).ok());
  const std::string folder = folder_->PathOf(service_.artifacts()[0].path);
  v1::DownloadRequest request;
  request.set_trial("t-1");
  v1::DownloadBegin begin;
  std::string bytes;
  std::ofstream(folder + "/a") << "longer";
  EXPECT_EQ(Download(request, begin, bytes).error_code(), grpc::StatusCode::DATA_LOSS);
  fs::remove(folder + "/a");
  EXPECT_EQ(Download(request, begin, bytes).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ArtifactServiceTest, SoManyAtATimeAndSilentOnesAreCutOff) {
  struct Silent {
    std::unique_ptr<grpc::ClientContext> context;
    v1::UploadResponse response;
    std::unique_ptr<grpc::ClientWriter<v1::UploadMessage>> writer;
  };
  std::vector<std::unique_ptr<Silent>> open;
  for (int i = 0; i < kMostUploads; ++i) {
    auto one = std::make_unique<Silent>();
    one->context = Context();
    one->writer = stub_->Upload(one->context.get(), &one->response);
    ASSERT_TRUE(one->writer->Write(Begin({FileOf("a", "x")})));
    open.push_back(std::move(one));
  }
  // Calls of one connection may overtake each other: only when all are open is there one too many.
  const auto offers = [&] {
    const std::vector<std::string> calls = service_.calls();
    return std::count_if(calls.begin(), calls.end(),
                         [](const std::string& call) { return call.starts_with("offer"); });
  };
  ASSERT_TRUE(Eventually([&] { return offers() == kMostUploads; }));
  const auto upload = [&] { return Upload({Begin({FileOf("a", "x")}), Chunk("x")}); };
  EXPECT_EQ(upload().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  clock_.Advance(kMostSilentTransfer + std::chrono::seconds(1));
  for (const auto& one : open) EXPECT_EQ(one->writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  grpc::Status status;
  // The server is done with those a little after their ends have reached us.
  ASSERT_TRUE(Eventually([&] { return (status = upload()).ok(); })) << status.error_message();
}

TEST(ArtifactFolderTest, WhatHasNoRowIsSweptAtTheStart) {
  store::Folder data;
  const auto put = [&](const std::string& path) {
    fs::create_directories(data.path() + "/artifacts/" + path);
    std::ofstream(data.path() + "/artifacts/" + path + "/file") << "x";
  };
  put("s-1/kept");
  put("s-1/orphan");
  put("s-2/orphan");
  put(".coming/half");
  std::ofstream(data.path() + "/artifacts/note") << "a person's";
  ASSERT_TRUE(ArtifactFolder::Open(data.path(), {"s-1/kept", "s-3/gone"}).ok());
  const auto exists = [&](const std::string& path) { return fs::exists(data.path() + "/artifacts/" + path); };
  EXPECT_TRUE(exists("s-1/kept/file"));
  EXPECT_FALSE(exists("s-1/orphan"));
  EXPECT_FALSE(exists("s-2"));
  EXPECT_TRUE(exists(".coming"));
  EXPECT_FALSE(exists(".coming/half"));
  EXPECT_TRUE(exists("note"));
}

TEST(ArtifactFolderTest, RemovesWhatIsDiscarded) {
  store::Folder data;
  {
    const auto folder = *ArtifactFolder::Open(data.path(), {});
    const std::string coming = *folder->MakeComing("u-1");
    std::ofstream(coming + "/file") << "x";
    ASSERT_TRUE(folder->Place(coming, "s-1/one").ok());
    EXPECT_TRUE(fs::exists(data.path() + "/artifacts/s-1/one/file"));
    folder->Discard("s-1/one");
  }
  EXPECT_FALSE(fs::exists(data.path() + "/artifacts/s-1"));
}

}  // namespace
}  // namespace lorikeet::rpc
