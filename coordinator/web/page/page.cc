#include "coordinator/web/page/page.h"

#include <zlib.h>

namespace lorikeet::web {
namespace {

constexpr int kBest = 9;
constexpr int kGzipWindow = 15 + 16;  // zlib's way to ask for gzip's header
constexpr int kMemoryLevel = 8;

}  // namespace

std::string Gzip(std::string_view bytes, int level) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
    return "";
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // which it only reads
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return done ? packed : "";
}

Page::Page() {
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    files_[std::string(file.name)] = {
        .type = file.type, .bytes = file.bytes, .gzip = Gzip(file.bytes, kBest)};
  }
}

const Page::File* Page::Find(const std::string& name) const {
  const auto found = files_.find(name);
  return found == files_.end() ? nullptr : &found->second;
}

}  // namespace lorikeet::web
