// The page's questions, through a real service and its database.
#include "coordinator/web/api/api.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "coordinator/web/api/parameters.h"
#include "tests/coordinator/service/fixture.h"

namespace lorikeet::web {
namespace {

using nlohmann::json;
using service::FakeWorker;
using service::Grant;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Markup, a right-to-left override, a control character, quotes, SQL and bytes that are no UTF-8.
const std::string kHostile = "<script>alert(1)</script> \"'; DROP TABLE x;-- \u202e \x01 \xff";

class ApiTest : public service::ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    live_ = std::make_shared<Live>([this](Live::Work work, std::function<void(const Status&)> done) {
      ++asked_;
      done(work(*service_));
    });
    api_ = std::make_unique<Api>(ApiOptions{
        .database_path = store_->path(), .version = "0.1.0", .build = "0.1.0 (abc)", .live = live_});
  }
  // One worker, a sweep of full and two ranks by two seeds, of which the first two trials have succeeded.
  void Fill(const std::string& name = "demo") {
    id_ = Submit(service::MakeSweep(name, 2, 2)).sweep_id;
    worker_ = Connect("w-1", 1);
    for (int i = 0; i < 2; ++i) Succeed(worker_, worker_.Grants().back());
  }
  StatusOr<std::string> Ask(const std::string& path,
                            std::multimap<std::string, std::string> parameters = {}) {
    return api_->Answer({.path = path, .parameters = std::move(parameters)});
  }
  json Json(const std::string& path, std::multimap<std::string, std::string> parameters = {}) {
    const StatusOr<std::string> text = Ask(path, std::move(parameters));
    EXPECT_TRUE(text.ok()) << path << ": " << text.status();
    return text.ok() ? json::parse(*text) : json();
  }
  Status Mistake(const std::string& path, std::multimap<std::string, std::string> parameters = {}) {
    return Ask(path, std::move(parameters)).status();
  }

  int asked_ = 0;
  std::string id_;
  FakeWorker worker_;
  std::shared_ptr<Live> live_;
  std::unique_ptr<Api> api_;
};

TEST_F(ApiTest, ListsSweepsAndWorkers) {
  Fill();
  const json sweeps = Json("sweeps");
  ASSERT_THAT(sweeps["sweeps"], SizeIs(1));
  const json& sweep = sweeps["sweeps"][0];
  EXPECT_EQ(sweep["name"], "demo");
  EXPECT_EQ(sweep["state"], "running");
  EXPECT_EQ(sweep["trials"], 6);
  EXPECT_EQ(sweep["succeeded"], 2);
  EXPECT_EQ(sweep["running"], 1);
  EXPECT_EQ(sweep["pending"], 3);
  EXPECT_FALSE(sweep.contains("text")) << "a list is not to carry every sweep file";
  EXPECT_THAT(Json("sweeps/" + id_)["text"], HasSubstr("sweep: demo"));
  const json workers = Json("workers");
  ASSERT_THAT(workers["workers"], SizeIs(1));
  EXPECT_EQ(workers["workers"][0]["hostname"], "host-w-1");
  EXPECT_EQ(workers["workers"][0]["slots_busy"], 1);
  EXPECT_EQ(workers["workers"][0]["slots"][0]["memory_bytes"], 1LL << 33);
}

TEST_F(ApiTest, ManyPagesCostTheServiceNoMoreThanOne) {
  Fill();
  Json("sweeps");
  const int before = asked_;
  for (int i = 0; i < 10; ++i) Json("workers");
  EXPECT_LE(asked_ - before, 1);
}

TEST_F(ApiTest, TheGridHasEveryTrialOnceWithItsValueOrState) {
  Fill();
  const json grid = Json("sweeps/" + id_ + "/grid", {{"metric", "rouge2"}});
  EXPECT_EQ(grid["configurations"], 3);
  EXPECT_EQ(grid["seeds"], json({1, 2}));
  ASSERT_THAT(grid["rows"], SizeIs(3));
  EXPECT_EQ(grid["rows"][0]["configuration"], "full");
  EXPECT_EQ(grid["rows"][0]["baseline"], true);
  int succeeded = 0;
  for (const json& row : grid["rows"]) {
    EXPECT_THAT(row["cells"], SizeIs(2));
    for (const json& cell : row["cells"]) {
      if (cell[2] != "succeeded") {
        EXPECT_TRUE(cell[3].is_null());
        continue;
      }
      ++succeeded;
      EXPECT_NEAR(cell[3].get<double>(), 20, 1e-9);  // percent
    }
  }
  EXPECT_EQ(succeeded, 2);
  const json second = Json("sweeps/" + id_ + "/grid", {{"from", "1"}, {"most", "1"}});
  ASSERT_THAT(second["rows"], SizeIs(1));
  EXPECT_EQ(second["rows"][0]["configuration"], "lora rank=1");
}

TEST_F(ApiTest, WhatSettingsAreChosenFromIsShownOnValidation) {
  spec::Sweep sweep = service::MakeSweep("demo", 1, 1);
  service::Tune(sweep, 2);
  id_ = Submit(sweep).sweep_id;
  worker_ = Connect("w-1", 1);
  core::Result result = service::MakeScores(1);
  result.test.rouge.rouge1 = 0.9;
  result.validation.rouge.rouge1 = 0.25;
  const Grant tried = worker_.Grants().back();
  ASSERT_TRUE(
      Send(worker_, tried, 1, {service::MakeStarted(), store::MakePrediction("test", "d1", 0.9), result})
          .ok());
  Close(worker_, tried);
  const json grid = Json("sweeps/" + id_ + "/grid", {{"metric", "rouge1"}});
  ASSERT_THAT(grid["rows"], SizeIs(4));
  EXPECT_EQ(grid["rows"][1]["candidate"], false);
  EXPECT_EQ(grid["rows"][2]["candidate"], true);
  EXPECT_NEAR(grid["rows"][2]["cells"][0][3].get<double>(), 25, 1e-9);
  EXPECT_NEAR(grid["high"].get<double>(), 25, 1e-9);
}

TEST_F(ApiTest, RunningTrialsHaveTheirProgress) {
  Fill();
  const Grant grant = worker_.Grants().back();
  service_->HandleProgress(worker_.session, {grant.attempt.id, grant.attempt.token},
                           {.phase = "train", .step = 3, .total = 10, .loss = 2.5});
  std::this_thread::sleep_for(2 * Live::kFresh);
  const json grid = Json("sweeps/" + id_ + "/grid");
  ASSERT_TRUE(grid["progress"].contains(grant.attempt.trial_id)) << grid["progress"];
  EXPECT_EQ(grid["progress"][grant.attempt.trial_id]["step"], 3);
  EXPECT_EQ(Json("trials/" + grant.attempt.trial_id)["progress"]["phase"], "train");
}

TEST_F(ApiTest, TrialsComeAPageAtATime) {
  Fill();
  const std::string path = "sweeps/" + id_ + "/trials";
  const json all = Json(path);
  EXPECT_EQ(all["trials"], 6);
  EXPECT_THAT(all["items"], SizeIs(6));
  const json page = Json(path, {{"from", "4"}, {"most", "4"}});
  EXPECT_EQ(page["trials"], 6);
  ASSERT_THAT(page["items"], SizeIs(2));
  EXPECT_EQ(page["items"][0]["id"], all["items"][4]["id"]);
  EXPECT_THAT(Json(path, {{"state", "succeeded"}})["items"], SizeIs(2));
  EXPECT_THAT(Json(path, {{"text", "RANK=2"}})["items"], SizeIs(2));
  EXPECT_THAT(Json(path, {{"text", "%"}})["items"], SizeIs(0)) << "no pattern";
  EXPECT_THAT(Json(path, {{"text", "' OR 1=1 --"}})["items"], SizeIs(0));
}

TEST_F(ApiTest, ATrialHasAttemptsResultSettingsAndHistory) {
  Fill();
  const std::string path = "trials/" + worker_.Grants().front().attempt.trial_id;
  const json trial = Json(path);
  EXPECT_EQ(trial["state"], "succeeded");
  EXPECT_EQ(trial["sweep"], "demo");
  ASSERT_THAT(trial["attempt_list"], SizeIs(1));
  EXPECT_EQ(trial["attempt_list"][0]["state"], "succeeded");
  EXPECT_EQ(trial["attempt_list"][0]["worker"], "host-w-1");
  EXPECT_NEAR(trial["result"]["test_rouge1"].get<double>(), 0.4, 1e-9);
  EXPECT_EQ(trial["settings"]["seed"], trial["seed"]);
  const json history = Json(path + "/events");
  EXPECT_GE(history["items"].size(), 3U);
  EXPECT_EQ(history["items"].back()["kind"], "granted") << "the newest first";
  const json one = Json(path + "/events", {{"most", "1"}});
  EXPECT_EQ(one["more"], true);
  const json before = Json(path + "/events", {{"before", std::to_string(one["items"][0]["id"].get<int>())}});
  EXPECT_EQ(before["items"].size(), history["items"].size() - 1);
  EXPECT_THAT(Json(path + "/events", {{"logs", "1"}})["items"], SizeIs(0));
}

TEST_F(ApiTest, TheTableIsTheOneOfSweepctl) {
  Fill();
  const json table = Json("sweeps/" + id_ + "/table");
  EXPECT_EQ(table["sweep"], "demo");
  ASSERT_THAT(table["rows"], SizeIs(3));
  EXPECT_EQ(table["comparisons"]["metric"], "rouge1");
  EXPECT_EQ(Json("sweeps/" + id_ + "/table", {{"metric", "rougeL"}})["comparisons"]["metric"], "rougeL");
}

TEST_F(ApiTest, ChartsAreReadByTheSameFunctionsAsPlots) {
  Fill();
  EXPECT_EQ(Json("sweeps/" + id_ + "/sensitivity")["baseline"], "full");
  EXPECT_FALSE(Json("sweeps/" + id_ + "/pareto")["panels"].empty());
  const Grant grant = worker_.Grants().back();
  std::vector<service::Event> points = {service::MakeStarted()};
  for (std::int64_t step = 1; step <= 100; ++step)
    points.emplace_back(
        core::Metric{.step = step, .name = "train_loss", .value = 1.0 / static_cast<double>(step)});
  ASSERT_TRUE(Send(worker_, grant, 1, points).ok());
  const json curves =
      Json("sweeps/" + id_ + "/curves", {{"trials", grant.attempt.trial_id}, {"points", "16"}});
  EXPECT_EQ(curves["reported"], 100);
  ASSERT_THAT(curves["groups"], SizeIs(1));
  EXPECT_LE(curves["groups"][0]["seeds"][0]["steps"].size(), 16U);
  EXPECT_THAT(Message(Mistake("sweeps/" + id_ + "/curves")), HasSubstr("trials, configurations: name some"));
}

TEST_F(ApiTest, DocumentsHaveTheirArticleReferenceAndSummaries) {
  id_ = Submit(service::MakeSweep("demo", 1, 1)).sweep_id;
  worker_ = Connect("w-1", 1);
  for (int i = 0; i < 2; ++i) {
    std::vector<service::Event> events = {service::MakeStarted(),
                                          core::Document{.split = "test",
                                                         .id = "d/1 ?",
                                                         .article = "an article " + kHostile.substr(0, 60),
                                                         .reference = "a reference"},
                                          store::MakePrediction("test", "d/1 ?", i == 0 ? 0.4 : 0.5),
                                          service::MakeScores(1)};
    const Grant grant = worker_.Grants().back();
    if (!grant.want_documents) events.erase(events.begin() + 1);
    ASSERT_TRUE(Send(worker_, grant, 1, std::move(events)).ok());
    Close(worker_, grant);
  }
  const json list = Json("sweeps/" + id_ + "/documents", {{"sort", "-difference"}});
  EXPECT_EQ(list["documents"], 1);
  EXPECT_EQ(list["configuration"], "lora rank=1");
  EXPECT_EQ(list["against"], "full");
  ASSERT_THAT(list["items"], SizeIs(1));
  EXPECT_NEAR(list["items"][0]["difference"].get<double>(), 10, 1e-9);
  EXPECT_EQ(Mistake("sweeps/" + id_ + "/documents", {{"configuration", "none"}}).code(),
            absl::StatusCode::kInvalidArgument);
  const json one = Json("sweeps/" + id_ + "/document", {{"split", "test"}, {"id", "d/1 ?"}});
  EXPECT_EQ(one["reference"], "a reference");
  ASSERT_THAT(one["summaries"], SizeIs(2));
  EXPECT_EQ(one["summaries"][0]["configuration"], "full");
  EXPECT_EQ(Mistake("sweeps/" + id_ + "/document", {{"id", "none"}}).code(), absl::StatusCode::kNotFound);
}

// What comes out is JSON in UTF-8, with every name as text, whatever it says.
TEST_F(ApiTest, HostileNamesAreText) {
  Fill(kHostile);
  EXPECT_THAT(Json("sweeps")["sweeps"][0]["name"].get<std::string>(),
              HasSubstr("<script>alert(1)</script> \"'; DROP TABLE"));
  for (const char* path :
       {"", "/table", "/grid", "/trials", "/sensitivity", "/pareto", "/documents", "/events"}) {
    const StatusOr<std::string> text = Ask("sweeps/" + id_ + path);
    ASSERT_TRUE(text.ok()) << path << ": " << text.status();
    EXPECT_TRUE(json::accept(*text)) << path;
  }
}

TEST_F(ApiTest, EveryParameterHasARange) {
  Fill();
  const std::string sweep = "sweeps/" + id_;
  const std::vector<std::pair<std::string, std::multimap<std::string, std::string>>> wrong = {
      {"sweeps", {{"x", "1"}}},
      {sweep + "/grid", {{"metric", "rouge9"}}},
      {sweep + "/grid", {{"most", "0"}}},
      {sweep + "/grid", {{"most", "501"}}},
      {sweep + "/grid", {{"from", "-1"}}},
      {sweep + "/grid", {{"from", "1e9"}}},
      {sweep + "/grid", {{"from", "99999999999999999999"}}},
      {sweep + "/trials", {{"state", "asleep"}}},
      {sweep + "/trials", {{"text", std::string(513, 'x')}}},
      {sweep + "/trials", {{"text", "\xff"}}},
      {sweep + "/trials", {{"from", "1"}, {"from", "2"}}},
      {sweep + "/curves", {{"trials", "t 1"}}},
      {sweep + "/curves", {{"configurations", "x"}}},
      {sweep + "/curves", {{"trials", "t-1"}, {"points", "1"}}},
      {sweep + "/events", {{"most", "501"}}},
      {sweep + "/documents", {{"most", "201"}}},
      {sweep + "/documents", {{"sort", "random()"}}},
      {sweep + "/table", {{"metric", "x"}}},
      {"sweeps/../etc", {}},
      {"sweeps/" + std::string(65, 'x'), {}}};
  for (const auto& [path, parameters] : wrong) {
    const Status status = Mistake(path, parameters);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path << ": " << status;
    EXPECT_FALSE(Message(status).empty());
  }
  EXPECT_EQ(Message(Mistake(sweep + "/grid", {{"most", "501"}})),
            "most: '501' is no whole number from 1 to 500");
  EXPECT_EQ(Message(Mistake(sweep + "/events", {{"form", "1"}})),
            "form: is not known here; there are: before, logs, most");
}

TEST_F(ApiTest, WhatIsNotThereIsNotFound) {
  Fill();
  for (const std::string& path :
       {std::string("sweeps/s-none"), std::string("sweeps/s-none/grid"), std::string("sweeps/s-none/table"),
        std::string("trials/t-none"), std::string("none"), "sweeps/" + id_ + "/none",
        "sweeps/" + id_ + "/grid/x"})
    EXPECT_EQ(Mistake(path).code(), absl::StatusCode::kNotFound) << path;
}

TEST_F(ApiTest, AfterItsEndTheServiceIsAskedNoMore) {
  Fill();
  live_->Close();
  service_.reset();
  EXPECT_EQ(Mistake("workers").code(), absl::StatusCode::kUnavailable);
  std::this_thread::sleep_for(2 * Live::kFresh);
  EXPECT_EQ(Mistake("sweeps").code(), absl::StatusCode::kUnavailable);
}

// Marks change with what the page shows, and with nothing else.
TEST_F(ApiTest, MarksChangeWithWhatIsShown) {
  Fill();
  const auto look = [this] {
    std::this_thread::sleep_for(2 * Live::kFresh);
    return *api_->Look();
  };
  const Marks before = look();
  clock_.Advance(std::chrono::seconds(5));
  Marks after = look();
  EXPECT_EQ(after.sweeps, before.sweeps) << "time goes by";
  EXPECT_EQ(after.workers, before.workers);
  const Grant grant = worker_.Grants().back();
  service_->HandleProgress(worker_.session, {grant.attempt.id, grant.attempt.token},
                           {.phase = "train", .step = 4, .total = 10, .loss = {}});
  after = look();
  EXPECT_EQ(after.sweeps.at(id_).rows, before.sweeps.at(id_).rows);
  EXPECT_NE(after.sweeps.at(id_).progress, before.sweeps.at(id_).progress);
  Succeed(worker_, grant);
  after = look();
  EXPECT_NE(after.sweeps.at(id_).rows, before.sweeps.at(id_).rows);
  EXPECT_NE(after.workers, before.workers);
}

}  // namespace
}  // namespace lorikeet::web
