#include <c10/core/GradMode.h>

#include <cstdio>

#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/json_lines.h"
#include "worker/trainer/commands/model_options.h"
#include "worker/trainer/train/batches.h"
#include "worker/trainer/train/memory.h"

namespace lorikeet::trainer {
namespace {

Status Run(const ModelOptions& options) {
  ASSIGN_OR_RETURN(const LoadedInput input, LoadInput(options, /*target_needed=*/true));
  const at::NoGradGuard no_grad;
  const std::vector<const Example*> examples = Pointers(input.split.examples);
  const std::vector<std::size_t> order = OrderByLength(examples);
  std::vector<double> losses(examples.size());
  std::int64_t size = options.batch;
  RETURN_IF_ERROR(WithMemory(size, [&](std::int64_t batch_size) {
    for (std::size_t begin = 0; begin < order.size(); begin += static_cast<std::size_t>(batch_size)) {
      const std::size_t end = std::min(begin + static_cast<std::size_t>(batch_size), order.size());
      std::vector<const Example*> some;
      for (std::size_t i = begin; i < end; ++i) some.push_back(examples[order[i]]);
      const T5& model = *input.loaded.model;
      const TokenLoss loss =
          Loss(model, MakeBatch(some, model.device()), {.adapter = input.loaded.adapter.get()});
      const at::Tensor values = loss.per_document.to(at::kCPU, at::kDouble).contiguous();
      for (std::size_t i = begin; i < end; ++i) losses[order[i]] = values.const_data_ptr<double>()[i - begin];
    }
  }));
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const std::string line = Line({{"id", input.split.documents[i].id},
                                   {"nll", losses[i]},
                                   {"tokens", static_cast<std::int64_t>(examples[i]->target.size())}});
    std::fputs(line.c_str(), stdout);
  }
  if (std::fflush(stdout) != 0) return Internal("cannot write to standard output");
  return absl::OkStatus();
}

}  // namespace

void AddLossCommand(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand(
      "loss", "Negative log likelihood of each abstract given its article: id, nll, tokens a line");
  auto options = std::make_shared<ModelOptions>();
  AddModelOptions(*command, *options);
  command->callback([options, &exit_code] { exit_code = RunCommand("loss", [&] { return Run(*options); }); });
}

}  // namespace lorikeet::trainer
