#include "worker/protocol/events.h"

#include <iterator>
#include <type_traits>
#include <utility>

#include "common/failure_kinds.h"
#include "worker/protocol/lines.h"

namespace lorikeet::protocol {
namespace {

// The kinds by the order of Event's alternatives.
constexpr const char* kKinds[] = {"started",          "progress",      "metric",   "log",
                                  "checkpoint_saved", "out_of_memory", "document", "prediction",
                                  "result",           "stopped",       "failed"};
static_assert(std::size(kKinds) == std::variant_size_v<Event>);

const std::vector<std::string>& Splits() {
  static const auto* splits = new std::vector<std::string>{"validation", "test"};
  return *splits;
}

// One list of fields for each kind; `E` is const when writing.
template <typename Visitor, typename E>
void WalkRouge(Visitor& visit, E& rouge) {
  visit("rouge1", rouge.rouge1);
  visit("rouge2", rouge.rouge2);
  visit("rougeL", rouge.rougeL);
  visit("rougeLsum", rouge.rougeLsum);
}

template <typename Visitor, typename E>
void WalkScore(Visitor& visit, E& score) {
  visit.Object("rouge", [&](auto& rouge) { WalkRouge(rouge, score.rouge); });
  visit("documents", score.documents);
  visit("sources_cut", score.sources_cut);
  visit("targets_cut", score.targets_cut);
  visit("outputs_cut", score.outputs_cut);
}

template <typename Visitor, typename E>
void WalkResult(Visitor& visit, E& result) {
  visit.Object("test", [&](auto& score) { WalkScore(score, result.test); });
  visit.Object("validation", [&](auto& score) { WalkScore(score, result.validation); });
  visit("validation_loss", result.validation_loss);
  visit("test_loss", result.test_loss);
  visit("kept_step", result.kept_step);
  visit("last_step", result.last_step);
  visit("train_documents", result.train_documents);
  visit("empty_documents", result.empty_documents);
  visit("trainable_parameters", result.trainable_parameters);
  visit("trainable_share", result.trainable_share);
  visit("device", result.device);
  visit("device_model", result.device_model);
  visit("threads", result.threads);
  visit("micro_batch_size", result.micro_batch_size);
  visit("precision", result.precision);
  visit("train_seconds", result.train_seconds);
  visit("tokens_per_second", result.tokens_per_second);
  visit("peak_memory_bytes", result.peak_memory_bytes);
  visit("latency_p50_seconds", result.latency_p50_seconds);
  visit("latency_p95_seconds", result.latency_p95_seconds);
  visit("generated_tokens_per_second", result.generated_tokens_per_second);
  visit("adapter_bytes", result.adapter_bytes);
  visit("data_fingerprint", result.data_fingerprint);
  visit("model_fingerprint", result.model_fingerprint);
  visit("predictions", result.predictions);
}

template <typename Visitor, typename E>
void Walk(Visitor& visit, E& event) {
  using Kind = std::remove_const_t<E>;
  if constexpr (std::is_same_v<Kind, Started>) {
    visit("device", event.device);
    visit("device_model", event.device_model);
    visit("threads", event.threads);
    visit("micro_batch_size", event.micro_batch_size);
    visit("from_step", event.from_step);
    visit("total_steps", event.total_steps);
    visit("build", event.build);
    visit("data_fingerprint", event.data_fingerprint);
    visit("model_fingerprint", event.model_fingerprint);
  } else if constexpr (std::is_same_v<Kind, Progress>) {
    visit.OneOf("phase", event.phase, {"loading", "training", "validating", "generating"});
    visit("step", event.step);
    visit("total", event.total);
    visit("loss", event.loss);
    visit("tokens_per_second", event.tokens_per_second);
    visit("eta_seconds", event.eta_seconds);
  } else if constexpr (std::is_same_v<Kind, Metric>) {
    visit("step", event.step);
    visit("name", event.name);
    visit("value", event.value);
  } else if constexpr (std::is_same_v<Kind, Log>) {
    visit.OneOf("level", event.level, {"info", "warning", "error"});
    visit("message", event.message);
  } else if constexpr (std::is_same_v<Kind, CheckpointSaved>) {
    visit("step", event.step);
  } else if constexpr (std::is_same_v<Kind, OutOfMemory>) {
    visit.OneOf("phase", event.phase, {"training", "validating", "generating"});
    visit("step", event.step);
    visit("micro_batch_size", event.micro_batch_size);
    visit("parts", event.parts);
    visit("message", event.message);
  } else if constexpr (std::is_same_v<Kind, Document>) {
    visit.OneOf("split", event.split, Splits());
    visit("id", event.id);
    visit("position", event.position);
    visit("article", event.article);
    visit("reference", event.reference);
  } else if constexpr (std::is_same_v<Kind, Prediction>) {
    visit.OneOf("split", event.split, Splits());
    visit("id", event.id);
    visit("position", event.position);
    visit("summary", event.summary);
    visit("tokens", event.tokens);
    visit.Object("rouge", [&](auto& rouge) { WalkRouge(rouge, event.rouge); });
  } else if constexpr (std::is_same_v<Kind, Result>) {
    WalkResult(visit, event);
  } else if constexpr (std::is_same_v<Kind, Stopped>) {
    visit("step", event.step);
    visit("checkpointed", event.checkpointed);
  } else {
    static_assert(std::is_same_v<Kind, Failed>);
    visit.OneOf("kind", event.kind,
                {failure::kBadInput, failure::kDiverged, failure::kOom, failure::kCrashed});
    visit("message", event.message);
  }
}

// The event of alternative `index`, with default values.
template <std::size_t I = 0>
Event MakeEvent(std::size_t index) {
  if constexpr (I + 1 < std::variant_size_v<Event>) {
    if (index != I) return MakeEvent<I + 1>(index);
  }
  return Event(std::in_place_index<I>);
}

}  // namespace

std::string ToLine(const EventLine& line) {
  LineWriter writer;
  writer("attempt", line.attempt);
  writer("event", std::string(kKinds[line.event.index()]));
  std::visit([&](const auto& event) { Walk(writer, event); }, line.event);
  return writer.Line();
}

StatusOr<EventLine> EventFromLine(const std::string& line) {
  ASSIGN_OR_RETURN(const nlohmann::json object, ParseLine(line));
  LineReader reader(object);
  EventLine read;
  std::string kind;
  reader("attempt", read.attempt);
  reader.OneOf("event", kind, {std::begin(kKinds), std::end(kKinds)});
  for (std::size_t i = 0; i < std::size(kKinds); ++i) {
    if (kind != kKinds[i]) continue;
    read.event = MakeEvent(i);
    std::visit([&](auto& event) { Walk(reader, event); }, read.event);
  }
  RETURN_IF_ERROR(reader.Outcome());
  return read;
}

}  // namespace lorikeet::protocol
