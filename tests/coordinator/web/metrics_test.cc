#include "coordinator/web/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/files.h"

namespace lorikeet::web {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTest : public ::testing::Test {
 protected:
  MetricsTest() {
    char name[] = "/tmp/lorikeet-metrics-XXXXXX";
    folder_ = mkdtemp(name);
    metrics_ = std::make_unique<Metrics>(MetricsOptions{.version = "0.1.0",
                                                        .build = "0.1.0 (abc)",
                                                        .database_path = folder_ + "/results.db",
                                                        .reserve_bytes = 2LL << 30},
                                         clock_);
  }
  ~MetricsTest() override { std::filesystem::remove_all(folder_); }
  // The line's value, as text; empty where there is no such line.
  std::string Value(const std::string& series) const {
    const std::string text = "\n" + metrics_->Text();
    const std::size_t at = text.find("\n" + series + " ");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + series.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }

  std::string folder_;
  FakeClock clock_;
  std::unique_ptr<Metrics> metrics_;
};

TEST_F(MetricsTest, CountsFromZero) {
  EXPECT_EQ(Value("lorikeet_results_total"), "0");
  EXPECT_EQ(Value(R"(lorikeet_attempts_ended_total{outcome="oom"})"), "0");
  EXPECT_EQ(Value(R"(lorikeet_trials{state="pending"})"), "0");
  EXPECT_EQ(Value(R"x(lorikeet_build_info{version="0.1.0",build="0.1.0 (abc)"})x"), "1");
}

TEST_F(MetricsTest, CountsWhatATurnHasCommitted) {
  service::Tally tally;
  tally.grants = 3;
  tally.results = 2;
  tally.events = 50;
  tally.metric_points = 40;
  tally.attempts_ended = {{"succeeded", 2}, {"oom", 1}};
  metrics_->Committed(tally, milliseconds(3));
  metrics_->Committed(tally, milliseconds(30));
  EXPECT_EQ(Value("lorikeet_grants_total"), "6");
  EXPECT_EQ(Value("lorikeet_results_total"), "4");
  EXPECT_EQ(Value("lorikeet_metric_points_total"), "80");
  EXPECT_EQ(Value(R"(lorikeet_attempts_ended_total{outcome="oom"})"), "2");
  EXPECT_EQ(Value("lorikeet_commit_duration_seconds_count"), "2");
  EXPECT_EQ(Value(R"(lorikeet_commit_duration_seconds_bucket{le="0.005"})"), "1");
}

// A worker says what kind of failure it was: a label must not grow with what it thinks up.
TEST_F(MetricsTest, CountsKindsThatItDoesNotKnowTogether) {
  service::Tally tally;
  tally.attempts_ended = {{"made up 1", 1}, {"made up 2", 2}};
  metrics_->Committed(tally, {});
  EXPECT_EQ(Value(R"(lorikeet_attempts_ended_total{outcome="other"})"), "3");
  EXPECT_THAT(metrics_->Text(), Not(HasSubstr("made up")));
}

TEST_F(MetricsTest, ShowsHowThingsStand) {
  service::Overview overview;
  overview.trials = {7, 2, 30, 1, 0};
  overview.open_sweeps = {{.sweep = "a \"name\"", .trials = {7, 2, 3, 0, 0}}};
  overview.workers_connected = 4;
  overview.slots = 8;
  overview.slots_busy = 2;
  overview.short_of_room = true;
  metrics_->Stands(overview);
  EXPECT_EQ(Value(R"(lorikeet_trials{state="pending"})"), "7");
  EXPECT_EQ(Value(R"(lorikeet_trials{state="succeeded"})"), "30");
  EXPECT_EQ(Value(R"(lorikeet_sweep_trials{sweep="a \"name\"",state="running"})"), "2");
  EXPECT_EQ(Value("lorikeet_slots_busy"), "2");
  EXPECT_EQ(Value("lorikeet_disk_reserve_hit"), "1");
  EXPECT_EQ(Value("lorikeet_disk_reserve_bytes"), "2147483648");
}

TEST_F(MetricsTest, SizesTheDatabaseAndItsDisk) {
  EXPECT_EQ(Value("lorikeet_database_bytes"), "0");
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/results.db", std::string(4096, 'x')).ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/results.db-wal", std::string(100, 'x')).ok());
  EXPECT_EQ(Value("lorikeet_database_bytes"), "4096");
  EXPECT_EQ(Value("lorikeet_wal_bytes"), "100");
  EXPECT_GT(std::stod(Value("lorikeet_disk_free_bytes")), 0);
}

TEST_F(MetricsTest, KnowsItsProcess) {
  EXPECT_GT(std::stod(Value("process_resident_memory_bytes")), 1e6);
  EXPECT_LT(std::stod(Value("process_resident_memory_bytes")), 1e11);
  EXPECT_GE(std::stod(Value("process_open_fds")), 3);
  EXPECT_LT(std::stod(Value("process_open_fds")), 1000);
  EXPECT_GE(std::stod(Value("process_cpu_seconds_total")), 0);
  const double now = std::chrono::duration<double>(RealClock().Wall().time_since_epoch()).count();
  EXPECT_NEAR(std::stod(Value("process_start_time_seconds")), now, 3600);
}

TEST_F(MetricsTest, StreamsComeAndGo) {
  metrics_->StreamOpened();
  metrics_->StreamOpened();
  metrics_->StreamEnded("CANCELLED");
  EXPECT_EQ(Value("lorikeet_worker_streams"), "1");
  EXPECT_EQ(Value(R"(lorikeet_worker_streams_ended_total{code="CANCELLED"})"), "1");
}

TEST_F(MetricsTest, KnowsWhenTheServiceLastFinishedATurn) {
  EXPECT_FALSE(metrics_->SinceLastTurn().has_value());
  metrics_->TurnDone(milliseconds(2), false);
  clock_.Advance(seconds(5));
  EXPECT_EQ(metrics_->SinceLastTurn(), seconds(5));
  EXPECT_EQ(Value("lorikeet_seconds_since_last_turn"), "5");
  metrics_->TurnDone(milliseconds(2), true);
  EXPECT_EQ(Value("lorikeet_turns_total"), "2");
  EXPECT_EQ(Value("lorikeet_turns_failed_total"), "1");
}

TEST_F(MetricsTest, TakesWordsAndScrapesAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int n = 0; n < 500; ++n) {
        metrics_->Answered(Metrics::Asked::kWorker, milliseconds(1));
        metrics_->CallDone("OK");
        metrics_->Stands({});
      }
    });
  }
  for (int n = 0; n < 20; ++n) EXPECT_FALSE(metrics_->Text().empty());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Value(R"(lorikeet_answer_duration_seconds_count{asked="worker"})"), "2000");
  EXPECT_EQ(Value(R"(lorikeet_client_calls_total{code="OK"})"), "2000");
}

// Names as Prometheus wants them: counters end in _total, times are seconds, sizes bytes.
TEST_F(MetricsTest, NamesAreConventional) {
  std::istringstream lines(metrics_->Text());
  int families = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    ++families;
    const std::string name = line.substr(7, line.find(' ', 7) - 7), type = line.substr(line.rfind(' ') + 1);
    EXPECT_THAT(name, ContainsRegex("^(lorikeet|process)_[a-z_]+$"));
    EXPECT_EQ(name.ends_with("_total"), type == "counter") << name;
    if (type == "histogram") {
      EXPECT_TRUE(name.ends_with("_seconds")) << name;
    }
  }
  EXPECT_GT(families, 30);
}

}  // namespace
}  // namespace lorikeet::web
