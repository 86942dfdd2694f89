// What leaves the database as text, to a client: a piece is read when the one before has gone out.
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/rpc/status_codes.h"
#include "coordinator/rpc/checks.h"
#include "coordinator/rpc/sweep_service.h"
#include "sweeps/report/extract.h"

namespace lorikeet::rpc {
namespace {

report::ExtractRequest FromWire(const v1::ExtractRequest& request) {
  report::ExtractRequest asked;
  asked.what = request.what();
  asked.name = request.name();
  asked.other = request.other();
  asked.table = request.table();
  asked.split = request.split();
  asked.configuration = request.configuration();
  if (request.has_seed()) asked.seed = request.seed();
  if (request.has_documents()) asked.documents = request.documents();
  if (request.has_columns()) asked.columns = request.columns();
  asked.base_model = request.base_model();
  asked.json = request.json();
  return asked;
}

}  // namespace

// background: open, first piece ─▶ [message ─▶ background: next piece]… ─▶ end
class SweepServiceHandler::ExtractReactor : public grpc::ServerWriteReactor<v1::ExtractPiece> {
 public:
  ExtractReactor(SweepServiceHandler& owner, grpc::CallbackServerContext* context,
                 const v1::ExtractRequest& request)
      : owner_(owner), context_(context) {
    Status allowed = owner_.access_.Check(context->client_metadata(), Role::kRead).status();
    if (allowed.ok()) allowed = CheckLimits(request);
    if (allowed.ok() && !owner_.extracts_.Add(context)) allowed = TooManyTransfers("exports");
    if (!allowed.ok()) {
      End(allowed);
      return;
    }
    InBackground([this, asked = FromWire(request)] {
      auto opened = report::Extract::Open(owner_.database_path_, asked);
      if (!opened.ok()) return End(opened.status());
      extract_ = *std::move(opened);
      SendNext();
    });
  }

  void OnWriteDone(bool ok) override {
    owner_.extracts_.Moved(context_);
    if (!ok) return End(absl::CancelledError("the export was given up"));
    InBackground([this] { SendNext(); });
  }

  void OnDone() override {
    owner_.extracts_.Remove(context_);
    delete this;
  }

 private:
  // ---- on the background's thread
  void SendNext() {
    StatusOr<std::string> piece = extract_->Next();
    if (!piece.ok() || piece->empty()) return End(piece.status());
    message_.set_text(*std::move(piece));
    StartWrite(&message_);
  }

  void InBackground(std::function<void()> work) {
    if (!owner_.background_.Post(std::move(work))) End(TooManyTransfers("tables and exports"));
  }

  // The last that is done with this object: gRPC deletes it.
  void End(const Status& status) {
    const grpc::Status answer = ToGrpc(status);
    if (owner_.observer_ != nullptr) owner_.observer_->CallDone(CodeName(answer.error_code()));
    Finish(answer);
  }

  SweepServiceHandler& owner_;
  grpc::CallbackServerContext* const context_;
  std::unique_ptr<report::Extract> extract_;
  v1::ExtractPiece message_;
};

grpc::ServerWriteReactor<v1::ExtractPiece>* SweepServiceHandler::Extract(grpc::CallbackServerContext* context,
                                                                         const v1::ExtractRequest* request) {
  return new ExtractReactor(*this, context, *request);
}

}  // namespace lorikeet::rpc
