#include "sweeps/sweepctl/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "sweeps/spec/schema.h"
#include "sweeps/spec/tables.h"
#include "sweeps/sweepctl/act.h"
#include "sweeps/sweepctl/follow.h"
#include "sweeps/sweepctl/look.h"
#include "sweeps/sweepctl/maintain.h"
#include "sweeps/sweepctl/submit.h"
#include "sweeps/sweepctl/table.h"
#include "sweeps/sweepctl/text.h"
#include "sweeps/sweepctl/trainer_program.h"

namespace lorikeet::sweepctl {
namespace {

const CLI::IsMember kFormats({"text", "markdown", "latex", "csv", "json"});

}  // namespace

Commands::Commands(CLI::App& app) {
  app.require_subcommand(1);
  AddRun(app);
  AddSubmit(app);
  AddPreflight(app);
  AddSchema(app);
  AddLooks(app);
  AddTable(app);
  AddPlot(app);
  AddBench(app);
  AddExports(app);
  AddActs(app);
  AddScores(app);
  AddMaintenance(app);
  AddFiles(app);
}

Status Commands::Run() { return action_(); }

void Commands::Do(CLI::App* command, std::function<Status()> action) {
  command->callback([this, action = std::move(action)] { action_ = action; });
}

CLI::App* Commands::AddRemote(CLI::App& app, const std::string& name, const std::string& help) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("--coordinator", client_.coordinator,
                      "ADDR:PORT (else $LORIKEET_COORDINATOR, else 127.0.0.1:7070)");
  command->add_option("--token-file", client_.token_file, "File with the token (else $LORIKEET_TOKEN_FILE)");
  command->add_option("--tls-ca", client_.tls_ca,
                      "Certificates to trust, for a coordinator beyond loopback (else $LORIKEET_TLS_CA)");
  command->add_option("--data", client_.data, "Folder of a `sweepctl run` at work: its coordinator instead")
      ->excludes("--coordinator");
  return command;
}

Status Commands::WithClient(const std::function<Status(Client&)>& action) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Client> client, Client::Create(client_));
  return action(*client);
}

void Commands::AddRun(CLI::App& app) {
  CLI::App* run = app.add_subcommand("run", "Run a whole sweep on this machine and print its table");
  run->add_option("file", run_.file, "Sweep file")->required();
  run->add_option("--data", run_.data, "Folder of the results and the state")->capture_default_str();
  run->add_option("--workers", run_.workers, "Local workers (default: 1 with GPUs, 2 on CPUs)")
      ->check(CLI::Range(1, 64));
  run->add_option("--format", run_.format, "Of the table")->check(kFormats)->capture_default_str();
  Do(run, [this] {
    run_.programs = ProgramFolder();
    return RunSweep(run_);
  });
}

void Commands::AddSubmit(CLI::App& app) {
  CLI::App* submit = AddRemote(app, "submit", "Hand a sweep to a coordinator and print its id");
  submit->add_option("file", file_, "Sweep file")->required();
  submit->add_flag("--follow", follow_, "Go on until the sweep ends, then print its table");
  submit->add_flag("--dry-run", dry_run_, "Print the trials that the file makes; submit nothing");
  submit->add_flag("--json", json_, "Print the answer as JSON");
  Do(submit, [this] { return Submit(); });
}

void Commands::AddSchema(CLI::App& app) {
  CLI::App* schema =
      app.add_subcommand("schema", "Print what a sweep file may say: a JSON Schema, for editors");
  schema->add_option("--format", schema_format_, "json, or markdown: the reference's tables")
      ->check(CLI::IsMember({"json", "markdown"}))
      ->capture_default_str();
  Do(schema, [this] {
    fmt::print("{}", schema_format_ == "json" ? spec::SweepFileSchema() : spec::KeyTablesAsMarkdown());
    return absl::OkStatus();
  });
}

Status Commands::Submit() {
  ASSIGN_OR_RETURN(const SweepFile file, ReadSweepFile(file_, /*check_files=*/false));
  if (dry_run_) {
    fmt::print("{}", json_ ? TrialsAsJson(file) : DescribeTrials(file));
    return absl::OkStatus();
  }
  // A file that is missing here may be there on the workers: a warning, not an error.
  if (const auto checked = ReadSweepFile(file_, /*check_files=*/true); !checked.ok()) {
    fmt::print(stderr, "warning, seen from this machine:\n{}\n", Message(checked.status()));
  }
  return WithClient([&](Client& client) -> Status {
    ASSIGN_OR_RETURN(const v1::SubmitResponse submitted, SubmitSweep(client, file));
    for (const std::string& warning : submitted.warnings())
      fmt::print(stderr, "warning: {}\n", Printable(warning));
    if (json_) {
      const nlohmann::ordered_json answer = {{"sweep", submitted.sweep_id()},
                                             {"name", submitted.name()},
                                             {"existing", submitted.existing()},
                                             {"trials", submitted.trials()}};
      fmt::print("{}\n", answer.dump());
    } else {
      fmt::print("{}\n", submitted.sweep_id());
      fmt::print(stderr, "{} {}: {} trials\n", submitted.existing() ? "already there:" : "submitted",
                 submitted.name(), submitted.trials());
    }
    if (std::fflush(stdout) != 0) return Internal("cannot write the sweep's id to standard output");
    if (!follow_) return absl::OkStatus();
    ASSIGN_OR_RETURN(const v1::SweepStatus sweep,
                     FollowSweep(client, {.sweep = submitted.sweep_id(), .check = {}}));
    name_ = submitted.sweep_id();
    if (json_) format_ = "json";
    RETURN_IF_ERROR(Table());
    return OutcomeOf(sweep, "sweepctl trials " + sweep.name());
  });
}

void Commands::AddLooks(CLI::App& app) {
  CLI::App* list = AddRemote(app, "list", "List the sweeps");
  list->add_flag("--names", names_, "Print their names alone, a line each");
  Do(list, [this] {
    return WithClient(
        [this](Client& client) { return names_ ? ShowSweepNames(client) : ShowSweeps(client, json_); });
  });

  CLI::App* status = AddRemote(app, "status", "Show how far a sweep (or a trial) is");
  status->add_option("name", name_, "Sweep or trial: an id or a name")->required();
  Do(status,
     [this] { return WithClient([this](Client& client) { return ShowStatus(client, name_, json_); }); });

  CLI::App* trials = AddRemote(app, "trials", "List a sweep's trials");
  trials->add_option("sweep", name_, "An id or a name")->required();
  Do(trials,
     [this] { return WithClient([this](Client& client) { return ShowTrials(client, name_, json_); }); });

  CLI::App* workers = AddRemote(app, "workers", "List the workers and what they run");
  Do(workers, [this] { return WithClient([this](Client& client) { return ShowWorkers(client, json_); }); });

  CLI::App* logs = AddRemote(app, "logs", "Print what a trial's attempts wrote and what happened to them");
  logs->add_option("trial", name_, "An id or a name")->required();
  logs->add_flag("-f,--follow", follow_, "Go on until the trial ends");
  Do(logs, [this] {
    return WithClient([this](Client& client) { return ShowLogs(client, name_, follow_, json_); });
  });

  for (CLI::App* command : {list, status, trials, workers, logs})
    command->add_flag("--json", json_, "Print JSON");

  CLI::App* watch = AddRemote(app, "watch", "Follow a sweep until it ends");
  watch->add_option("sweep", name_, "An id or a name")->required();
  Do(watch, [this] {
    return WithClient([this](Client& client) -> Status {
      // A `sweepctl run` takes its coordinator with it, a moment after the sweep's end: nobody to wait for.
      bool run_ended = false;
      const auto check = [&]() -> Status {
        std::error_code error;
        run_ended =
            !client_.data.empty() && !std::filesystem::exists(client_.data + "/coordinator.address", error);
        return run_ended ? absl::CancelledError() : absl::OkStatus();
      };
      const StatusOr<v1::SweepStatus> sweep = FollowSweep(client, {.sweep = name_, .check = check});
      if (run_ended) {
        fmt::print(stderr, "the run has ended: `sweepctl table {} --db {}`\n", Printable(name_),
                   client_.data);
        return absl::OkStatus();
      }
      RETURN_IF_ERROR(sweep.status());
      return OutcomeOf(*sweep, "sweepctl trials " + sweep->name());
    });
  });
}

void Commands::AddTable(CLI::App& app) {
  CLI::App* table = AddRemote(app, "table", "Print a sweep's ROUGE table against the baseline");
  table->add_option("sweep", name_, "An id or a name")->required();
  table->add_option("--format", format_, "Of the table")->check(kFormats)->capture_default_str();
  table->add_option("--db", database_, "A results.db (or its folder), read without a coordinator");
  table
      ->add_option("--metrics", table_.arrangement.metrics,
                   "Score columns: rouge1,rouge2,rougeL,rougeLsum, or any that `score` brought")
      ->delimiter(',');
  table
      ->add_option("--sort", table_.arrangement.sort,
                   "By a column, the best first (default: as in the file); METRIC: one that `score` brought")
      ->type_name(fmt::format("TEXT:{{{}}} or METRIC", fmt::join(report::SortKeys(), ",")));
  table->add_option("--rows", table_.arrangement.rows, "Only rows whose name holds this, and the baseline");
  table->add_flag_callback(
      "--json", [this] { format_ = "json"; }, "The same as --format json");
  Do(table, [this] { return Table(); });
}

Status Commands::Table() {
  table_.sweep = name_;
  table_.format = format_;
  table_.colour = WantsColour(STDOUT_FILENO);
  const auto print = [](const StatusOr<std::string>& text) -> Status {
    RETURN_IF_ERROR(text.status());
    fmt::print("{}", *text);
    return absl::OkStatus();
  };
  if (!database_.empty()) return print(TableFromDatabase(database_, table_));
  return WithClient([&](Client& client) { return print(TableFromCoordinator(client, table_)); });
}

void Commands::AddActs(CLI::App& app) {
  CLI::App* cancel = AddRemote(app, "cancel", "Cancel a sweep, or one trial of it");
  cancel->add_option("sweep", name_, "An id or a name");
  cancel->add_option("--trial", trial_, "One trial instead: an id or a name");
  Do(cancel, [this]() -> Status {
    if (name_.empty() == trial_.empty()) {
      return InvalidArgument("cancel: name a sweep, or one trial by --trial ID or --trial 'SWEEP/TRIAL'{}",
                             name_.empty() ? "" : "; here both");
    }
    return WithClient([this](Client& client) { return Cancel(client, name_, trial_, json_); });
  });

  CLI::App* pause = AddRemote(app, "pause", "Grant nothing new of a sweep; what runs goes on");
  pause->add_option("sweep", name_, "An id or a name")->required();
  Do(pause, [this] { return WithClient([this](Client& client) { return Pause(client, name_, json_); }); });

  CLI::App* resume = AddRemote(app, "resume", "Undo a pause");
  resume->add_option("sweep", name_, "An id or a name")->required();
  Do(resume, [this] { return WithClient([this](Client& client) { return Resume(client, name_, json_); }); });

  CLI::App* retry = AddRemote(app, "retry", "Run failed and cancelled trials again");
  retry->add_option("name", name_, "Sweep or trial: an id or a name")->required();
  Do(retry, [this] { return WithClient([this](Client& client) { return Retry(client, name_, json_); }); });

  CLI::App* priority = AddRemote(app, "priority", "Have a sweep served before others, or after them");
  priority->add_option("sweep", name_, "An id or a name")->required();
  priority->add_option("priority", priority_, "From -100 to 100: higher is served first")
      ->required()
      ->check(CLI::Range(-100, 100));
  Do(priority, [this] {
    return WithClient([this](Client& client) { return SetPriority(client, name_, priority_, json_); });
  });

  CLI::App* drain = AddRemote(app, "drain", "Have a worker hand back what it runs and take nothing new");
  drain->add_option("worker", name_, "An id or a hostname")->required();
  drain->add_flag("--undo", undo_, "Let it take trials again");
  Do(drain,
     [this] { return WithClient([this](Client& client) { return Drain(client, name_, undo_, json_); }); });

  CLI::App* readmit = AddRemote(app, "readmit", "Let a quarantined worker have trials again");
  readmit->add_option("worker", name_, "An id or a hostname")->required();
  Do(readmit,
     [this] { return WithClient([this](Client& client) { return Readmit(client, name_, json_); }); });

  for (CLI::App* command : {cancel, pause, resume, retry, priority, drain, readmit})
    command->add_flag("--json", json_, "Print JSON");
}

void Commands::AddFiles(CLI::App& app) {
  CLI::App* fetch = AddRemote(app, "fetch", "Bring the adapter that a trial kept here, as a PEFT folder");
  fetch->add_option("trial", fetch_.trial, "An id or a name")->required();
  fetch->add_option("--out", fetch_.out, "The new folder (default: the trial's name)");
  fetch->add_flag("--force", fetch_.force, "Replace an adapter that is there");
  Do(fetch, [this] {
    fetch_.json = json_;
    return WithClient([this](Client& client) { return Fetch(client, fetch_); });
  });

  CLI::App* prune = AddRemote(app, "prune", "Remove what ended sweeps need not keep any more");
  prune->add_option("sweep", name_, "An id or a name (default: every sweep)");
  prune->add_flag("--dry-run", dry_run_, "Say what would go; remove nothing");
  Do(prune,
     [this] { return WithClient([this](Client& client) { return Prune(client, name_, dry_run_, json_); }); });

  for (CLI::App* command : {fetch, prune}) command->add_flag("--json", json_, "Print JSON");
}

void Commands::AddMaintenance(CLI::App& app) {
  CLI::App* check = app.add_subcommand("check", "Say what is wrong with a results database");
  Do(check, [this] { return CheckFile(database_, json_); });

  CLI::App* backup = app.add_subcommand("backup", "Copy a results database while a coordinator writes it");
  backup->add_option("copy", copy_, "The new file")->required();
  Do(backup, [this] { return BackUpFile(database_, copy_, json_); });

  for (CLI::App* command : {check, backup}) {
    command->add_option("--db", database_, "A results.db, or its folder (a coordinator's --data)")
        ->required();
    command->add_flag("--json", json_, "Print JSON");
  }
}

}  // namespace lorikeet::sweepctl
