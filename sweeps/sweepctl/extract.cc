#include "sweeps/sweepctl/extract.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "sweeps/export/new_files.h"
#include "sweeps/sweepctl/maintain.h"

namespace lorikeet::sweepctl {
namespace {

constexpr const char* kOrDatabase = "; --db FILE reads a results.db without a coordinator";

v1::ExtractRequest ToWire(const report::ExtractRequest& request) {
  v1::ExtractRequest wire;
  wire.set_what(request.what);
  wire.set_name(request.name);
  wire.set_other(request.other);
  wire.set_table(request.table);
  wire.set_split(request.split);
  wire.set_configuration(request.configuration);
  if (request.seed) wire.set_seed(*request.seed);
  wire.set_documents(request.documents);
  wire.set_columns(request.columns);
  wire.set_base_model(request.base_model);
  wire.set_json(request.json);
  return wire;
}

Status Print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return absl::OkStatus();
  return Internal("cannot write to standard output: {}", std::strerror(errno));
}

}  // namespace

StatusOr<Extractor> Extractor::Open(const std::string& database, const ClientOptions& client) {
  Extractor extractor;
  std::error_code ignored;
  if (!database.empty()) {
    ASSIGN_OR_RETURN(extractor.database_, DatabaseFile(database));
  } else if (!client.data.empty() &&
             !std::filesystem::exists(client.data + "/coordinator.address", ignored) &&
             std::filesystem::exists(client.data + "/results.db", ignored)) {
    extractor.database_ = client.data + "/results.db";
  } else {
    StatusOr<std::unique_ptr<Client>> created = Client::Create(client);
    if (!created.ok()) return Status(created.status().code(), Message(created.status()) + kOrDatabase);
    extractor.client_ = *std::move(created);
  }
  return extractor;
}

Status Extractor::Read(const report::ExtractRequest& request, const Take& take) const {
  if (client_ != nullptr) {
    Status read = client_->Extract(ToWire(request), take);
    if (!absl::IsUnavailable(read)) return read;
    return Unavailable("{}{}", Message(read), kOrDatabase);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<report::Extract> extract, report::Extract::Open(database_, request));
  for (;;) {
    ASSIGN_OR_RETURN(const std::string piece, extract->Next());
    if (piece.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(take(piece));
  }
}

StatusOr<std::string> Extractor::ReadAll(const report::ExtractRequest& request) const {
  std::string all;
  RETURN_IF_ERROR(Read(request, [&](std::string_view text) {
    all += text;
    return absl::OkStatus();
  }));
  return all;
}

Status PrintExtract(const Extractor& extractor, const ExtractOptions& options) {
  if (options.out.empty()) return extractor.Read(options.request, Print);
  exporting::NewFile file(options.out);
  RETURN_IF_ERROR(file.Open());
  RETURN_IF_ERROR(extractor.Read(options.request, [&](std::string_view text) { return file.Write(text); }));
  return file.Keep();
}

}  // namespace lorikeet::sweepctl
