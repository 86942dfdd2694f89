#include "worker/agent/devices.h"

#include <gmock/gmock.h>

namespace lorikeet::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FakeDevices : public DeviceProbe {
 public:
  StatusOr<std::vector<Gpu>> Gpus() override { return gpus; }
  Cpu HostCpu() override { return {"A CPU", 64'000, 8}; }
  StatusOr<std::vector<Gpu>> gpus = std::vector<Gpu>{};
};

SlotSettings Settings(const std::string& devices) {
  SlotSettings settings;
  settings.devices = *ParseDevices(devices);
  return settings;
}

TEST(Devices, AreParsed) {
  EXPECT_EQ(ParseDevices("auto")->kind, DeviceChoice::Kind::kAuto);
  EXPECT_EQ(ParseDevices("cpu")->kind, DeviceChoice::Kind::kCpu);
  EXPECT_THAT(ParseDevices("cuda")->indices, IsEmpty());
  EXPECT_THAT(ParseDevices("cuda:0,2")->indices, ElementsAre(0, 2));
  EXPECT_THAT(ParseDevices("cuda:1,cuda:0")->indices, ElementsAre(1, 0));
}

TEST(Devices, MistakesSayWhatWouldBeRight) {
  for (const char* text : {"", "gpu", "cuda:", "cuda:x", "cuda:0,", "cuda:-1", "cuda:0,0", "cpu:1"}) {
    const auto choice = ParseDevices(text);
    ASSERT_TRUE(absl::IsInvalidArgument(choice.status())) << text;
    EXPECT_THAT(Message(choice.status()), testing::StartsWith(std::string("--devices ") + text));
  }
}

TEST(Slots, ShareTheCpu) {
  FakeDevices devices;
  SlotSettings settings = Settings("auto");
  auto slots = FindSlots(settings, devices);
  ASSERT_EQ(slots->size(), 1U);
  EXPECT_EQ(slots->at(0).device, "cpu");
  EXPECT_EQ(slots->at(0).threads, 8);
  settings.slots = 3;
  slots = FindSlots(settings, devices);
  ASSERT_EQ(slots->size(), 3U);
  EXPECT_EQ(slots->at(2).index, 2);
  EXPECT_EQ(slots->at(2).threads, 2);
  settings.threads = 5;
  EXPECT_EQ(FindSlots(settings, devices)->at(0).threads, 5);
  settings.slots = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(FindSlots(settings, devices).status()));
}

TEST(Slots, AreGpusWhereThereAreAny) {
  FakeDevices devices;
  devices.gpus = std::vector<Gpu>{{"First", 10}, {"Second", 20}};
  const auto slots = FindSlots(Settings("auto"), devices);
  ASSERT_EQ(slots->size(), 2U);
  EXPECT_EQ(slots->at(1).device, "cuda:1");
  EXPECT_EQ(slots->at(1).kind, "cuda");
  EXPECT_EQ(slots->at(1).device_model, "Second");
  EXPECT_EQ(slots->at(1).memory_bytes, 20);
  EXPECT_EQ(slots->at(1).threads, 4);
  const auto one = FindSlots(Settings("cuda:1"), devices);
  ASSERT_EQ(one->size(), 1U);
  EXPECT_EQ(one->at(0).index, 0);
  EXPECT_EQ(one->at(0).device, "cuda:1");
  EXPECT_EQ(FindSlots(Settings("cpu"), devices)->at(0).kind, "cpu");
}

TEST(Slots, RefuseWhatIsNotThere) {
  FakeDevices devices;
  EXPECT_THAT(Message(FindSlots(Settings("cuda"), devices).status()), HasSubstr("no NVIDIA GPU"));
  devices.gpus = std::vector<Gpu>{{"Only", 10}};
  EXPECT_THAT(Message(FindSlots(Settings("cuda:3"), devices).status()),
              HasSubstr("no cuda:3 on this host, which shows 1"));
  SlotSettings two = Settings("auto");
  two.slots = 2;
  EXPECT_TRUE(absl::IsInvalidArgument(FindSlots(two, devices).status()));
  devices.gpus = FailedPrecondition("driver and library differ");
  EXPECT_THAT(Message(FindSlots(Settings("auto"), devices).status()),
              HasSubstr("--devices cpu does without"));
  EXPECT_TRUE(FindSlots(Settings("cpu"), devices).ok());
}

TEST(VisibleDevices, AreReadAsCudaReadsThem) {
  const std::vector<std::string> uuids = {"GPU-aa11", "GPU-bb22", "GPU-cc33"};
  EXPECT_THAT(VisibleDevices("2,0", uuids), ElementsAre(2, 0));
  EXPECT_THAT(VisibleDevices("GPU-bb,0", uuids), ElementsAre(1, 0));
  EXPECT_THAT(VisibleDevices("1,-1,0", uuids), ElementsAre(1));
  EXPECT_THAT(VisibleDevices("", uuids), IsEmpty());
  EXPECT_THAT(VisibleDevices("7", uuids), IsEmpty());
}

TEST(RealDevices, DescribeThisHost) {
  const Cpu cpu = RealDevices().HostCpu();
  EXPECT_FALSE(cpu.model.empty());
  EXPECT_GE(cpu.threads, 1);
  EXPECT_GT(cpu.memory_bytes, 1 << 20);
}

}  // namespace
}  // namespace lorikeet::agent
