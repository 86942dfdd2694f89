// What leaves a database as lines: predictions, runs, CSV.
#include "sweeps/report/extract.h"

#include <gmock/gmock.h>

#include <cmath>

#include "extract_fixture.h"

namespace lorikeet::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using LinesTest = ExtractTest;

TEST_F(LinesTest, PredictionsComeInTheOrderOfTheDataByConfigurationAndSeed) {
  for (const char* trial : {"full-1", "full-2", "lora-1"}) Attempt(trial, 1);
  Finish("lora-1", 1, {0.3, 0.4}, store::MakeResult(0.35));
  Finish("full-2", 1, {0.5}, store::MakeResult(0.5));
  Finish("full-1", 1, {0.1, 0.2}, store::MakeResult(0.15));
  const auto text = All(Ask("predictions", "demo"));
  ASSERT_TRUE(text.ok()) << text.status();
  std::vector<std::string> order;
  for (const nlohmann::json& line : JsonLines(*text)) {
    order.push_back(line["configuration"].get<std::string>() + "/" + line["seed"].dump() + "/" +
                    line["id"].get<std::string>());
  }
  EXPECT_THAT(order,
              ElementsAre("full/1/d1", "full/1/d0", "full/2/d0", "lora rank=8/1/d1", "lora rank=8/1/d0"));
  const nlohmann::json first = JsonLines(*text).front();
  EXPECT_EQ(first["text"], "full-1 on d1");
  EXPECT_EQ(first["split"], "test");
  EXPECT_EQ(first["tokens"], 5);
  EXPECT_DOUBLE_EQ(first["rouge1"].get<double>(), 0.2);
  EXPECT_DOUBLE_EQ(first["rougeLsum"].get<double>(), 0.05);
}

TEST_F(LinesTest, PredictionsOfOneConfigurationSeedOrSplit) {
  for (const char* trial : {"full-1", "full-2", "lora-1"}) {
    Attempt(trial, 1);
    Finish(trial, 1, {0.3, 0.4}, store::MakeResult(0.35));
  }
  ExtractRequest request = Ask("predictions", "s-1");
  request.configuration = "full";
  EXPECT_THAT(JsonLines(*All(request)), SizeIs(4));
  request.seed = 2;
  EXPECT_THAT(JsonLines(*All(request)), SizeIs(2));
  request.split = "validation";
  EXPECT_THAT(JsonLines(*All(request)), SizeIs(0));
}

TEST_F(LinesTest, ALongSweepComesInPiecesOfAllItsLines) {
  summary_ = std::string(3000, 'x');
  Attempt("full-1", 1);
  Finish("full-1", 1, std::vector<double>(401, 0.5), store::MakeResult(0.5));
  const auto text = All(Ask("predictions", "demo"));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_GT(text->size(), 3 * kPieceBytes);
  EXPECT_THAT(JsonLines(*text), SizeIs(401));
  ExtractRequest csv = Ask("csv", "demo");
  csv.table = "predictions";
  const std::string rows = *All(csv);
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 402);
}

TEST_F(LinesTest, WhatIsMissingIsSaid) {
  EXPECT_THAT(Message(All(Ask("predictions", "dmeo")).status()), HasSubstr("did you mean 'demo'?"));
  const Status none = All(Ask("predictions", "demo")).status();
  EXPECT_EQ(store::CodeOf(none), "FAILED_PRECONDITION");
  EXPECT_THAT(Message(none), HasSubstr("no trial of sweep demo has a result yet"));
  ExtractRequest request = Ask("predictions", "demo");
  request.configuration = "lora rank=9";
  EXPECT_THAT(Message(All(request).status()), HasSubstr("did you mean 'lora rank=8'?"));
  request.configuration = "full";
  request.seed = 7;
  EXPECT_THAT(Message(All(request).status()), HasSubstr("'full' has no seed 7; it has 1, 2"));
  request.split = "train";
  EXPECT_EQ(store::CodeOf(All(request).status()), "INVALID_ARGUMENT");
  EXPECT_THAT(Message(All(Ask("runs", "demo")).status()), HasSubstr("nothing to export"));
  EXPECT_THAT(Message(All(Ask("prediction", "demo")).status()), HasSubstr("did you mean 'predictions'?"));
  ExtractRequest csv = Ask("csv", "demo");
  csv.table = "result";
  EXPECT_THAT(Message(All(csv).status()), HasSubstr("did you mean 'results'?"));
  EXPECT_EQ(store::CodeOf(Extract::Open("/nowhere/results.db", csv).status()), "NOT_FOUND");
}

TEST_F(LinesTest, RunsTellSettingsResultsAndCurves) {
  Attempt("lora-1", 1, {{1, "train_loss", 4.0}, {2, "train_loss", 3.0}, {2, "validation_loss", 3.5}});
  Finish("lora-1", 1, {0.4}, store::MakeResult(0.4));
  Attempt("full-1", 1);
  const auto lines = JsonLines(*All(Ask("runs", "demo")));
  ASSERT_THAT(lines, SizeIs(5));
  EXPECT_EQ(lines[0]["type"], "sweep");
  EXPECT_EQ(lines[0]["id"], "s-1");
  EXPECT_EQ(lines[1]["id"], "full-1");
  EXPECT_TRUE(lines[1]["result"].is_null());
  EXPECT_EQ(lines[2]["id"], "lora-1");
  EXPECT_EQ(lines[2]["settings"]["seed"], 1);
  EXPECT_EQ(lines[2]["axes"]["rank"], "8");
  EXPECT_EQ(lines[2]["hostname"], "host-w-1");
  EXPECT_DOUBLE_EQ(lines[2]["result"]["test_rouge1"].get<double>(), 0.4);
  EXPECT_EQ(lines[3]["name"], "train_loss");
  EXPECT_EQ(lines[3]["points"].dump(), "[[1,4.0],[2,3.0]]");
  EXPECT_EQ(lines[3]["began_at"], "2026-03-01T12:01:00.000Z");
  EXPECT_EQ(lines[4]["name"], "validation_loss");
}

TEST_F(LinesTest, ACurveHasEachStepOnceOfTheAttemptThatCounts) {
  Attempt("lora-1", 1,
          {{1, "train_loss", 1}, {2, "train_loss", 2}, {3, "train_loss", 3}, {9, "train_loss", 9}});
  Attempt("lora-1", 2);  // lost before it said anything
  Attempt("lora-1", 3, {{3, "train_loss", 33}, {4, "train_loss", std::nan("")}});
  std::vector<std::string> points;
  for (const auto& line : JsonLines(*All(Ask("runs", "demo"))))
    if (line["type"] == "points") points.push_back(line["points"].dump());
  EXPECT_THAT(points, ElementsAre("[[1,1.0],[2,2.0]]", "[[3,33.0],[4,null]]"));
}

TEST_F(LinesTest, ALongCurveIsWhole) {
  std::vector<core::Metric> metrics;
  for (int step = 1; step <= 4001; ++step) metrics.push_back({step, "train_loss", step * 1.0});
  Attempt("lora-1", 1, metrics);
  std::int64_t next = 1;
  for (const auto& line : JsonLines(*All(Ask("runs", "demo")))) {
    if (line["type"] != "points") continue;
    for (const auto& point : line["points"]) EXPECT_EQ(point[0], next++);
  }
  EXPECT_EQ(next, 4002);
  ExtractRequest csv = Ask("csv", "demo");
  csv.table = "metrics";
  const std::string rows = *All(csv);
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 4002);
  EXPECT_THAT(rows, HasSubstr("lora rank=8,1,lora-1,a-lora-1-1,1,0,4001,train_loss,4001.0\r\n"));
}

TEST_F(LinesTest, EveryTableHasItsHeadingThoughItHasNoRow) {
  EXPECT_THAT(CsvTables(), SizeIs(10));
  ExtractRequest csv = Ask("csv", "demo");
  for (const std::string& table : CsvTables()) {
    csv.table = table;
    const auto text = All(csv);
    ASSERT_TRUE(text.ok()) << table << text.status();
    EXPECT_THAT(*text, HasSubstr(table == "sensitivity" ? "axis,value" : "configuration")) << table;
  }
}

TEST_F(LinesTest, CsvQuotesWhatItMust) {
  summary_ = "he said \"no\",\nthen\x01 left";
  Attempt("full-1", 1);
  Finish("full-1", 1, {0.5}, store::MakeResult(0.5));
  ExtractRequest csv = Ask("csv", "demo");
  csv.table = "predictions";
  EXPECT_THAT(*All(csv), HasSubstr(",\"he said \"\"no\"\",\nthen\x01 left\",5,0.5,0.25,"));
}

TEST_F(LinesTest, CsvTellsAnEmptyTextFromNone) {
  ExtractRequest csv = Ask("csv", "demo");
  csv.table = "sensitivity";  // `held` is empty, and there is no mean
  EXPECT_THAT(*All(csv), HasSubstr("demo,lora,rank,8,\"\",rouge1,0,,,,\r\n"));
}

TEST_F(LinesTest, BytesThatAreNoUtf8AreReplacedInLines) {
  summary_ = "caf\xC3";
  Attempt("full-1", 1);
  Finish("full-1", 1, {0.5}, store::MakeResult(0.5));
  const auto lines = JsonLines(*All(Ask("predictions", "demo")));
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["text"], "caf\xEF\xBF\xBD");
}

TEST_F(LinesTest, NoTransactionIsOpenBetweenPieces) {
  summary_ = std::string(3000, 'x');
  Attempt("full-1", 1);
  Finish("full-1", 1, std::vector<double>(401, 0.5), store::MakeResult(0.5));
  auto extract = *Extract::Open(folder_.database(), Ask("predictions", "demo"));
  ASSERT_TRUE(extract->Next().ok());
  // A checkpoint that resets the WAL needs that nobody reads from it.
  SQLite::Database database(folder_.database(), SQLite::OPEN_READWRITE);
  EXPECT_EQ(database.execAndGet("PRAGMA wal_checkpoint(TRUNCATE)").getInt(), 0);
}

}  // namespace
}  // namespace lorikeet::report
