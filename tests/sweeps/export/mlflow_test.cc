// Against a server that keeps what it is sent and answers as MLflow's REST API does. tests/ecosystem/run.sh
// has a real one.
#include "sweeps/export/mlflow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <thread>

namespace lorikeet::exporting {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct StoredRun {
  std::string id, name, status = "RUNNING";
  bool deleted = false;
  std::map<std::string, std::string> tags, params;
  std::vector<Json> metrics;
  std::int64_t end_time = 0;
};

// One thread of httplib's answers at a time.
class FakeMlflow {
 public:
  FakeMlflow() {
    server_.new_task_queue = [] { return new httplib::ThreadPool(1); };
    server_.Get("/sub/api/2.0/mlflow/experiments/get-by-name", [this](const auto& request, auto& response) {
      seen_authorization_ = request.get_header_value("Authorization");
      if (experiment_.empty()) {
        response.status = 404;
        return response.set_content(R"({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"})",
                                    "application/json");
      }
      Answer(response, {{"experiment", {{"experiment_id", "7"}, {"lifecycle_stage", stage_}}}});
    });
    Post("experiments/create", [this](const Json& request) -> Json {
      experiment_ = Text(request, "name");
      return {{"experiment_id", "7"}};
    });
    Post("runs/search", [this](const Json& request) -> Json {
      Json found = Json::array();
      for (const StoredRun& run : runs_) {
        if (run.deleted || Text(request, "filter") !=
                               "tags.`lorikeet.trial_id` = '" + run.tags.at("lorikeet.trial_id") + "'")
          continue;
        Json tags = Json::array();
        for (const auto& [key, value] : run.tags) tags.push_back({{"key", key}, {"value", value}});
        found.push_back({{"info", {{"run_id", run.id}}}, {"data", {{"tags", tags}}}});
      }
      return found.empty() ? Json::object() : Json{{"runs", found}};
    });
    Post("runs/create", [this](const Json& request) -> Json {
      StoredRun& run = runs_.emplace_back();
      run.id = "r" + std::to_string(runs_.size());
      run.name = Text(request, "run_name");
      for (const Json& tag : request["tags"]) run.tags[Text(tag, "key")] = Text(tag, "value");
      return {{"run", {{"info", {{"run_id", run.id}}}}}};
    });
    Post("runs/log-batch", [this](const Json& request) -> Json {
      StoredRun& run = Of(request);
      const Json metrics = request.value("metrics", Json::array()),
                 params = request.value("params", Json::array());
      EXPECT_LE(metrics.size(), 1000u);
      EXPECT_LE(params.size(), 100u);
      for (const Json& metric : metrics) run.metrics.push_back(metric);
      for (const Json& param : params) run.params[Text(param, "key")] = Text(param, "value");
      return Json::object();
    });
    Post("runs/update", [this](const Json& request) -> Json {
      Of(request).status = Text(request, "status");
      Of(request).end_time = request.value("end_time", std::int64_t{0});
      return Json::object();
    });
    Post("runs/set-tag", [this](const Json& request) -> Json {
      Of(request).tags[Text(request, "key")] = Text(request, "value");
      return Json::object();
    });
    Post("runs/delete", [this](const Json& request) -> Json {
      Of(request).deleted = true;
      return Json::object();
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeMlflow() {
    server_.stop();
    thread_.join();
  }
  FakeMlflow(const FakeMlflow&) = delete;
  FakeMlflow& operator=(const FakeMlflow&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/sub/"; }
  void RefuseFrom(int call) { refuse_from_ = calls_ + call; }
  void Forgive() { refuse_from_ = 1 << 30; }
  std::vector<const StoredRun*> Active() const {
    std::vector<const StoredRun*> active;
    for (const StoredRun& run : runs_)
      if (!run.deleted) active.push_back(&run);
    return active;
  }

  std::vector<StoredRun> runs_;
  std::string experiment_, stage_ = "active", seen_authorization_;

 private:
  static void Answer(httplib::Response& response, const Json& answer) {
    response.set_content(answer.dump(), "application/json");
  }
  void Post(const std::string& call, std::function<Json(const Json&)> answer) {
    server_.Post(
        "/sub/api/2.0/mlflow/" + call,
        [this, answer = std::move(answer)](const httplib::Request& request, httplib::Response& response) {
          if (++calls_ >= refuse_from_) {
            response.status = 500;
            return response.set_content("{\"message\": \"the\\ndisk is full\"}", "application/json");
          }
          Answer(response, answer(Json::parse(request.body)));
        });
  }
  StoredRun& Of(const Json& request) {
    for (StoredRun& run : runs_)
      if (run.id == Text(request, "run_id")) return run;
    ADD_FAILURE() << "no run " << request;
    return runs_.front();
  }

  httplib::Server server_;
  int port_ = 0, calls_ = 0, refuse_from_ = 1 << 30;
  std::thread thread_;
};

Json ARun(const std::string& id, const std::string& state, std::int64_t token = 1) {
  Json run = {{"type", "run"},
              {"id", id},
              {"name", "name of " + id},
              {"configuration", "lora rank=8"},
              {"arm", "lora"},
              {"seed", 1},
              {"state", state},
              {"token", token},
              {"hostname", "host-1"},
              {"started_at", "2026-03-01T12:00:00.500Z"},
              {"ended_at", "2026-03-01T12:30:00.000Z"},
              {"settings", {{"train", {{"learning_rate", 0.01}}}, {"lora", {{"targets", {"q", "v"}}}}}},
              {"result", nullptr}};
  if (state == "succeeded")
    run["result"] = {{"test_rouge1", 0.4},
                     {"kept_step", 30},
                     {"finished_at", "2026-03-01T13:00:00.000Z"},
                     {"data_fingerprint", "abc"}};
  return run;
}

class MlflowTest : public ::testing::Test {
 protected:
  StatusOr<std::unique_ptr<Mlflow>> Send(const std::vector<Json>& runs, const MlflowOptions& more = {}) {
    MlflowOptions options = more;
    options.url = server_.url();
    ASSIGN_OR_RETURN(std::unique_ptr<Mlflow> mlflow, Mlflow::Create(options));
    RETURN_IF_ERROR(mlflow->Take({{"type", "sweep"}, {"name", "demo & co"}, {"id", "s-1"}}));
    for (const Json& run : runs) {
      RETURN_IF_ERROR(mlflow->Take(run));
      Json points = Json::array();
      for (int step = 1; step <= 1500; ++step)
        points.push_back({step, step == 7 ? Json() : Json(1.0 / step)});
      RETURN_IF_ERROR(mlflow->Take({{"type", "points"},
                                    {"run", Text(run, "id")},
                                    {"name", "train_loss"},
                                    {"began_at", "2026-03-01T12:00:00.500Z"},
                                    {"points", points}}));
    }
    RETURN_IF_ERROR(mlflow->Finish());
    return mlflow;
  }
  FakeMlflow server_;
};

TEST_F(MlflowTest, ARunHasParamsMetricsAndTags) {
  const auto sent = Send({ARun("t-1", "succeeded")});
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ((*sent)->written(), 1);
  EXPECT_EQ((*sent)->not_numbers(), 1);
  EXPECT_EQ(server_.experiment_, "demo & co");
  ASSERT_THAT(server_.runs_, SizeIs(1));
  const StoredRun& run = server_.runs_[0];
  EXPECT_EQ(run.name, "name of t-1");
  EXPECT_EQ(run.status, "FINISHED");
  EXPECT_EQ(run.end_time, 1'772'370'000'000);
  EXPECT_EQ(run.params.at("train.learning_rate"), "0.01");
  EXPECT_EQ(run.params.at("lora.targets"), "q,v");
  EXPECT_EQ(run.tags.at("lorikeet.configuration"), "lora rank=8");
  EXPECT_EQ(run.tags.at("lorikeet.data_fingerprint"), "abc");
  EXPECT_EQ(run.tags.at("lorikeet.complete"), "succeeded/1");
  ASSERT_THAT(run.metrics, SizeIs(2 + 1499));
  EXPECT_EQ(run.metrics[0].dump(),
            R"({"key":"result/test_rouge1","value":0.4,"timestamp":1772370000000,"step":30})");
  EXPECT_EQ(run.metrics[2].dump(), R"({"key":"train_loss","value":1.0,"timestamp":1772366400500,"step":1})");
}

TEST_F(MlflowTest, TypedAgainItWritesWhatHasChanged) {
  ASSERT_TRUE(Send({ARun("t-1", "succeeded"), ARun("t-2", "running"), ARun("t-3", "failed")}).ok());
  EXPECT_EQ(server_.runs_[1].status, "RUNNING");
  EXPECT_EQ(server_.runs_[2].status, "FAILED");
  const auto again =
      Send({ARun("t-1", "succeeded"), ARun("t-2", "succeeded", 2), ARun("t-3", "cancelled", 2)});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->passed_over(), 1);
  EXPECT_EQ((*again)->written(), 2);
  const auto active = server_.Active();
  ASSERT_THAT(active, SizeIs(3));
  EXPECT_EQ(active[1]->tags.at("lorikeet.trial_id"), "t-2");
  EXPECT_EQ(active[1]->status, "FINISHED");
  EXPECT_EQ(active[2]->status, "KILLED");
}

TEST_F(MlflowTest, AnExportThatWasCutOffIsDoneAgain) {
  server_.RefuseFrom(5);  // in the midst of the metrics
  const auto cut = Send({ARun("t-1", "succeeded")});
  ASSERT_FALSE(cut.ok());
  EXPECT_THAT(Message(cut.status()), HasSubstr("answers runs/log-batch with HTTP 500: the disk is full"));
  server_.Forgive();
  ASSERT_TRUE(Send({ARun("t-1", "succeeded")}).ok());
  ASSERT_THAT(server_.Active(), SizeIs(1));
  EXPECT_THAT(server_.Active()[0]->metrics, SizeIs(2 + 1499));
}

TEST_F(MlflowTest, ADeletedExperimentIsSaid) {
  server_.experiment_ = "demo";
  server_.stage_ = "deleted";
  EXPECT_THAT(Message(Send({}).status()), HasSubstr("that was deleted: restore it"));
}

TEST_F(MlflowTest, ATokenGoesToThisMachineOrOverHttps) {
  ASSERT_TRUE(Send({}, {.url = {}, .token = "secret", .user = {}, .password = {}}).ok());
  EXPECT_EQ(server_.seen_authorization_, "Bearer secret");
  ASSERT_TRUE(Send({}, {.url = {}, .token = {}, .user = "me", .password = "secret"}).ok());
  EXPECT_THAT(server_.seen_authorization_, HasSubstr("Basic "));
  for (const auto& [url, right] : {std::pair("http://mlflow.example.org:5000", false),
                                   {"https://mlflow.example.org", true},
                                   {"http://localhost:5000", true},
                                   {"http://127.evil.org", false}}) {
    EXPECT_EQ(Mlflow::Create({.url = url, .token = "secret", .user = {}, .password = {}}).ok(), right) << url;
  }
}

TEST_F(MlflowTest, AddressesThatAreNone) {
  for (const char* url : {"", "mlflow:5000", "ftp://x", "http://", "http://user:secret@host",
                          "http://host:port", "file:///mlruns", "http://a\nb"})
    EXPECT_TRUE(absl::IsInvalidArgument(
        Mlflow::Create({.url = url, .token = {}, .user = {}, .password = {}}).status()))
        << url;
}

TEST_F(MlflowTest, AServerThatIsNone) {
  auto mlflow = *Mlflow::Create({.url = "http://127.0.0.1:1", .token = {}, .user = {}, .password = {}});
  EXPECT_TRUE(absl::IsUnavailable(mlflow->Take({{"type", "sweep"}, {"name", "demo"}})));
  // Another one's 404.
  auto other = *Mlflow::Create({.url = server_.url() + "elsewhere", .token = {}, .user = {}, .password = {}});
  EXPECT_THAT(Message(other->Take({{"type", "sweep"}, {"name", "demo"}})), HasSubstr("HTTP 404"));
}

TEST_F(MlflowTest, AnIdThatIsNoneReachesNoFilter) {
  EXPECT_TRUE(absl::IsInvalidArgument(Send({ARun("t' OR '1' = '1", "succeeded")}).status()));
  EXPECT_THAT(server_.runs_, IsEmpty());
}

}  // namespace
}  // namespace lorikeet::exporting
