#include "coordinator/rpc/checks.h"
#include "coordinator/rpc/field_checker.h"

namespace lorikeet::rpc {
namespace {

FieldChecker CheckSlot(const char* list, const v1::Slot& slot, int index) {
  FieldChecker check(list, index);
  check.Count("index", slot.index(), kMostSlotIndex);
  check.Word("kind", slot.kind());
  check.Word("device", slot.device());
  check.Word("device_model", slot.device_model());
  check.Count("memory_bytes", slot.memory_bytes());
  check.Count("threads", slot.threads());
  check.Text("quarantine", slot.quarantine(), kMostReasonBytes);
  return check;
}

FieldChecker CheckHeld(const v1::Held& held, int index) {
  FieldChecker check("hello.held", index);
  check.Word("attempt_id", held.attempt_id(), kMostIdBytes);
  check.Count("token", held.token());
  check.List("slots", held.slots_size(), kMostSlots);
  for (const std::int64_t slot : held.slots()) check.Count("slots", slot, kMostSlotIndex);
  check.Count("spooled_sequence", held.spooled_sequence());
  return check;
}

void CheckRouge(FieldChecker& check, const v1::RougeF1& rouge) {
  check.Share("rouge1", rouge.rouge1());
  check.Share("rouge2", rouge.rouge2());
  check.Share("rougeL", rouge.rougel());
  check.Share("rougeLsum", rouge.rougelsum());
}

void CheckSplit(FieldChecker& check, const v1::SplitScore& split) {
  CheckRouge(check, split.rouge());
  check.Count("documents", split.documents());
  check.Share("sources_cut", split.sources_cut());
  check.Share("targets_cut", split.targets_cut());
  check.Share("outputs_cut", split.outputs_cut());
}

// Losses, times and rates may be anything: a run that diverged has losses that are no numbers, and what does
// not apply is not a number either.
void CheckResult(FieldChecker& check, const v1::Result& result) {
  CheckSplit(check, result.test());
  CheckSplit(check, result.validation());
  check.Count("kept_step", result.kept_step());
  check.Count("last_step", result.last_step());
  check.Count("train_documents", result.train_documents());
  check.Count("empty_documents", result.empty_documents());
  check.Count("trainable_parameters", result.trainable_parameters());
  check.Share("trainable_share", result.trainable_share());
  check.Word("device", result.device());
  check.Word("device_model", result.device_model());
  check.Word("precision", result.precision());
  check.Count("threads", result.threads());
  check.Count("micro_batch_size", result.micro_batch_size());
  check.Count("peak_memory_bytes", result.peak_memory_bytes());
  check.Count("adapter_bytes", result.adapter_bytes());
  check.Word("data_fingerprint", result.data_fingerprint());
  check.Word("model_fingerprint", result.model_fingerprint());
  check.Count("predictions", result.predictions());
}

void CheckStarted(FieldChecker& check, const v1::Started& started) {
  check.Word("device", started.device());
  check.Word("device_model", started.device_model());
  check.Word("build", started.build(), kMostBuildBytes);
  check.Count("threads", started.threads());
  check.Count("micro_batch_size", started.micro_batch_size());
  check.Count("from_step", started.from_step());
  check.Count("total_steps", started.total_steps());
  check.Word("data_fingerprint", started.data_fingerprint());
  check.Word("model_fingerprint", started.model_fingerprint());
}

void CheckFingerprints(FieldChecker& check, const v1::Fingerprints& fingerprints) {
  check.List("files", fingerprints.files_size(), kMostFiles);
  for (int i = 0; i < fingerprints.files_size() && check.status().ok(); ++i) {
    const v1::Fingerprint& file = fingerprints.files(i);
    check.Text("name", file.name(), kMostPathBytes);
    check.Word("value", file.value());
    check.Text("error", file.error(), kMostReasonBytes);
  }
}

void CheckDocument(FieldChecker& check, const v1::Document& document) {
  check.Word("split", document.split());
  check.Text("id", document.id(), kMostDocumentIdBytes);
  check.Count("position", document.position());
  check.Text("article", document.article(), kMostEventBytes);
  check.Text("reference", document.reference(), kMostEventBytes);
}

void CheckPrediction(FieldChecker& check, const v1::Prediction& prediction) {
  check.Word("split", prediction.split());
  check.Text("id", prediction.id(), kMostDocumentIdBytes);
  check.Count("position", prediction.position());
  check.Text("summary", prediction.summary(), kMostEventBytes);
  check.Count("tokens", prediction.tokens());
  CheckRouge(check, prediction.rouge());
}

// Each kind has its fields; what has none of the known kinds is refused by FromWire.
void CheckKind(FieldChecker& check, const v1::Event& event) {
  switch (event.event_case()) {
    case v1::Event::kStarted:
      return CheckStarted(check, event.started());
    case v1::Event::kMetric:
      check.Count("step", event.metric().step());
      return check.Word("name", event.metric().name());
    case v1::Event::kLog:
      check.Word("level", event.log().level());
      return check.Text("message", event.log().message(), kMostTextBytes);
    case v1::Event::kCheckpoint:
      return check.Count("step", event.checkpoint().step());
    case v1::Event::kOutOfMemory:
      check.Word("phase", event.out_of_memory().phase());
      check.Count("step", event.out_of_memory().step());
      check.Count("micro_batch_size", event.out_of_memory().micro_batch_size());
      check.Count("parts", event.out_of_memory().parts());
      return check.Text("message", event.out_of_memory().message(), kMostTextBytes);
    case v1::Event::kDocument:
      return CheckDocument(check, event.document());
    case v1::Event::kPrediction:
      return CheckPrediction(check, event.prediction());
    case v1::Event::kResult:
      return CheckResult(check, event.result());
    case v1::Event::kReturned:
      check.Count("step", event.returned().step());
      return check.Text("reason", event.returned().reason(), kMostTextBytes);
    case v1::Event::kFailed:
      check.Word("kind", event.failed().kind());
      return check.Text("message", event.failed().message(), kMostTextBytes);
    case v1::Event::kFingerprints:
      return CheckFingerprints(check, event.fingerprints());
    case v1::Event::EVENT_NOT_SET:
      return;
  }
}

}  // namespace

Status CheckLimits(const v1::Hello& hello) {
  FieldChecker check("hello");
  check.Word("hostname", hello.hostname(), kMostHostnameBytes);
  check.Word("worker_id", hello.worker_id(), kMostIdBytes);
  check.Word("build", hello.build(), kMostBuildBytes);
  check.Word("process", hello.process(), kMostIdBytes);
  check.Count("protocol_version", hello.protocol_version());
  check.Count("start", hello.start());
  check.Count("connection", hello.connection());
  check.List("slots", hello.slots_size(), kMostSlots);
  check.List("held", hello.held_size(), kMostHeld);
  check.List("labels", static_cast<std::int64_t>(hello.labels().size()), kMostLabels);
  for (const auto& [key, value] : hello.labels()) {
    check.Label("labels", key);
    check.Label("labels", value);
  }
  for (int i = 0; i < hello.slots_size() && check.status().ok(); ++i)
    check.Take(CheckSlot("hello.slots", hello.slots(i), i));
  std::int64_t held_slots = 0;
  for (int i = 0; i < hello.held_size() && check.status().ok(); ++i) {
    check.Take(CheckHeld(hello.held(i), i));
    held_slots += hello.held(i).slots_size();
  }
  check.List("held.slots, all together", held_slots, kMostHeld);
  if (check.status().ok()) return absl::OkStatus();
  return FailedPrecondition("{}", Message(check.status()));
}

Status CheckLimits(const v1::SlotsChanged& changed) {
  FieldChecker check("slots_changed");
  check.List("slots", changed.slots_size(), kMostSlots);
  for (int i = 0; i < changed.slots_size() && check.status().ok(); ++i)
    check.Take(CheckSlot("slots_changed.slots", changed.slots(i), i));
  return check.status();
}

Status CheckLimits(const v1::Renew& renew) {
  FieldChecker check("renew");
  check.Count("nonce", renew.nonce());
  check.List("leases", renew.leases_size(), kMostLeases);
  for (int i = 0; i < renew.leases_size() && check.status().ok(); ++i) {
    FieldChecker lease("renew.leases", i);
    lease.Word("attempt_id", renew.leases(i).attempt_id(), kMostIdBytes);
    lease.Count("token", renew.leases(i).token());
    check.Take(lease);
  }
  return check.status();
}

Status CheckLease(const char* message, const std::string& attempt_id, std::int64_t token) {
  FieldChecker check(message);
  check.Word("attempt_id", attempt_id, kMostIdBytes);
  check.Count("token", token);
  return check.status();
}

Status CheckLimits(const v1::Progress& progress) {
  FieldChecker check("progress");
  check.Word("phase", progress.phase());
  check.Count("step", progress.step());
  check.Count("total", progress.total());
  return check.status();
}

Status CheckLimits(const v1::EventBatch& batch) {
  FieldChecker check("events");
  check.List("events", batch.events_size(), kMostEventsABatch);
  for (int i = 0; i < batch.events_size() && check.status().ok(); ++i) {
    const v1::Event& event = batch.events(i);
    FieldChecker one("events", i);
    one.Count("sequence", event.sequence());
    if (const std::size_t bytes = event.ByteSizeLong(); bytes > kMostEventBytes) {
      return InvalidArgument("events[{}]: {} bytes; at most {}", i, bytes, kMostEventBytes);
    }
    CheckKind(one, event);
    check.Take(one);
  }
  return check.status();
}

}  // namespace lorikeet::rpc
