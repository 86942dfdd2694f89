// The connection against a coordinator on a real port, with the time in hand.
#include "worker/agent/connection.h"

#include <gmock/gmock.h>
#include <poll.h>

#include "common/rpc/channel.h"
#include "tests/worker/agent/fake_coordinator.h"
#include "tests/worker/agent/fakes.h"
#include "tests/worker/agent/faulty_disk.h"

namespace lorikeet::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() {
    options_.address = coordinator_.address();
    options_.channel = *rpc::OpenChannel(options_.address, {});
    options_.token = [] { return StatusOr<std::string>("secret"); };
    connection_ = *Connection::Create(options_, clock_, random_);
    folder_ = *Folder::Open(temp_.path(), random_, disk_);
    session_ = std::make_unique<Session>(SessionOptions{}, *folder_, launcher_, *connection_, clock_);
  }

  // Opens a stream, now that it is time.
  void OpenStream() {
    clock_.Advance(std::max(Duration::zero(), connection_->NextStep() - clock_.Steady()));
    connection_->Step(*session_);
    const std::size_t hellos = hellos_++;
    EXPECT_TRUE(coordinator_.Eventually([&] { return coordinator_.hellos.size() > hellos; }));
  }
  void StepWhenThereIsSomething() {
    pollfd wake{connection_->wake_file(), POLLIN, 0};
    poll(&wake, 1, 10'000);
    connection_->Step(*session_);
  }
  // Waits until the stream has ended. How long the connection then wants to wait.
  Duration WaitAfterItsEnd() {
    const SteadyTime deadline = RealClock().Steady() + seconds(30);
    while (connection_->NextStep() - clock_.Steady() > seconds(60) && RealClock().Steady() < deadline)
      StepWhenThereIsSomething();
    return connection_->NextStep() - clock_.Steady();
  }

  TempFolder temp_;
  FaultyDisk disk_;
  FakeClock clock_;
  SeededRandom random_{1};
  FakeLauncher launcher_;
  FakeCoordinator coordinator_{"secret"};
  ConnectionOptions options_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<Session> session_;
  std::size_t hellos_ = 0;
};

TEST_F(ConnectionTest, WaitsLongerAfterEachSessionThatDoesNotLast) {
  coordinator_.ends_sessions = true;
  Duration wait{};
  for (int i = 0; i < 8; ++i) {
    OpenStream();
    wait = WaitAfterItsEnd();
    const Duration most = std::min<Duration>(milliseconds(100) * (1 << i), seconds(5));
    EXPECT_GE(wait, most / 2) << "stream " << i;
    EXPECT_LE(wait, most) << "stream " << i;
  }
  EXPECT_GE(wait, milliseconds(2500));

  coordinator_.ends_sessions = false;
  OpenStream();
  StepWhenThereIsSomething();  // Welcome
  clock_.Advance(seconds(31));
  coordinator_.ends_sessions = true;
  session_->Tick();  // renews
  EXPECT_LE(WaitAfterItsEnd(), milliseconds(100)) << "this one has lasted";
}

}  // namespace
}  // namespace lorikeet::agent
