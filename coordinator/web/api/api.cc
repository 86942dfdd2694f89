#include "coordinator/web/api/api.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "common/json.h"
#include "coordinator/core/types.h"
#include "coordinator/web/api/json.h"
#include "coordinator/web/api/parameters.h"
#include "coordinator/web/api/series_json.h"
#include "sweeps/report/report.h"

namespace lorikeet::web {
namespace {

// A page of rows; documents are long.
constexpr std::int64_t kMostRows = 500, kMostDocuments = 200, kRows = 100;
constexpr std::int64_t kMostFrom = std::int64_t{1} << 40;
constexpr std::int64_t kMostEventId = std::int64_t{1} << 53;
constexpr std::size_t kMostTextBytes = 512;
constexpr std::size_t kMostNameBytes = 8192;  // of a configuration
constexpr std::size_t kMostDocumentIdBytes = 4096;
constexpr std::size_t kMostChosen = 500;  // trials whose curves are drawn together
constexpr std::int64_t kLeastPoints = 16, kMostPoints = 2000, kPoints = 400;
const std::vector<std::string> kScores = {"rouge1", "rouge2", "rougeL", "rougeLsum"};

report::Window AskWindow(Parameters& parameters, std::int64_t most = kMostRows) {
  report::Window window;
  window.from = parameters.Number("from", 0, 0, kMostFrom);
  window.most = parameters.Number("most", std::min(kRows, most), 1, most);
  return window;
}

// What one question is answered from.
class Answerer {
 public:
  Answerer(const ApiOptions& options, const Question& question)
      : options_(options), parameters_(question.parameters) {}

  StatusOr<Json> Sweeps() {
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto now, options_.live->Now());
    Json json = {{"version", options_.version}, {"build", options_.build}, {"now", Now()}};
    json["sweeps"] = Json::array();
    for (const service::SweepView& view : now->sweeps) json["sweeps"].push_back(ToJson(view));
    return json;
  }

  StatusOr<Json> Workers() {
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto now, options_.live->Now());
    Json json = {{"now", Now()}};
    json["workers"] = Json::array();
    for (const service::WorkerView& view : now->workers) json["workers"].push_back(ToJson(view));
    return json;
  }

  StatusOr<Json> Sweep(const std::string& id) {
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const service::SweepView view, options_.live->Sweep(id));
    Json json = ToJson(view);
    json["text"] = view.sweep.text;
    json["now"] = Now();
    return json;
  }

  StatusOr<Json> Table(const std::string& id) {
    const std::string metric = parameters_.Choice("metric", WithPrimary());
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto report, report::Report::Open(options_.database_path));
    ASSIGN_OR_RETURN(const report::Table table, report->ReadTable(id));
    // By name where there is no such id: not here.
    if (table.sweep_id != id) return NotFound("there is no sweep {}", id);
    ASSIGN_OR_RETURN(const auto browse, report::Browse::Open(options_.database_path));
    ASSIGN_OR_RETURN(const report::Comparisons comparisons,
                     browse->ReadComparisons(id, metric == "primary" ? "" : metric));
    Json json = Json::parse(report::Render(table, report::Format::kJson));
    json["comparisons"] = ToJson(comparisons);
    return json;
  }

  StatusOr<Json> Grid(const std::string& id) {
    const std::string metric = parameters_.Choice("metric", report::GridMetrics());
    const report::Window window = AskWindow(parameters_);
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto browse, report::Browse::Open(options_.database_path));
    ASSIGN_OR_RETURN(const report::Grid grid, browse->ReadGrid(id, metric, window));
    Json json = ToJson(grid);
    json["metric"] = metric;
    json["from"] = window.from;
    RETURN_IF_ERROR(AddProgress(id, json));
    return json;
  }

  StatusOr<Json> Trials(const std::string& id) {
    report::TrialFilter filter;
    filter.state =
        parameters_.Choice("state", {"", "pending", "running", "succeeded", "failed", "cancelled"});
    filter.text = parameters_.Text("text", kMostTextBytes);
    const report::Window window = AskWindow(parameters_);
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto browse, report::Browse::Open(options_.database_path));
    ASSIGN_OR_RETURN(const report::TrialList list, browse->ReadTrials(id, filter, window));
    Json json = {{"trials", list.trials}, {"from", window.from}};
    json["items"] = Json::array();
    for (const report::TrialItem& item : list.items) json["items"].push_back(ToJson(item));
    RETURN_IF_ERROR(AddProgress(id, json));
    return json;
  }

  StatusOr<Json> History(const std::string& sweep_id, const std::string& trial_id) {
    report::HistoryFilter filter{.sweep_id = sweep_id, .trial_id = trial_id};
    filter.logs = parameters_.Flag("logs");
    filter.before = parameters_.Number("before", 0, 0, kMostEventId);
    filter.most = parameters_.Number("most", kRows, 1, kMostRows);
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto browse, report::Browse::Open(options_.database_path));
    ASSIGN_OR_RETURN(const std::vector<report::HistoryItem> items, browse->ReadHistory(filter));
    Json json = {{"more", static_cast<std::int64_t>(items.size()) == filter.most}};
    json["items"] = Json::array();
    for (const report::HistoryItem& item : items) json["items"].push_back(ToJson(item));
    return json;
  }

  StatusOr<Json> Trial(const std::string& id) {
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto browse, report::Browse::Open(options_.database_path));
    ASSIGN_OR_RETURN(const report::TrialFacts facts, browse->ReadTrial(id));
    Json json = ToJson(facts);
    ASSIGN_OR_RETURN(const service::TrialView live, options_.live->Trial(id));
    json["progress"] = live.progress ? ToJson(*live.progress) : Json(nullptr);
    json["waiting"] = OrNull(live.waiting);
    json["now"] = Now();
    return json;
  }

  StatusOr<Json> Curves(const std::string& id) {
    report::CurveOptions curves;
    curves.metric = parameters_.Text("metric", kMostTextBytes);
    curves.trials = parameters_.Ids("trials", kMostChosen);
    const std::vector<std::int64_t> configurations = parameters_.Numbers("configurations", kMostChosen);
    curves.most_points =
        static_cast<std::size_t>(parameters_.Number("points", kPoints, kLeastPoints, kMostPoints));
    RETURN_IF_ERROR(parameters_.Mistake());
    if (!configurations.empty()) {
      ASSIGN_OR_RETURN(const auto browse, report::Browse::Open(options_.database_path));
      ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                       browse->ReadTrialIds(id, configurations, kMostChosen - curves.trials.size()));
      curves.trials.insert(curves.trials.end(), ids.begin(), ids.end());
    }
    if (curves.trials.empty())
      return InvalidArgument("trials, configurations: name some, of at most {} trials", kMostChosen);
    ASSIGN_OR_RETURN(const auto series, report::Series::Open(options_.database_path));
    ASSIGN_OR_RETURN(const report::Curves read, series->ReadCurves(id, curves));
    return ToJson(read);
  }

  StatusOr<Json> Sensitivity(const std::string& id) {
    const std::string metric = parameters_.Choice("metric", WithPrimary());
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto series, report::Series::Open(options_.database_path));
    ASSIGN_OR_RETURN(const report::Sensitivity read,
                     series->ReadSensitivity(id, metric == "primary" ? "" : metric, ""));
    return ToJson(read);
  }

  StatusOr<Json> Pareto(const std::string& id) {
    const std::string metric = parameters_.Choice("metric", WithPrimary());
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto series, report::Series::Open(options_.database_path));
    ASSIGN_OR_RETURN(const report::Pareto read,
                     series->ReadPareto(id, metric == "primary" ? "" : metric, ""));
    return ToJson(read);
  }

  StatusOr<Json> Documents(const std::string& id) {
    report::DocumentQuery query;
    query.sweep_id = id;
    query.split = parameters_.Choice("split", {"test", "validation"});
    query.metric = parameters_.Choice("metric", kScores);
    query.sort = parameters_.Choice("sort", {"position", "difference", "-difference", "score", "-score"});
    query.configuration = parameters_.Text("configuration", kMostNameBytes);
    query.against = parameters_.Text("against", kMostNameBytes);
    query.window = AskWindow(parameters_, kMostDocuments);
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto documents, report::Documents::Open(options_.database_path));
    ASSIGN_OR_RETURN(const report::DocumentList list, documents->ReadList(query));
    Json json = ToJson(list);
    json["from"] = query.window.from;
    return json;
  }

  StatusOr<Json> Document(const std::string& id) {
    const std::string split = parameters_.Choice("split", {"test", "validation"});
    const std::string document = parameters_.Text("id", kMostDocumentIdBytes);
    const std::int64_t none = -1;
    const std::int64_t seed = parameters_.Number("seed", none, 0, std::int64_t{1} << 53);
    RETURN_IF_ERROR(parameters_.Mistake());
    ASSIGN_OR_RETURN(const auto documents, report::Documents::Open(options_.database_path));
    ASSIGN_OR_RETURN(
        const report::DocumentText text,
        documents->ReadDocument(id, split, document, seed == none ? std::nullopt : std::optional(seed)));
    return ToJson(text);
  }

 private:
  static std::string Now() { return FormatTime(RealClock().Wall()); }
  static std::vector<std::string> WithPrimary() {
    std::vector<std::string> choices = {"primary"};
    choices.insert(choices.end(), kScores.begin(), kScores.end());
    return choices;
  }

  // How far the running trials of the sweep are, by trial.
  Status AddProgress(const std::string& sweep_id, Json& json) {
    ASSIGN_OR_RETURN(const auto now, options_.live->Now());
    Json progress = Json::object();
    for (const service::TrialView& view : now->running) {
      if (view.trial.sweep_id == sweep_id && view.progress) progress[view.trial.id] = ToJson(*view.progress);
    }
    json["progress"] = std::move(progress);
    return absl::OkStatus();
  }

  const ApiOptions& options_;
  Parameters parameters_;
};

// "sweeps/s-1/table" in its parts.
std::vector<std::string> PartsOf(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

StatusOr<Json> AnswerOf(Answerer& answerer, const std::vector<std::string>& parts) {
  using OfSweep = StatusOr<Json> (Answerer::*)(const std::string&);
  static const std::map<std::string, OfSweep> kOfSweep = {
      {"table", &Answerer::Table},         {"grid", &Answerer::Grid},
      {"trials", &Answerer::Trials},       {"curves", &Answerer::Curves},
      {"pareto", &Answerer::Pareto},       {"sensitivity", &Answerer::Sensitivity},
      {"documents", &Answerer::Documents}, {"document", &Answerer::Document}};
  const Status none = NotFound("there is no such question; docs/page.md has them");
  if (parts.size() > 1 && !IsId(parts[1])) return InvalidArgument("{}: is followed by an id", parts[0]);
  const std::string& kind = parts[0];
  if (parts.size() == 1 && kind == "sweeps") return answerer.Sweeps();
  if (parts.size() == 1 && kind == "workers") return answerer.Workers();
  if (parts.size() == 2 && kind == "sweeps") return answerer.Sweep(parts[1]);
  if (parts.size() == 2 && kind == "trials") return answerer.Trial(parts[1]);
  if (parts.size() != 3) return none;
  if (kind == "trials" && parts[2] == "events") return answerer.History("", parts[1]);
  if (kind != "sweeps") return none;
  if (parts[2] == "events") return answerer.History(parts[1], "");
  const auto found = kOfSweep.find(parts[2]);
  return found == kOfSweep.end() ? StatusOr<Json>(none) : (answerer.*found->second)(parts[1]);
}

std::uint64_t HashOf(const Json& json) { return std::hash<std::string>()(Dump(json)); }

}  // namespace

StatusOr<std::string> Api::Answer(const Question& question) const {
  Answerer answerer(options_, question);
  ASSIGN_OR_RETURN(const Json json, AnswerOf(answerer, PartsOf(question.path)));
  return Dump(json);
}

StatusOr<Marks> Api::Look() const {
  ASSIGN_OR_RETURN(const auto now, options_.live->Now());
  ASSIGN_OR_RETURN(const auto browse, report::Browse::Open(options_.database_path));
  ASSIGN_OR_RETURN(const auto last, browse->LastEvents());
  Marks marks;
  std::map<std::string, Json> progress;
  for (const service::TrialView& view : now->running)
    progress[view.trial.sweep_id].push_back(
        {view.trial.id, view.progress ? ToJson(*view.progress) : Json(nullptr)});
  for (const service::SweepView& view : now->sweeps) {
    Mark& mark = marks.sweeps[view.sweep.id];
    Json rows = ToJson(view);
    // What grows by itself is no change.
    rows.erase("elapsed_seconds");
    rows.erase("eta_seconds");
    const auto event = last.find(view.sweep.id);
    rows["last_event"] = event == last.end() ? 0 : event->second;
    mark.rows = HashOf(rows);
    mark.progress = HashOf(progress[view.sweep.id]);
  }
  Json workers = Json::array();
  for (const service::WorkerView& view : now->workers) {
    workers.push_back(ToJson(view));
    workers.back().erase("last_seen_at");  // every renewal moves it
  }
  marks.workers = HashOf(workers);
  return marks;
}

}  // namespace lorikeet::web
