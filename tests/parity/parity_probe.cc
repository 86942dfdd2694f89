// What the trainer computes for given token ids, written down: the loss, the logits and every gradient.
// run.sh compares them with transformers' and peft's.
//
// usage: parity_probe JOBS.json
//
// JOBS.json is a list of objects: "model" (a Hugging Face directory), "adapter" (a PEFT directory; trained
// alone where it is given), "precision" (fp32 or bf16), "source" and "target" (lists of token ids, without
// padding), and "out", a safetensors file to write: "loss" [1], the mean over target tokens;
// "document_losses" [B]; "logits" [B, T, V] with whatever stands on padding; "gradient.NAME" of the mean loss
// for every trained tensor. Exit code 1 at the first error.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "tests/parity/all_logits.h"
#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/files/tensor_files.h"
#include "worker/trainer/train/batches.h"
#include "worker/trainer/train/device.h"

namespace lorikeet::trainer {
namespace {

using Json = nlohmann::json;
using Rows = std::vector<std::vector<text::TokenId>>;

Batch ReadBatch(const Json& job) {
  const Rows sources = job.at("source").get<Rows>(), targets = job.at("target").get<Rows>();
  std::vector<Example> examples(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    examples[i].source = sources[i];
    examples[i].target = targets.at(i);
  }
  return MakeBatch(Pointers(examples), at::kCPU);
}

Status Run(const Json& job) {
  const std::string adapter_directory = job.value("adapter", "");
  LoadOptions options;
  options.compute = job.value("precision", "fp32") == "bf16" ? at::kBFloat16 : at::kFloat;
  options.trainable = adapter_directory.empty();
  ASSIGN_OR_RETURN(const std::unique_ptr<T5> model, T5::Load(job.at("model"), options));
  std::unique_ptr<Adapter> adapter;
  if (!adapter_directory.empty()) {
    ASSIGN_OR_RETURN(adapter, LoadAdapter(adapter_directory, *model));
  }
  const ForwardContext context{.adapter = adapter.get()};
  const Batch batch = ReadBatch(job);
  const TokenLoss loss = Loss(*model, batch, context);
  const at::Tensor mean = loss.sum / static_cast<double>(std::max<std::int64_t>(loss.tokens, 1));
  mean.backward();
  std::map<std::string, at::Tensor> out = {{"loss", mean.detach().reshape({1})},
                                           {"document_losses", loss.per_document},
                                           {"logits", AllLogits(*model, batch, context)}};
  for (const auto& [name, parameter] : adapter ? adapter->parameters() : model->parameters()) {
    out["gradient." + name] =
        parameter.grad().defined() ? parameter.grad() : at::zeros_like(parameter.detach());
  }
  return WriteTensors(job.at("out"), out, at::kFloat);
}

Status RunAll(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SetUpCompute(/*threads=*/1);
  for (const Json& job : Json::parse(text)) {
    RETURN_IF_ERROR(Annotate(Run(job), job.at("out").get<std::string>()));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace lorikeet::trainer

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: parity_probe JOBS.json\n");
    return 2;
  }
  try {
    const lorikeet::Status status = lorikeet::trainer::RunAll(argv[1]);
    if (status.ok()) return 0;
    fmt::print(stderr, "parity_probe: {}\n", lorikeet::Message(status));
  } catch (const std::exception& e) {
    fmt::print(stderr, "parity_probe: {}: {}\n", argv[1], e.what());
  }
  return 1;
}
