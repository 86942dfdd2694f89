#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/model_options.h"
#include "worker/trainer/files/folder.h"
#include "worker/trainer/files/tensor_files.h"
#include "worker/trainer/train/device.h"

namespace lorikeet::trainer {
namespace {

struct MergeOptions {
  std::string model, adapter, out;
};

Status Run(const MergeOptions& options) {
  RETURN_IF_ERROR(CheckReplaceable(options.out));
  SetUpCompute(0);
  ASSIGN_OR_RETURN(const LoadedModel loaded, LoadModel(options.model, options.adapter, LoadOptions{}));
  RETURN_IF_ERROR(MergeAdapter(*loaded.adapter, *loaded.model));
  return loaded.model->Save(options.out, options.model);
}

}  // namespace

void AddMergeCommand(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand("merge", "Folds LoRA into a Hugging Face directory");
  auto options = std::make_shared<MergeOptions>();
  command->add_option("--model", options->model, "The base model's directory")->required();
  command->add_option("--adapter", options->adapter, "A PEFT directory with LoRA")->required();
  command->add_option("--out", options->out, "The new directory; a model that is there is replaced")
      ->required();
  command->callback([options, &exit_code] {
    exit_code = RunCommand("merge", [&] {
      if (options->adapter.empty()) return InvalidArgument("--adapter: a directory would be right");
      return Run(*options);
    });
  });
}

}  // namespace lorikeet::trainer
