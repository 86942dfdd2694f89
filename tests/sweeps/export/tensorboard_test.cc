// Event files, read back by what the format says. The integration test reads them with a reader of its own,
// and tests/ecosystem/run.sh with TensorBoard.
#include "sweeps/export/tensorboard.h"

#include <gmock/gmock.h>

#include <cmath>

#include "common/files.h"
#include "event.pb.h"
#include "folder.h"

namespace lorikeet::exporting {
namespace {

using ::testing::SizeIs;

TEST(RecordTest, ChecksumsAreCastagnolis) {
  // RFC 3720, B.4, and the usual check value.
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
}

TEST(RecordTest, ARecordIsFramed) {
  const std::string record = Record("abc");
  ASSERT_THAT(record, SizeIs(8 + 4 + 3 + 4));
  EXPECT_EQ(record.substr(0, 8), std::string("\3\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, 3), "abc");
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (int i = 3; i >= 0; --i)
      value = (value << 8) | static_cast<unsigned char>(record[at + static_cast<std::size_t>(i)]);
    return value;
  };
  EXPECT_EQ(number(8), MaskedCrc32c(record.substr(0, 8)));
  EXPECT_EQ(number(15), MaskedCrc32c("abc"));
  EXPECT_EQ(MaskedCrc32c("123456789"), ((0xE3069283U >> 15) | (0xE3069283U << 17)) + 0xA282EAD8U);
}

std::vector<tensorboard::Event> EventsOf(const std::string& path) {
  const std::string file = *ReadFile(path);
  std::vector<tensorboard::Event> events;
  for (std::size_t at = 0; at + 12 <= file.size();) {
    const auto length =
        static_cast<unsigned char>(file[at]) + 256U * static_cast<unsigned char>(file[at + 1]);
    const std::string content = file.substr(at + 12, length);
    EXPECT_EQ(Record(content), file.substr(at, length + 16));
    EXPECT_TRUE(events.emplace_back().ParseFromString(content));
    at += length + 16;
  }
  return events;
}

Json ARun(const std::string& configuration, std::int64_t seed) {
  return {{"type", "run"},
          {"id", "t-1"},
          {"configuration", configuration},
          {"arm", "lora"},
          {"seed", seed},
          {"state", "succeeded"},
          {"started_at", "2026-03-01T12:00:00.500Z"},
          {"settings",
           {{"train", {{"learning_rate", 0.01}, {"epochs", 3}}},
            {"lora", {{"rank", 8}, {"targets", {"q", "v"}}}}}},
          {"result",
           {{"test_rouge1", 0.4},
            {"device", "cpu"},
            {"kept_step", 30},
            {"seed", seed},
            {"finished_at", "2026-03-01T13:00:00.000Z"}}}};
}

TEST(TensorBoardTest, ARunHasItsCurveItsResultAndItsHyperparameters) {
  Folder folder;
  NewFolder out(folder.path() + "/out");
  ASSERT_TRUE(out.Make().ok());
  TensorBoard board(out);
  ASSERT_TRUE(board.Take({{"type", "sweep"}, {"name", "demo"}}).ok());
  ASSERT_TRUE(board.Take(ARun("lora rank=8", 1)).ok());
  ASSERT_TRUE(board
                  .Take({{"type", "points"},
                         {"run", "t-1"},
                         {"name", "train_loss"},
                         {"began_at", "2026-03-01T12:00:00.500Z"},
                         {"points", {{1, 4.0}, {2, nullptr}}}})
                  .ok());
  ASSERT_TRUE(board.Finish().ok());
  EXPECT_EQ(board.points(), 2);
  ASSERT_TRUE(out.Keep().ok());
  const auto events =
      EventsOf(folder.path() + "/out/lora-rank=8/seed=1/events.out.tfevents.1772366400.lorikeet");
  ASSERT_THAT(events, SizeIs(7));
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  tensorboard::HParams start;
  ASSERT_TRUE(start.ParseFromString(events[1].summary().value(0).metadata().plugin_data().content()));
  EXPECT_EQ(events[1].summary().value(0).tag(), "_hparams_/session_start_info");
  EXPECT_EQ(start.session_start_info().group_name(), "lora rank=8");
  const auto& hparams = start.session_start_info().hparams();
  EXPECT_EQ(hparams.at("lora.rank").number_value(), 8);
  EXPECT_EQ(hparams.at("lora.targets").string_value(), "q,v");
  EXPECT_EQ(hparams.at("learning_rate").number_value(), 0.01);
  EXPECT_EQ(hparams.at("seed").number_value(), 1);
  EXPECT_EQ(events[2].step(), 1);
  EXPECT_EQ(events[2].wall_time(), 1'772'366'400.5);
  EXPECT_EQ(events[2].summary().value(0).tag(), "train_loss");
  EXPECT_EQ(events[2].summary().value(0).simple_value(), 4.0F);
  EXPECT_TRUE(std::isnan(events[3].summary().value(0).simple_value()));
  EXPECT_EQ(events[4].summary().value(0).tag(), "result/test_rouge1");
  EXPECT_EQ(events[4].step(), 30);
  EXPECT_EQ(events[4].wall_time(), 1'772'370'000);
  EXPECT_EQ(events[5].summary().value(0).tag(), "result/kept_step");
  tensorboard::HParams end;
  ASSERT_TRUE(end.ParseFromString(events[6].summary().value(0).metadata().plugin_data().content()));
  EXPECT_EQ(end.session_end_info().status(), tensorboard::SessionEnd::SUCCESS);
}

TEST(TensorBoardTest, ARunThatGoesOnSaysSo) {
  Folder folder;
  NewFolder out(folder.path() + "/out");
  ASSERT_TRUE(out.Make().ok());
  TensorBoard board(out);
  Json run = ARun("full", 2);
  run["state"] = "running";
  run["result"] = nullptr;
  ASSERT_TRUE(board.Take(run).ok());
  ASSERT_TRUE(board.Finish().ok());
  const auto events = EventsOf(out.path() + "/full/seed=2/events.out.tfevents.1772366400.lorikeet");
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[2].wall_time(), 1'772'366'400.5);
  tensorboard::HParams end;
  ASSERT_TRUE(end.ParseFromString(events[2].summary().value(0).metadata().plugin_data().content()));
  EXPECT_EQ(end.session_end_info().status(), tensorboard::SessionEnd::RUNNING);
}

TEST(TensorBoardTest, NamesThatComeToTheSameFolderGetTwo) {
  Folder folder;
  NewFolder out(folder.path() + "/out");
  ASSERT_TRUE(out.Make().ok());
  TensorBoard board(out);
  for (const char* name : {"a b", "a/b", "../.."}) ASSERT_TRUE(board.Take(ARun(name, 1)).ok());
  ASSERT_TRUE(board.Finish().ok());
  EXPECT_EQ(board.runs(), 3);
  for (const char* name : {"a-b/seed=1", "a-b/seed=1-2", "-.-../seed=1"})
    EXPECT_TRUE(std::filesystem::is_directory(out.path() + "/" + name)) << name;
}

TEST(TensorBoardTest, NothingToExportIsSaid) {
  Folder folder;
  NewFolder out(folder.path() + "/out");
  ASSERT_TRUE(out.Make().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(TensorBoard(out).Finish()));
}

}  // namespace
}  // namespace lorikeet::exporting
